"""Your own figures of merit, beside the library's.

A metric is a function with the signature of scikit-learn's: the true values, the predicted ones and
how often each row counts. Name it in params.yaml under `train.metrics` to have it reported with its
interval, or as `train.metric` to let it pick the champion. Of a classification it gets labels or,
with `takes="probabilities"`, a column for each of the contract's categories, in their order. Where
it gives no finite number it is not defined; its docstring's first sentence stands in the report.
"""

import numpy as np
from lockstep import metric


@metric(kind="regression", higher_is_better=False, bounds=(0, np.inf))
def mape(y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray) -> float:
    """The mean absolute error as a share of the true value; undefined where one is zero."""
    return float(np.average(np.abs(y_pred / y_true - 1), weights=sample_weight))
