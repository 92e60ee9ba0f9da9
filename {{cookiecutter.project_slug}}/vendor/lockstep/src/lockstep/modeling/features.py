"""From the contract's columns to the numbers that an estimator learns from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from sklearn.utils import get_tags

from ..core.contract import IMAGE, LEVELS, NUMBERS, Column, Contract
from ..core.errors import UserError
from ..core.examples import PAST, STEP
from ..core.params import FeaturesParams, Params, Recipe
from ..core.sequences import SIGNAL
from ..core.validation import nearest
from ..data.pixels import pixels
from . import text_steps  # noqa: F401 - a recipe names what is in it
from .candidates import TAKES_CODES, TAKES_HEIGHTS, TAKES_SIGNALS, TAKES_TERMS, TAKES_TOKENS
from .derived import DeriveColumns, select_derived
from .each_label import EncodeByLabel
from .series import Series, flatten_examples
from .signals import SignalScaler, find_shape, read_signals
from .steps import STEPS, TRAITS, Cells, Scope
from .tokens import FIRST, Tokens, TokenShape, list_train_words, read_vectors

CELLS: dict[str, Cells] = {
    **dict.fromkeys(NUMBERS, "numbers"),
    "datetime": "times",
    **dict.fromkeys(LEVELS, "texts"),
    "sequence": "signals",
    "text": "prose",
}
"""What steps find in a column of a type."""


def make_features(name: str, params: Params, contract: Contract) -> TransformerMixin:
    """The unfitted transformer of the contract's features, by the recipe in params.yaml.

    Features that are derived from others are added first. A candidate that takes codes gets
    columns of few texts as whole numbers, whatever the recipe says of them, and gets them first;
    one that takes signals gets what was measured of sequences in the same way, and one that takes
    tokens the words of sentences. The shades of an image come next, before what the recipe makes of
    the columns beside it. Of a forecast what `Series` reads comes next, and what the recipe makes
    of that. One that takes terms gets a sparse matrix where there are sentences.

    Args:
        name: The candidate that learns from them.
        params: Has the recipe, and the seed of the steps that draw.
        contract: Names the features and the group that each belongs to.

    Raises:
        UserError: The recipe names an unknown step or column, or steps that do not fit the cells.
    """
    recipe, series = params.features, Series.of_examples(contract)
    codes = _list_coded(contract, recipe) if name in TAKES_CODES else {}
    parts: list[tuple[str, TransformerMixin, list[str]]] = []
    shape = find_shape(contract)
    if shape is not None and name in TAKES_SIGNALS:
        parts.append(("points", SignalScaler(shape), [SIGNAL]))
    if tokens := find_token_shape(contract, recipe) if name in TAKES_TOKENS else None:
        parts.append(("tokens", Tokens(*tokens), _list_prose(contract, recipe)))
    if codes:
        encoder = OrdinalEncoder(
            categories=[column.categories for column in codes.values()],
            encoded_missing_value=-1,
            handle_unknown="use_encoded_value",
            unknown_value=-1,
        )
        parts.append(("codes", encoder, list(codes)))
    if contract.images is not None:
        scale = FunctionTransformer(scale_pixels, kw_args={"shape": contract.images.shape})
        parts.append(("image", scale, [IMAGE]))
    if series is not None:
        options = {"series": series, "has_height": name in TAKES_HEIGHTS}
        flatten = FunctionTransformer(flatten_examples, kw_args=options)
        union = _join_steps(recipe.past, Scope({}, params.kind, params.seed, series))
        parts.append(("past", make_pipeline(flatten, union), [PAST, STEP]))
    for section, steps, cells, columns in _sections(contract, recipe):
        others = {name: column for name, column in columns.items() if name not in codes}
        if cells == "signals" and name in TAKES_SIGNALS:
            continue
        if cells == "prose" and name in TAKES_TOKENS:
            continue
        # Also without columns, since a mistake in the recipe is one all the same.
        scope = Scope(others, params.kind, params.seed)
        chain = _chain_steps(steps, section, cells, scope, takes_terms=name in TAKES_TERMS)
        if others:
            parts.append((section, chain, list(others)))
    if not parts:
        raise UserError("params.yaml: features: every column is dropped; nothing to learn from")
    # Of a sparse matrix nothing but what is not zero is in memory.
    has_terms = name in TAKES_TERMS and _list_prose(contract, recipe)
    features = ColumnTransformer(parts, sparse_threshold=1.0 if has_terms else 0.0)
    derived = select_derived(recipe.derived, contract)
    return make_pipeline(DeriveColumns(derived), features) if derived else features


def count_categories(contract: Contract, recipe: FeaturesParams) -> tuple[int, ...]:
    """Number of categories of each column that a candidate which takes codes gets first."""
    coded = _list_coded(contract, recipe).values()
    return tuple(len(column.categories or []) for column in coded)


def find_token_shape(contract: Contract, recipe: FeaturesParams) -> TokenShape | None:
    """How sentences come to a candidate that takes tokens; None where there are none."""
    if not _list_prose(contract, recipe):
        return None
    tokens = recipe.tokens
    if tokens.vectors is None:
        return TokenShape(tokens.length, tokens.vocabulary)
    most = tokens.vocabulary - FIRST
    texts = [name for name in _list_prose(contract, recipe) if name in contract.columns]
    words, _ = read_vectors(tokens.vectors, most, list_train_words(texts)[:most])
    # Beside those of the train rows, since a file may begin with words that these do not have.
    size = tokens.vocabulary + len(words)
    return TokenShape(tokens.length, size, tokens.vectors, len(words[:most]), tuple(words[most:]))


def used_columns(features: TransformerMixin) -> set[str]:
    """The columns that a transformer made by `make_features` depends on."""
    if not isinstance(features, Pipeline):
        return {name for _, _, names in features.transformers for name in names}
    derive, others = features
    names = used_columns(others)
    return names.union(*(one.reads for name, one in derive.derived.items() if name in names))


def _list_coded(contract: Contract, recipe: FeaturesParams) -> dict[str, Column]:
    """The features with texts that the recipe does not drop."""
    return {
        name: column
        for *_, columns in _sections(contract, recipe)
        for name, column in columns.items()
        if column.type in LEVELS
    }


def _list_prose(contract: Contract, recipe: FeaturesParams) -> list[str]:
    """The features with sentences that the recipe does not drop."""
    return [
        name
        for *_, cells, columns in _sections(contract, recipe)
        for name in columns
        if cells == "prose"
    ]


def _sections(
    contract: Contract, recipe: FeaturesParams
) -> list[tuple[str, Recipe, Cells, dict[str, Column]]]:
    """What params.yaml calls each part of the recipe, its steps, and its cells and columns."""
    derived = select_derived(recipe.derived, contract)
    columns = contract.learnt_only() | {name: one.column for name, one in derived.items()}
    if contract.history is not None:
        columns = {name: column for name, column in columns.items() if name not in (PAST, STEP)}
    for name in recipe.columns:
        if name not in columns or columns[name].type in ("image", "sequence"):
            raise UserError(
                f"params.yaml: features.columns.{name}: no feature of references/schema.yaml; "
                + nearest(name, columns)
            )
    sections: list[tuple[str, Recipe, Cells, dict[str, Column]]] = []
    for group in ("numeric", "datetime", "text", *LEVELS):
        types = NUMBERS if group == "numeric" else (group,)
        members = {
            name: column
            for name, column in columns.items()
            if column.type in types and name not in recipe.columns
        }
        sections.append((group, getattr(recipe, group), CELLS[group], members))
    if contract.points is not None:
        signal = {SIGNAL: columns[SIGNAL]}
        sections.append(("signal", recipe.signal, CELLS["sequence"], signal))
    for name, steps in recipe.columns.items():
        own = {name: columns[name]}
        sections.append((f"columns.{name}", steps, CELLS[columns[name].type], own))
    return [section for section in sections if section[1] != "drop"]


def _join_steps(steps: Recipe, scope: Scope) -> TransformerMixin:
    """The past as it is, and beside it what each step makes of it."""
    where = "params.yaml: features.past"
    if steps == "drop":
        raise UserError(f"{where}: a forecast is made from it; [] adds nothing to it")
    parts: list[tuple[str, Any]] = [("values", "passthrough")]
    for step in steps:
        name, options = _parse_step(step)
        STEPS.require(name, f"{where}.{name}")
        _require_cells(name, "pasts", where)
        parts.append((name, STEPS.call(name, options, f"{where}.{name}", scope)))
    return FeatureUnion(parts)


def _chain_steps(
    steps: Recipe, section: str, cells: Cells, scope: Scope, *, takes_terms: bool
) -> TransformerMixin:
    """The steps as one transformer, after a check that each can take what it gets.

    A candidate that takes terms needs none of those after that.
    """
    where = f"params.yaml: features.{section}"
    gaps = (
        f"{name!r} may be {'missing' if column.nullable else 'unknown'}"
        for name, column in scope.columns.items()
        if column.nullable or column.open
    )
    gap = next(gaps, None)
    transformers: list[TransformerMixin] = []
    if cells == "numbers":
        transformers.append(FunctionTransformer(as_floats, feature_names_out="one-to-one"))
    if cells == "signals":
        (column,) = scope.columns.values()
        shape = (column.length, len(column.channels))
        transformers.append(FunctionTransformer(read_signals, kw_args={"shape": shape}))
    is_filled = False
    needed: int | None = None
    for step in steps:
        name, options = _parse_step(step)
        STEPS.require(name, f"{where}.{name}")
        _require_cells(name, cells, where)
        _, gives, fills, needs_all = TRAITS[name]
        if needs_all and gap:
            raise UserError(f"{where}: {name}: {gap}; put impute before it")
        if name == "indicate_missing" and is_filled:
            raise UserError(
                f"{where}: indicate_missing: nothing is missing any more here; put it first"
            )
        transformer = STEPS.call(name, options, f"{where}.{name}", scope)
        if scope.kind == "multilabel" and get_tags(transformer).target_tags.required:
            transformer = EncodeByLabel(transformer)
        transformers.append(transformer)
        cells = gives
        if cells == "terms" and takes_terms:
            needed = len(transformers)
        if fills:
            is_filled, gap = True, None
    if cells != "numbers":
        raise UserError(
            f"{where}: {cells} need a step that makes numbers of them: {_list_steps(cells)}"
        )
    if gap:
        raise UserError(f"{where}: {gap}; add the step impute")
    return make_pipeline(*transformers[:needed])


def _require_cells(name: str, cells: Cells, where: str) -> None:
    takes = TRAITS[name].takes
    if takes != cells:
        raise UserError(
            f"{where}: {name} takes {takes}, and gets {cells}, which {_list_steps(cells)} take"
        )


def _list_steps(cells: Cells) -> str:
    return ", ".join(name for name in STEPS if TRAITS[name].takes == cells)


def _parse_step(step: str | dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name of a step and its options; one without a name is the step's only one."""
    if isinstance(step, str):
        return step, {}
    ((name, options),) = step.items()
    if not isinstance(options, dict) and name in STEPS and STEPS.options(name):
        return name, {STEPS.options(name)[0]: options}
    return name, options if isinstance(options, dict) else {str(options): None}


# A fitted pipeline is saved with the names of these functions.
def as_floats(X: pd.DataFrame) -> np.ndarray:
    """(n_rows, n_columns) numbers of 64 bits of their own, a missing one nan.

    pandas lends a column of whole numbers without the right to write, which scikit-learn needs.
    """
    return X.to_numpy(dtype="float64", na_value=np.nan, copy=True)


def scale_pixels(X: pd.DataFrame, shape: tuple[int, int, int]) -> np.ndarray:
    """(n_rows, height * width * channels) shades from 0 to 1, line by line."""
    return pixels(X.iloc[:, 0], shape).reshape(len(X), -1).astype("float32") / 255
