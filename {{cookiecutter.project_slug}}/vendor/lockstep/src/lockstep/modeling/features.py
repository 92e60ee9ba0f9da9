"""From the contract's columns to the numbers that an estimator learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.contract import LEVELS, Column, Contract
from ..core.errors import UserError
from ..core.params import FeaturesParams, Recipe
from ..core.validation import nearest
from .steps import STEPS, TAKES, Cells, Scope

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.base import TransformerMixin
    from sklearn.compose import ColumnTransformer

GROUPS: dict[str, str] = {
    **dict.fromkeys(("numeric", "integer"), "numeric"),
    **{name: name for name in (*LEVELS, "datetime", "image")},
}
"""The group that a column of a type belongs to."""
CELLS: dict[str, Cells] = {
    "numeric": "numbers",
    "datetime": "times",
    **dict.fromkeys(LEVELS, "texts"),
}
LEAVE_NONE_MISSING = ("impute", "one_hot", "target_encode")


def features(
    contract: Contract, recipe: FeaturesParams, seed: int, *, codes: bool = False
) -> ColumnTransformer:
    """An unfitted transformer of the contract's features by the recipe in params.yaml.

    Args:
        contract: Names the features and the group that each belongs to.
        recipe: The steps for each group.
        seed: Seed of the steps that draw.
        codes: Whether binary, categorical and ordered columns become whole numbers for an
            embedding, whatever the recipe says of them, and come first: see `coded`.

    Raises:
        UserError: The recipe names an unknown step or column, or steps that do not fit the cells.
    """
    from sklearn.compose import ColumnTransformer

    embedded = coded(contract, recipe) if codes else []
    sections = [("codes", _codes(contract, embedded), embedded)] if embedded else []
    for where, steps, cells, columns in _sections(contract, recipe):
        names = [name for name in columns if name not in embedded]
        scope = Scope({name: columns[name] for name in names}, seed)
        # Also without columns, since a mistake in the recipe is one all the same.
        chain = _chain(steps, where, cells, scope)
        if names:
            sections.append((where, chain, names))
    if contract.images is not None:
        sections.append(("image", _scaled_pixels(contract.images.shape), contract.features))
    if not sections:
        raise UserError("params.yaml: features: every column is dropped; nothing to learn from")
    return ColumnTransformer(sections)


def coded(contract: Contract, recipe: FeaturesParams) -> list[str]:
    """The features with texts that the recipe does not drop."""
    return [
        name
        for *_, columns in _sections(contract, recipe)
        for name, column in columns.items()
        if column.type in LEVELS
    ]


def _sections(
    contract: Contract, recipe: FeaturesParams
) -> list[tuple[str, Recipe, Cells, dict[str, Column]]]:
    """What params.yaml calls each part of the recipe, its steps, and its cells and columns."""
    columns = contract.features_only()
    for name in recipe.columns:
        if name not in columns or columns[name].type == "image":
            raise UserError(
                f"params.yaml: features.columns.{name}: no feature of references/schema.yaml; "
                + nearest(name, columns)
            )
    sections: list[tuple[str, Recipe, Cells, dict[str, Column]]] = []
    for group, cells in CELLS.items():
        members = {
            name: column
            for name, column in columns.items()
            if GROUPS[column.type] == group and name not in recipe.columns
        }
        sections.append((group, getattr(recipe, group), cells, members))
    for name, steps in recipe.columns.items():
        cells = CELLS[GROUPS[columns[name].type]]
        sections.append((f"columns.{name}", steps, cells, {name: columns[name]}))
    return [section for section in sections if section[1] != "drop"]


def _chain(steps: Recipe, section: str, cells: Cells, scope: Scope) -> TransformerMixin:
    """The steps as one transformer, after a check that each can take what it gets."""
    from sklearn.pipeline import make_pipeline

    where = f"params.yaml: features.{section}"
    holes = [name for name, column in scope.columns.items() if column.nullable]
    transformers, filled = [], False
    for step in steps:
        name, options = _read(step)
        STEPS.require(name, f"{where}.{name}")
        if TAKES[name] != cells:
            fitting = ", ".join(other for other in STEPS if TAKES[other] == cells)
            raise UserError(
                f"{where}: {name} takes {TAKES[name]}, and gets {cells}, which {fitting} take"
            )
        if name == "quantile_bin" and holes:
            raise UserError(
                f"{where}: quantile_bin: {holes[0]!r} may be missing; put impute before it"
            )
        if name == "indicate_missing" and filled:
            raise UserError(
                f"{where}: indicate_missing: nothing is missing any more here; put it first"
            )
        cells, filled = "numbers", filled or name in LEAVE_NONE_MISSING
        holes = [] if name in LEAVE_NONE_MISSING else holes
        transformers.append(STEPS.call(name, options, f"{where}.{name}", scope))
    if cells != "numbers":
        fitting = ", ".join(other for other in STEPS if TAKES[other] == cells)
        raise UserError(f"{where}: {cells} need a step that makes numbers of them: {fitting}")
    if holes:
        raise UserError(f"{where}: {holes[0]!r} may be missing; add the step impute")
    return make_pipeline(*transformers) if transformers else "passthrough"


def _read(step: str | dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name of a step and its options; one without a name is the step's only one."""
    if isinstance(step, str):
        return step, {}
    ((name, options),) = step.items()
    if not isinstance(options, dict) and name in STEPS and STEPS.options(name):
        return name, {STEPS.options(name)[0]: options}
    return name, options if isinstance(options, dict) else {str(options): None}


def _codes(contract: Contract, names: list[str]) -> TransformerMixin:
    """Each value's place among the contract's categories, -1 for a missing one."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(
        categories=[contract.columns[name].categories for name in names],
        encoded_missing_value=-1,
        handle_unknown="use_encoded_value",
        unknown_value=-1,
    )


def _scaled_pixels(shape: tuple[int, int, int]) -> TransformerMixin:
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(scaled_pixels, kw_args={"shape": shape})


def scaled_pixels(X: pd.DataFrame, shape: tuple[int, int, int]) -> np.ndarray:
    """(n_rows, height * width * channels) shades from 0 to 1, line by line."""
    from ..data.pixels import pixels

    return pixels(X.iloc[:, 0], shape).reshape(len(X), -1).astype("float32") / 255
