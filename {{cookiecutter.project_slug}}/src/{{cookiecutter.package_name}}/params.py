"""What params.yaml may say, and how a mistake in a file of settings is told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from .config import read_yaml
from .errors import UserError

Kind = Literal["classification", "regression"]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(strict=True, gt=0)]


def _is_recipe(value: object) -> object:
    steps = value if isinstance(value, list) else [None]
    names = [[*step] if isinstance(step, dict) else [step] for step in steps]
    if value != "drop" and not all(len(name) == 1 and isinstance(name[0], str) for name in names):
        raise ValueError(
            f"found {value!r}; a list of steps was expected, such as [impute, quantile_bin: 10], "
            "or drop"
        )
    return value


# Steps in their order, each a name or a name with its option; or leave the columns out.
Recipe = Annotated[list[str | dict[str, Any]] | Literal["drop"], BeforeValidator(_is_recipe)]


# Nothing after a candidate's name means none of its options.
Options = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]


class Strict(BaseModel):
    """A part of a file in which an unknown key is a mistake, not an addition."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,  # the documentation tells them
    )


class DataParams(Strict):
    """What `ingest` reads and how much of it may be unusable."""

    raw: str
    """The raw file, or a folder of raw files, relative to the project's root: data/raw for all."""
    max_rejected: Annotated[float, Field(ge=0, le=1)]
    """Largest share of rows that may break the contract before ingest gives up."""
    resize: bool = False
    """Scale images of another size than the contract's instead of setting them aside."""

    @field_validator("raw")
    @classmethod
    def _is_watched(cls, raw: str) -> str:
        path = PurePosixPath(raw)
        if path.parts[:2] != ("data", "raw") or ".." in path.parts:
            raise ValueError(
                f"found {raw!r}; name data/raw, which the pipeline watches, or a file below it"
            )
        return raw


class SplitParams(Strict):
    """How `preprocess` divides the rows, and `train` its folds in the same way."""

    by: Literal["row", "group", "time"] = "row"
    """Draw single rows, draw groups whole, or take the latest rows for the test."""
    test_fraction: Fraction
    """Share of the rows that only `evaluate` sees."""


class FeaturesParams(Strict):
    """The steps that make numbers of each group of columns; see `modeling.steps`."""

    numeric: Recipe = ["impute", "standardise"]
    """Columns of type numeric and integer."""
    binary: Recipe = ["ordinal", {"impute": "most_frequent"}]
    """Columns of two texts."""
    categorical: Recipe = ["one_hot"]
    """Columns of a few texts."""
    ordered: Recipe = ["ordinal", "impute", "standardise"]
    """Columns of texts in an order."""
    datetime: Recipe = ["calendar", "impute"]
    """Columns of points in time."""
    columns: dict[str, Recipe] = {}
    """Steps of single columns, instead of those of their group."""


class TrainParams(Strict):
    """How `train` compares the candidates."""

    metric: str | None = None
    """The metric that picks the champion; by default log_loss or rmse."""
    folds: Annotated[int, Field(strict=True, ge=2)] | None = None
    """Number of cross-validation folds."""
    holdout: Fraction | None = None
    """Instead of folds, the share of the train rows that all candidates are compared on."""
    one_standard_error: bool = False
    """Take the first candidate within one standard error of the best, instead of the best."""
    max_rows_in_memory: Count = 200_000
    """Of more train rows, candidates that need all in memory learn from a sample of so many."""
    training_sizes: tuple[Annotated[float, Field(gt=0, le=1)], ...] = ()
    """Shares of the rows to train the champion on again, to see whether more data would help."""
    candidates: Annotated[dict[str, Options], Field(min_length=1)]
    """Options of each candidate by its name, simplest first: ties go to the earlier one."""

    @model_validator(mode="after")
    def _validates_in_one_way(self) -> Self:
        if (self.folds is None) == (self.holdout is None):
            raise ValueError("say either `folds` or `holdout`: how the candidates are compared")
        return self

    @property
    def many_folds(self) -> int:
        """How many folds there are; with `holdout` it is one."""
        return self.folds or 1


class EvaluateParams(Strict):
    """How `evaluate` states its uncertainty."""

    resamples: Count
    """Bootstrap resamples of the test rows behind each interval."""
    confidence: Fraction
    """Coverage of each interval."""


class Params(Strict):
    """All of params.yaml."""

    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)]
    """Seed of the split, the folds, the bootstrap and the networks."""
    kind: Kind
    """The kind of problem."""
    reproducibility: Literal["strict", "fast"]
    """One thread and the same bytes each time, or all cores and nearly the same numbers."""
    keras_backend: Literal["jax", "tensorflow", "torch"]
    """The library that Keras computes with; it must be installed."""
    data: DataParams
    split: SplitParams
    features: FeaturesParams = FeaturesParams()
    train: TrainParams
    evaluate: EvaluateParams


Model = TypeVar("Model", bound=BaseModel)


def load(model: type[Model], path: Path, name: str) -> Model:
    """Read the YAML file `path` as a `model`; messages call the file `name`.

    Raises:
        UserError: The file is missing, is not YAML, or says what `model` does not allow.
    """
    content = read_yaml(path, name)
    if content is None:
        raise UserError(f"{name}: says nothing yet; fill it in as its comments describe")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UserError(explain(error, name, model)) from error


def explain(error: ValidationError, where: str, model: object = None) -> str:
    """One line for each mistake that pydantic found.

    Args:
        error: What pydantic raised.
        where: The file, or the key of a file, that was read.
        model: The model that the file was read as; without it unknown keys get no advice.
    """
    mistakes: list[dict[str, Any]] = [dict(mistake) for mistake in error.errors()]
    misspelt = [mistake["loc"][:-1] for mistake in mistakes if mistake["type"] == "extra_forbidden"]
    # A misspelt key is missing under its right name as well; that is one mistake, not two.
    mistakes = [
        mistake
        for mistake in mistakes
        if mistake["type"] != "missing" or mistake["loc"][:-1] not in misspelt
    ]
    return "\n".join(_explain_one(mistake, where, model) for mistake in _merged(mistakes))


EXPECTED = {
    "dict_type": "should be options such as {alpha: 1.0}",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "too_short": "should not be empty",
    "model_type": "should be keys with their values",
}


def _merged(mistakes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One mistake for a value that is none of several types, which pydantic tells one by one."""
    by_place: dict[tuple[Any, ...], dict[str, Any]] = {}
    for mistake in mistakes:
        place = _place(mistake)
        expected = EXPECTED.get(mistake["type"], mistake["msg"])
        expected = re.sub(r"^Input | or instance of \w+", "", expected)
        if place in by_place and len(place) < len(mistake["loc"]):
            by_place[place]["expected"] += f", or {expected.removeprefix('should be ')}"
        else:
            by_place[place] = mistake | {"loc": place, "expected": expected}
    return list(by_place.values())


def _place(mistake: dict[str, Any]) -> tuple[Any, ...]:
    """Where a mistake is, without the name of the type at its end that pydantic had tried."""
    *parents, last = mistake["loc"] or ("",)
    tried = re.fullmatch(r"(constrained-)?(int|float|str|bool)|.*\[.*\]", str(last))
    is_key = mistake["type"] in ("extra_forbidden", "missing")
    return tuple(parents) if tried and not is_key else tuple(mistake["loc"])


def _explain_one(mistake: dict[str, Any], where: str, model: object) -> str:
    *parents, key = mistake["loc"] or [""]
    if mistake["loc"]:
        where += (": " if ": " not in where else ".") + ".".join(map(str, mistake["loc"]))
    match mistake["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key; {nearest(str(key), _known_keys(model, parents))}"
        case "missing":
            return f"{where}: missing; it has no default, so the file must say it"
        case "value_error":
            return f"{where}: {mistake['ctx']['error']}"
        case _:
            return f"{where}: found {mistake['input']!r}, which {mistake['expected']}"


def nearest(found: str, allowed: Iterable[str]) -> str:
    """The advice of an error about `found`: what was perhaps meant, and what is allowed."""
    allowed = list(allowed)
    guess = difflib.get_close_matches(found, allowed, n=1)
    meant = f"did you mean {guess[0]}? " if guess else ""
    return f"{meant}allowed: {', '.join(allowed)}"


def _known_keys(model: object, parents: Iterable[str | int]) -> list[str]:
    """The keys of the model that lies at the end of the path `parents` below `model`."""
    for key in parents:
        here = _model_in(model)
        if here is not None and str(key) in here.model_fields:
            model = here.model_fields[str(key)].annotation
    here = _model_in(model)
    return list(here.model_fields) if here else []


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model in an annotation such as `dict[str, Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
