"""From the contract's columns to the numbers that an estimator learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer

    from ..data.contract import Contract


def features(contract: Contract) -> ColumnTransformer:
    """An unfitted transformer of the contract's features.

    Numbers are standardised, a missing one takes the median (zero if all are missing); categories
    become one column each, and one that was not seen in training becomes zeros in all of them.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categorical = [
        name for name, column in contract.features_only().items() if column.type == "categorical"
    ]
    numeric = [name for name in contract.features if name not in categorical]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    return ColumnTransformer([("numeric", scaled, numeric), ("categorical", one_hot, categorical)])
