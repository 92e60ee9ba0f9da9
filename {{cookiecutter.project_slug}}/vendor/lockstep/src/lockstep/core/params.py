"""What params.yaml may say."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, field_validator, model_validator

from .kinds import Kind
from .paths import Paths
from .validation import Strict, load

Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(strict=True, gt=0)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Number = Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)]
Length = Annotated[int, Field(strict=True, ge=1, le=100)]
LARGEST = 10**15
"""Above it, whole numbers are soon not told apart; as far below 1, logarithms have no room."""


def predicts_numbers(kind: str) -> bool:
    """Whether what is predicted is a number, of now or of a time to come."""
    return kind in ("regression", "forecasting")


def _require_recipe(value: object) -> object:
    steps = value if isinstance(value, list) else [None]
    names = [[*step] if isinstance(step, dict) else [step] for step in steps]
    if value != "drop" and not all(len(name) == 1 and isinstance(name[0], str) for name in names):
        raise ValueError(
            f"found {value!r}; a list of steps was expected, such as [impute, quantile_bin: 10], "
            "or drop"
        )
    return value


# Steps in their order, each a name or a name with its option; or leave the columns out.
Recipe = Annotated[list[str | dict[str, Any]] | Literal["drop"], BeforeValidator(_require_recipe)]


def _require_decision(value: object) -> object:
    match value:
        case None | str():
            return value
        case int() | float() if 0 < value < 1:
            return value
        case {"missed": int() | float() as missed, "false_alarm": int() | float() as alarm, **more}:
            if missed > 0 < alarm and not more:
                return value
    raise ValueError(
        f"found {value!r}; a metric of decisions such as f1_macro, costs above zero such as "
        "{missed: 20, false_alarm: 1}, or a threshold between 0 and 1 was expected"
    )


# Costs are of a row of the second class that is not called so, and of one of the first that is.
Decision = Annotated[str | float | dict[str, float] | None, BeforeValidator(_require_decision)]
# Nothing after a candidate's name means none of its options.
EmptyIfNone = BeforeValidator(lambda value: {} if value is None else value)
Options = Annotated[dict[str, Any], EmptyIfNone]


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
    seed: Seed | None = None
    """Seed of the test rows, instead of `seed`; `use` chooses one that divides classes evenly."""


class TokenParams(Strict):
    """How texts come to candidates that read them word by word."""

    length: Annotated[int, Field(strict=True, ge=1, le=5000)] = 100
    """Words of a text that are read, from its beginning."""
    vocabulary: Annotated[int, Field(strict=True, ge=3)] = 20_000
    """Most words that are told apart, the commonest of the train rows."""
    vectors: str | None = None
    """A file of vectors that networks begin with, whose first words, as many again at most, are
    told apart as well; name it in `deps` of `train`, too."""


class FeaturesParams(Strict):
    """The steps that make numbers of each group of columns; the steps stand in features.py."""

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
    text: Recipe = "drop"
    """Columns of sentences."""
    tokens: TokenParams = TokenParams()
    """The same, for candidates that read them word by word."""
    past: Recipe = ["seasons", "averages"]
    """What is made of a series' latest values beside those themselves; each step adds its own."""
    signal: Recipe = ["summaries", "impute", "standardise"]
    """What was measured of sequences, for candidates that do not learn from it point by point."""
    columns: dict[str, Recipe] = {}
    """Steps of single columns, instead of those of their group."""
    derived: tuple[str, ...] = ()
    """Features made of several columns, by the names of their functions in features.py."""


class TrainParams(Strict):
    """How `train` compares the candidates."""

    metric: str | None = None
    """The metric that picks the champion; by default log_loss, rmse, mase,
    injected_precision or stable_silhouette."""
    champion: str | None = None
    """The candidate that is the champion whatever its figures; by default the best by `metric`."""
    metrics: tuple[str, ...] = ()
    """Your own figures of merit, by their names in metrics.py, beside the library's."""
    decision: Decision = None
    """When the second of two classes, each of several labels, or of classes in an order a higher
    one is predicted: by a metric of decisions or by costs that choose a threshold on validation
    rows, or by a threshold; by default when it is the most probable, or more probable than not."""
    contamination: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    """Share of the rows that are expected to be anomalies: so many of the validation rows, the
    oddest ones, are called so, unless `train.decision` says otherwise."""
    clusters: Annotated[int, Field(strict=True, ge=2)] | None = None
    """How many clusters there are to be; by default as many, up to ten, as are found again in other
    rows and lie apart."""
    coverage: Fraction = 0.9
    """Share of rows whose target the intervals of numbers are to hold."""
    device: Literal["cpu", "gpu"] = "cpu"
    """What networks compute on: this machine's processor, or its GPU."""
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

    @field_validator("candidates")
    @classmethod
    def _has_a_baseline(cls, candidates: dict[str, Any]) -> dict[str, Any]:
        if "baseline" not in candidates:
            raise ValueError("baseline is missing; the champion is measured against it")
        return candidates

    @model_validator(mode="after")
    def _validates_in_one_way(self) -> Self:
        if (self.folds is None) == (self.holdout is None):
            raise ValueError("say either `folds` or `holdout`: how the candidates are compared")
        return self

    @model_validator(mode="after")
    def _knows_its_champion(self) -> Self:
        if self.champion is not None and self.champion not in self.candidates:
            raise ValueError(
                f"champion is {self.champion!r}; one of the candidates was expected: "
                f"{', '.join(self.candidates)}"
            )
        return self

    @property
    def fold_count(self) -> int:
        """How many folds there are; with `holdout` it is one."""
        return self.folds or 1


class EvaluateParams(Strict):
    """How `evaluate` states its uncertainty."""

    resamples: Count
    """Bootstrap resamples of the test rows behind each interval."""
    confidence: Fraction
    """Coverage of each interval."""


class Domain(Strict):
    """The values of an option that a search may try: a list of choices or, without, a range."""

    choices: tuple[JsonValue, ...] = ()
    low: Number = 0
    high: Number = 0
    """Of a range; if both ends are written as whole numbers, there are no others between."""
    log: bool = False
    """Try as many values from 1 to 10 as from 10 to 100."""
    length: tuple[Length, Length] | None = None
    """The fewest and the most numbers of a list, all equal, such as the units of layers."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if isinstance(value, list) and value:
            return {"choices": value}
        if isinstance(value, dict) and {"low", "high"} <= value.keys() and "choices" not in value:
            return value
        raise ValueError(
            f"found {value!r}; a list of choices such as [uniform, distance], or a range such as "
            "{low: 0.01, high: 100, log: true} was expected"
        )

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        if self.choices:
            return self
        if too_large := [end for end in (self.low, self.high) if abs(end) > LARGEST]:
            raise ValueError(f"found {too_large[0]}; the ends of a range are at most {LARGEST:.0e}")
        if self.low >= self.high:
            raise ValueError(f"low is {self.low:g}; it must be below high, which is {self.high:g}")
        if self.log and self.low < 1 / LARGEST:
            raise ValueError(
                f"low is {self.low:g}; on a logarithmic scale it must be above 0, at least "
                f"{1 / LARGEST:.0e}"
            )
        if self.length and self.length[0] > self.length[1]:
            raise ValueError(f"length is {[*self.length]}; the fewest come first, then the most")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


Space = Annotated[dict[str, Domain], EmptyIfNone]
"""What a search may try of a candidate's options, by their names."""


class SearchParams(Strict):
    """What `tune` tries."""

    trials: Count = 64
    """How many options of each candidate are tried."""
    method: Literal["tpe", "grid"] = "tpe"
    """Learn from the trials before what to try next (Bergstra et al., 2011), or go through all
    combinations of the choices and of four values of each range, in a random order."""
    space: Annotated[dict[str, Space], EmptyIfNone] = {}
    """What may be tried of each candidate's options: a list of choices, or a range."""


class PromoteParams(Strict):
    """What `promote` asks of a version before it takes the place of a stage's model."""

    margin: Annotated[float, Field(ge=0)] | None = None
    """By how much it may be worse in `train.metric` on the same test rows, in the metric's unit;
    without one it must be better, by more than chance."""
    new_contract: bool = False
    """Whether it may ask its callers for something else, or give them something else."""


class KeepParams(Strict):
    """What the server keeps of the requests that it answers."""

    rows: bool = True
    """Whether it keeps the rows, too; it always keeps when what version answered what."""
    columns: tuple[str, ...] | None = None
    """The columns that it keeps of them; by default all that the contract does not call private."""
    days: Count = 90
    """After so many, a request is forgotten."""


class ServeParams(Strict):
    """How `serve` answers."""

    canary: dict[str, Fraction] = {}
    """Versions that answer a share of the requests that name no version, and that share."""
    shadows: tuple[str, ...] = ()
    """Versions or stages that answer too, for nobody to see; their answers are kept."""
    workers: Count = 1
    """Processes of each version."""
    max_rows: Count = 10_000
    """Of a request."""
    max_megabytes: Count = 16
    """Of a request."""
    seconds: Annotated[float, Field(gt=0)] = 30.0
    """After so many, a request that has no answer is given up."""
    waiting: Count = 256
    """Requests that may be under way at once; others are told to come back."""
    keep: KeepParams = KeepParams()

    @field_validator("canary")
    @classmethod
    def _leaves_some(cls, canary: dict[str, float]) -> dict[str, float]:
        if sum(canary.values()) > 1:
            raise ValueError(f"found shares that sum to {sum(canary.values()):g}, above 1")
        return canary


class MonitorParams(Strict):
    """How `monitor` and the server judge what has moved."""

    least_rows: Count = 100
    """Of a window, for it to be judged."""
    floor: Annotated[float, Field(gt=0)] = 0.1
    """By how much a column must have moved to matter: of a number in standard deviations of the
    train rows, of shares by Cohen's h, which is as hard to see (0.1 is 0 to 0.25% or 50 to 55%)."""
    ignore: tuple[str, ...] = ()
    """Columns that may move as they like."""


class Params(Strict):
    """All of params.yaml."""

    seed: Seed
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
    search: SearchParams = SearchParams()
    promote: PromoteParams = PromoteParams()
    serve: ServeParams = ServeParams()
    monitor: MonitorParams = MonitorParams()


def load_params(paths: Paths) -> Params:
    """Read params.yaml."""
    return load(Params, paths.params_file, paths.name(paths.params_file))
