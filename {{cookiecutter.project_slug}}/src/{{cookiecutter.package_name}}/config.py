"""Where a project keeps its things, and what params.yaml may say."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)

from .errors import UserError

Kind = Literal["classification", "regression"]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class Strict(BaseModel):
    """A part of a file in which an unknown key is a mistake, not an addition."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataParams(Strict):
    """What `ingest` reads and how much of it may be unusable."""

    raw: str
    """The raw file, relative to the project's root."""
    max_rejected: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Largest share of rows that may break the contract before ingest gives up."""


class SplitParams(Strict):
    """How `preprocess` divides the rows."""

    test_fraction: Fraction = 0.2
    """Share of the rows that only `evaluate` sees."""


class TrainParams(Strict):
    """How `train` compares the candidates."""

    metric: str
    """The metric that picks the champion."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Number of cross-validation folds."""
    candidates: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    """Options of each candidate by its name, simplest first: ties go to the earlier one."""


class EvaluateParams(Strict):
    """How `evaluate` states its uncertainty."""

    resamples: PositiveInt = 500
    """Bootstrap resamples of the test rows behind each interval."""
    confidence: Fraction = 0.95
    """Coverage of each interval."""


class Params(Strict):
    """All of params.yaml."""

    seed: NonNegativeInt
    """Seed of the split, the folds, the bootstrap and the networks."""
    kind: Kind
    """The kind of problem."""
    reproducibility: Literal["strict", "fast"] = "strict"
    """One thread and the same bytes each time, or all cores and nearly the same numbers."""
    keras_backend: Literal["jax", "tensorflow", "torch"]
    """The library that Keras computes with; it must be installed."""
    data: DataParams
    split: SplitParams = SplitParams()
    train: TrainParams
    evaluate: EvaluateParams = EvaluateParams()


class Project:
    """The paths of a project, all below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.params_file = root / "params.yaml"
        self.contract_file = root / "references" / "schema.yaml"
        self.dataset = root / "data" / "interim" / "dataset.parquet"
        self.rejected = root / "data" / "interim" / "rejected.parquet"
        self.train = root / "data" / "processed" / "train.parquet"
        self.test = root / "data" / "processed" / "test.parquet"
        self.champion = root / "models" / "champion"
        self.baseline = root / "models" / "baseline"
        self.reports = root / "reports"
        self.ingest_report = self.reports / "ingest.json"
        self.leaderboard = self.reports / "leaderboard.csv"
        self.history = self.reports / "history.csv"
        self.metrics = self.reports / "metrics.json"
        self.plots = self.reports / "plots"
        self.figures = self.reports / "figures"
        self.model_card = self.reports / "model_card.md"

    @classmethod
    def find(cls) -> Project:
        """The project around the working directory.

        Raises:
            UserError: No params.yaml beside a dvc.yaml here or in any folder above.
        """
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
                return cls(folder)
        raise UserError(
            f"{here}: not inside a project: no params.yaml beside a dvc.yaml here or above; "
            "change to the project's folder first"
        )

    def params(self) -> Params:
        """params.yaml, read and checked; see `load`."""
        return load(Params, self.params_file, self.name(self.params_file))

    def name(self, path: Path) -> str:
        """`path` as a user in the project's root would type it."""
        return path.relative_to(self.root).as_posix()

    def require(self, path: Path, stage: str) -> Path:
        """`path`, which `stage` writes.

        Raises:
            UserError: It is not there yet.
        """
        if not path.exists():
            raise UserError(f"{self.name(path)}: not there yet; `dvc repro {stage}` makes it")
        return path


Model = TypeVar("Model", bound=BaseModel)


def load(model: type[Model], path: Path, name: str) -> Model:
    """Read the YAML file `path` as a `model`; messages call the file `name`.

    YAML 1.2, through the parser that DVC uses, so that both read the same values.

    Raises:
        UserError: The file is missing, is not YAML, or says what `model` does not allow.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: not UTF-8 text: byte {error.start} is invalid") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UserError(f"{name}, line {line}: not valid YAML: {error.problem}") from error
    except YAMLError as error:
        raise UserError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error
    if content is None:
        raise UserError(f"{name}: says nothing yet; fill it in as its comments describe")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise UserError("\n".join(explain(error, model, name))) from error


def explain(error: ValidationError, model: type[BaseModel], name: str) -> list[str]:
    """One line for each mistake that pydantic found in the file called `name`."""
    return [_explain_one(dict(mistake), model, name) for mistake in error.errors()]


def _explain_one(mistake: dict[str, Any], model: type[BaseModel], name: str) -> str:
    *parents, key = mistake["loc"] or [""]
    where = ": ".join(filter(None, [name, ".".join(map(str, mistake["loc"]))]))
    match mistake["type"]:
        case "extra_forbidden":
            return f"{where}: unknown key; {nearest(str(key), _known_keys(model, parents))}"
        case "missing":
            return f"{where}: missing; it has no default, so the file must say it"
        case "value_error":
            return f"{where}: {mistake['ctx']['error']}"
        case _:
            expected = mistake["msg"].removeprefix("Input ")
            return f"{where}: found {mistake['input']!r}, which {expected}"


def nearest(found: str, allowed: Iterable[str]) -> str:
    """The advice of an error about `found`: what was perhaps meant, and what is allowed."""
    allowed = list(allowed)
    guess = difflib.get_close_matches(found, allowed, n=1)
    meant = f"did you mean {guess[0]}? " if guess else ""
    return f"{meant}allowed: {', '.join(allowed)}"


def _known_keys(model: type[BaseModel], parents: Iterable[str | int]) -> list[str]:
    for parent in parents:
        field = model.model_fields.get(str(parent))
        if field is None or not isinstance(field.annotation, type):
            return []
        model = field.annotation
    return list(model.model_fields)
