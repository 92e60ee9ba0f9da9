"""Two runs on the same test rows, paired row by row by what both kept of their predictions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import ValidationError

from ..core.contract import Column
from ..core.errors import UserError, guard_reading
from ..core.kinds import Kind
from ..core.labels import encode_labels
from ..core.own import import_own
from ..core.params import EvaluateParams
from ..core.paths import Paths
from ..core.records import IDENTIFIER, ROW
from ..core.table import escape_formula, restore_formula
from ..core.validation import explain
from ..modeling.intervals import compare_pair
from ..modeling.metrics import METRICS, ON_REQUEST, OWN_METRICS, Metric
from ..modeling.outcome import (
    AFRESH,
    CLARITY,
    EXPOSURE,
    FORECAST,
    HIGH,
    LOW,
    ODDNESS,
    ODDNESS_IF,
    PART,
    PROBABILITY,
    SILHOUETTE,
    SUBGROUP,
    Outcome,
)
from .comparison import PREDICTIONS
from .repository import Repository
from .run import Run, read_file

ACTUAL, GROUP = "actual", "group"


@dataclass(frozen=True)
class Pair:
    """What two runs predicted of the test rows that both have, in the same order."""

    before: Outcome
    after: Outcome
    subgroups: pd.DataFrame
    """(n_rows, n_columns) the values of the subgroups of the later run's contract, as texts."""
    rows: np.ndarray
    """(n_rows,) names of the rows."""
    unseen: int = 0
    """How many of them the earlier run has neither learnt from nor been measured on."""

    def __len__(self) -> int:
        return len(self.after)

    @property
    def is_alike(self) -> bool:
        """Whether both predict the same of every row."""
        before, after = self.before, self.after
        return (
            (before.threshold, before.thresholds) == (after.threshold, after.thresholds)
            and np.array_equal(before.predicted, after.predicted)
            and _is_equal(before.interval, after.interval)
        )

    def take(self, rows: np.ndarray) -> Pair:
        """Some of the rows, by a mask."""
        return replace(
            self,
            before=self.before.take(rows),
            after=self.after.take(rows),
            subgroups=self.subgroups[rows],
            rows=self.rows[rows],
        )


def _is_equal(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


class Gain(NamedTuple):
    """By how much the later of two runs is better in a metric, with both ends of its interval."""

    figure: float
    low: float
    high: float

    @property
    def is_nothing(self) -> bool:
        """Whether both are the same in all resamples."""
        return self.low == self.high == 0

    @property
    def verdict(self) -> str:
        """Whether it is more than chance, in words."""
        if self.is_nothing:
            return "the same"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no more than chance"


def pair_runs(repository: Repository, before: Run, after: Run) -> Pair | None:
    """Both runs' predictions of the test rows that both have.

    Rows are known by the contract's identifiers where both contracts have some and each names one
    row, else by their features and target, and only those of one true value are paired. Of equal
    names the first is paired with the first. Rows are no evidence apart from each other where
    either run's contract says so: the coarser of both groupings is taken. Turned round, a pair is
    the same.

    Returns:
        The pair; None where a run kept no predictions, they are of other classes, or no row is in
        common.

    Raises:
        UserError: What was kept cannot be read.
    """
    keys = ("kind", "classes", "labels")
    if any(before.record.get(key) != after.record.get(key) for key in keys):
        return None
    earlier, later = (read_predictions(repository, run) for run in (before, after))
    if earlier is None or later is None:
        return None
    return pair_tables(before, after, earlier, later)


def pair_tables(before: Run, after: Run, earlier: pd.DataFrame, later: pd.DataFrame) -> Pair | None:
    """Two tables of predictions, such as `read_predictions` gives, on the rows that are in both."""
    kept = [earlier, later]
    name = IDENTIFIER if all(map(_has_identifiers, kept)) else ROW
    kept = [_index(table, name) for table in kept]
    common = kept[0].index[kept[0].index.isin(kept[1].index)].sort_values()
    if not len(common):
        return None
    kept = [table.loc[common] for table in kept]
    groups = min(map(_find_groups, kept), key=lambda numbers: int(numbers.max()))
    outcomes = map(partial(_make_outcome, groups=groups), (before, after), kept)
    one, other = share_exposure(*outcomes)
    subgroups = kept[1].filter(regex=f"^{SUBGROUP}").replace("", "missing")
    subgroups = subgroups.rename(columns=lambda column: column.removeprefix(SUBGROUP))
    names = common.get_level_values(0).to_numpy()
    return Pair(one, other, subgroups.reset_index(drop=True), names)


def share_exposure(before: Outcome, after: Outcome) -> tuple[Outcome, Outcome]:
    """Two outcomes of the same rows by one exposure: the earlier's, or the other's if it has none.

    Rates of unlike exposures are unlike even where all numbers are predicted alike.
    """
    exposure = after.exposure if before.exposure is None else before.exposure
    return replace(before, exposure=exposure), replace(after, exposure=exposure)


def read_predictions(repository: Repository, run: Run) -> pd.DataFrame | None:
    """(n_rows, n_columns) what a run predicted of its test rows; None where it kept nothing.

    Predicted and true numbers are numbers, all else is text.

    Raises:
        UserError: It is no such table.
    """
    content = read_file(repository, run, PREDICTIONS)
    if content is None:
        return None
    with guard_reading(f"{PREDICTIONS} of {run.name}: not what `evaluate` has written"):
        table = pd.read_csv(BytesIO(content), dtype="str", keep_default_na=False)
        if ROW not in table:
            return None
        if classes := run.record["classes"]:
            names = {escape_formula(name): name for name in classes}
            if run.record["kind"] == "anomalies":
                names[""] = ""  # nobody knows
            table[ACTUAL] = [names[text] for text in table[ACTUAL]]
            numbers = [f"{PROBABILITY}{name}" for name in classes]
            if run.record["kind"] == "anomalies":
                numbers = [*table.filter(regex=f"^({ODDNESS}$|{ODDNESS_IF})")]
        elif run.record["kind"] == "clustering":
            numbers = [CLARITY, SILHOUETTE, PART, AFRESH]
        elif labels := run.record.get("labels"):
            table[ACTUAL] = table[ACTUAL].map(restore_formula)
            numbers = [f"{PROBABILITY}{name}" for name in labels["categories"]]
        else:
            known = [name for name in (LOW, HIGH, EXPOSURE, *FORECAST) if name in table]
            table[known] = table[known].replace("", "nan")
            numbers = [ACTUAL, "prediction", *known]
        return table.astype(dict.fromkeys(numbers, "float64"))


def _has_identifiers(table: pd.DataFrame) -> bool:
    return IDENTIFIER in table and table[IDENTIFIER].is_unique


def _index(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table by its rows' names, true values and number among those of equal ones."""
    number = table.groupby([name, ACTUAL]).cumcount().rename("number")
    return table.set_index([table[name], table[ACTUAL], number])


def _find_groups(table: pd.DataFrame) -> np.ndarray:
    """(n_rows,) number of each row's group, from 0 in the order of the rows."""
    if GROUP not in table:
        return np.arange(len(table))
    return pd.factorize(table[GROUP])[0]


def _make_outcome(run: Run, table: pd.DataFrame, groups: np.ndarray) -> Outcome:
    learnt = run.record["model"]["postprocessing"]
    if labels := run.record.get("labels"):
        column = Column(type="labels", meaning="", **labels)
        thresholds = learnt.get("thresholds")
        outcome = Outcome.from_labels(
            encode_labels(table[ACTUAL], column),
            table,
            labels["categories"],
            thresholds and tuple(thresholds),
        )
        return replace(outcome, groups=groups)
    outcome = Outcome.from_predictions(
        table[ACTUAL].to_numpy(),
        table,
        run.record["classes"],
        learnt.get("threshold"),
        coverage=learnt.get("coverage"),
        forecasts=table if run.record["kind"] == "forecasting" else None,
    )
    return replace(outcome, groups=groups)


def measure_runs(repository: Repository, pair: Pair, before: Run, after: Run) -> dict[str, Gain]:
    """By how much the later run of a pair is better in the metrics that both have.

    That which chose the earlier one's champion comes first, and how sure to be is what the earlier
    one's parameters say, so that no run sets its own bar. The owner's package is imported only if a
    metric is none of the library's.

    Raises:
        UserError: It cannot be imported, or the record's parameters are not those of this version.
    """
    kind, parameters = after.record["kind"], before.record["parameters"]
    names = [
        name for name in after.record["metrics"]["intervals"] if name in before.record["metrics"]
    ]
    metrics = load_metrics(repository.paths, kind, names)
    try:
        settings = EvaluateParams.model_validate(parameters["evaluate"])
    except ValidationError as error:
        raise UserError(explain(error, f"{before.name}: evaluate", EvaluateParams)) from error
    names.sort(key=lambda name: name != before.metric)
    known = [metrics[name] for name in names if name in metrics]
    return measure_gains(pair, known, settings, parameters["seed"])


def load_metrics(paths: Paths, kind: Kind, names: Collection[str]) -> dict[str, Metric]:
    """The library's metrics by their names and, if one of `names` is none of them, the owner's.

    Raises:
        UserError: The owner's package cannot be imported.
    """
    metrics = {metric.name: metric for metric in (*METRICS[kind], *ON_REQUEST[kind])}
    if not metrics.keys() >= {*names}:
        import_own(paths, "train")
        metrics |= OWN_METRICS[kind]
    return metrics


def measure_gains(
    pair: Pair, metrics: Sequence[Metric], settings: EvaluateParams, seed: int
) -> dict[str, Gain]:
    """By how much the later run of a pair is better in each metric that is defined for both.

    A gain is above zero where the later run is better, whether more or less of the metric is. Both
    are measured on the same resamples, so that what makes a row hard for both cancels out.
    """
    gains = compare_pair(metrics, pair.after, pair.before, settings, seed)
    return {name: Gain(*gain) for name, gain in gains.items()}
