"""What happened and what was predicted, row by row: what every metric is measured of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..core.examples import LEVEL, SCALE, SPREAD, SQUARED_SCALE, STEP

if TYPE_CHECKING:
    from .clusterer import Clusterer

PROBABILITY = "probability_"
"""What the column of a class begins with, in a table of predictions."""
LOW, HIGH = "prediction_low", "prediction_high"
"""The ends of a number's interval, in such a table."""
FORECAST = [STEP, SPREAD, SCALE, SQUARED_SCALE]
"""What is told of each forecast, so that it can be measured beside those of other series."""
ODDNESS = "oddness"
"""The share of rows that are less odd, in such a table."""
ODDNESS_IF = "oddness_if_"
"""What the column begins with that tells how odd a row would be, made odd in a way."""
CLARITY = "clarity"
"""How clearly a row is of its cluster, in such a table."""
SILHOUETTE, PART, AFRESH = "silhouette", "part", "afresh"
"""Of clusters, the silhouette of a row, which of several times it was clustered with others, and
what it was of then."""
EXPOSURE = "exposure"
"""How much a row adds up its number over, in such a table."""
SUBGROUP = "subgroup_"
"""What the column of a subgroup begins with, in such a table."""
PER_ROW = ("interval", "forecasts", "injected", "clusters", "exposure")
"""What an outcome may know of each row beside `actual` and `predicted`: arrays and tables."""


EVEN = 0.5
"""Probability from which on a label, or at least such a class of an order, is more probable than
not."""


def decide_labels(probabilities: np.ndarray, thresholds: Sequence[float] | None) -> np.ndarray:
    """(n_rows, n_labels) 1 where a label is at least as probable as its threshold, else 0."""
    decisions: np.ndarray = probabilities >= (EVEN if thresholds is None else np.array(thresholds))
    return decisions.astype(int)


def decide(probabilities: np.ndarray, threshold: float | None) -> np.ndarray:
    """(n_rows,) place of the most probable class or, with a threshold, of the highest one that the
    true one reaches with at least this probability."""
    places: np.ndarray
    if threshold is None:
        places = probabilities.argmax(axis=1)
    else:
        places = (find_chances(probabilities) >= threshold).sum(axis=1)
    return places


def find_chances(probabilities: np.ndarray) -> np.ndarray:
    """(n_rows, n_classes - 1) probability of each class but the lowest, or of a higher one."""
    chances: np.ndarray = probabilities[:, :0:-1].cumsum(axis=1)[:, ::-1]
    return chances


@dataclass(frozen=True)
class Outcome:
    """What happened and what was predicted.

    For a classification: `actual` are (n_rows,) places of the true classes in `classes`, and
    `predicted` are (n_rows, n_classes) probabilities. Of several labels `actual` are
    (n_rows, n_labels) 1 for those of `labels` that a row has, else 0, and `predicted` are as many
    probabilities. Otherwise both are (n_rows,) numbers. Of anomalies it is as of two classes, -1
    where nobody knows, with the oddness and what is left to 1 in the place of probabilities. Of
    clusters `predicted` are (n_rows,) numbers from 0, and `actual` those that were found in these
    rows alone, -1 where they were too few; one says nothing of the other but what is together.
    """

    actual: np.ndarray
    predicted: np.ndarray
    classes: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    """(n_rows,) number of each row's group, from 0; a resample draws whole groups."""
    threshold: float | None = None
    """Probability of the second of two classes, or of at least such a one of classes in an order,
    from which on it is the decision."""
    interval: np.ndarray | None = None
    """(n_rows, 2) both ends of each predicted number's interval."""
    coverage: float | None = None
    """Share of the rows whose true number these are to hold."""
    forecasts: pd.DataFrame | None = None
    """(n_rows, 4) of forecasts the columns of `FORECAST`, as examples carry them."""
    injected: pd.DataFrame | None = None
    """(n_rows, n_ways) of anomalies, how odd each row is once it has been made odd in a way, by
    names that begin with `ODDNESS_IF`; no columns where rows have not been made odd."""
    labels: tuple[str, ...] = ()
    thresholds: tuple[float, ...] | None = None
    """Probability of each label from which on it is decided; a half without them."""
    clusters: pd.DataFrame | None = None
    """(n_rows, 2) of clusters the columns `SILHOUETTE` and `PART`: rows of one part were clustered
    together, so that clusters of two parts have nothing in common."""
    clusterer: Clusterer | None = None
    """What has assigned these rows to clusters, where it is the model that is measured."""
    exposure: np.ndarray | None = None
    """(n_rows,) over how much each number adds up; None where it is the same for all."""

    def __len__(self) -> int:
        return len(self.actual)

    @classmethod
    def from_predictions(
        cls,
        actual: np.ndarray,
        predictions: pd.DataFrame,
        classes: Sequence[str],
        threshold: float | None = None,
        *,
        coverage: float | None = None,
        forecasts: pd.DataFrame | None = None,
    ) -> Outcome:
        """The outcome of (n_rows,) true classes or values and what `Model.apply` gives of them.

        `classes` are all there may be; none of numbers. The `threshold` and the `coverage` are the
        model's. Of `forecasts` there are the columns of `FORECAST`.
        """
        if CLARITY in predictions:
            return cls._from_clusters(predictions)
        if not classes:
            ends = predictions[[LOW, HIGH]].to_numpy() if LOW in predictions else None
            numbers = predictions["prediction"].to_numpy()
            actual = actual.astype("float64")
            rows = None if forecasts is None else forecasts[FORECAST].reset_index(drop=True)
            exposure = predictions[EXPOSURE].to_numpy() if EXPOSURE in predictions else None
            return cls(
                actual,
                numbers,
                interval=ends,
                coverage=coverage,
                forecasts=rows,
                exposure=exposure,
            )
        places = pd.Index(classes).get_indexer(pd.Index(actual))
        if ODDNESS in predictions:
            oddness = predictions[ODDNESS].to_numpy("float64")
            injected = predictions.filter(regex=f"^{ODDNESS_IF}").reset_index(drop=True)
            sides = np.column_stack([1 - oddness, oddness])
            return cls(places, sides, tuple(classes), threshold=threshold, injected=injected)
        probabilities = predictions[[f"{PROBABILITY}{name}" for name in classes]].to_numpy()
        return cls(places, probabilities, tuple(classes), threshold=threshold)

    @classmethod
    def _from_clusters(cls, predictions: pd.DataFrame) -> Outcome:
        """That of rows that may have been clustered by themselves, as `tabulate_clusters` says."""
        unknown = pd.DataFrame({AFRESH: 0, SILHOUETTE: np.nan, PART: 0}, predictions.index)
        table = unknown.assign(**predictions.filter([*unknown])).reset_index(drop=True)
        places = predictions["prediction"].astype("int64").to_numpy() - 1
        afresh = table.pop(AFRESH).astype("int64").to_numpy() - 1
        return cls(afresh, places, clusters=table.astype({PART: "int64"}))

    def tabulate_clusters(self) -> pd.DataFrame:
        """(n_rows, 3) of clusters what tells how good they are beside what `Model.apply` gives; no
        columns of other outcomes.

        `AFRESH` is the number of the cluster that was found in these rows alone, from 1, and 0
        where they were too few.
        """
        if self.clusters is None:
            return pd.DataFrame()
        table = self.clusters[[SILHOUETTE, PART]].reset_index(drop=True)
        return table.assign(**{AFRESH: self.actual + 1})

    @classmethod
    def from_labels(
        cls,
        actual: np.ndarray,
        predictions: pd.DataFrame,
        labels: Sequence[str],
        thresholds: tuple[float, ...] | None = None,
    ) -> Outcome:
        """The same of (n_rows, n_labels) true labels, encoded as 0 and 1."""
        probabilities = predictions[[f"{PROBABILITY}{name}" for name in labels]].to_numpy("float64")
        return cls(actual.astype(int), probabilities, labels=tuple(labels), thresholds=thresholds)

    @classmethod
    def concatenate(cls, parts: Sequence[Outcome], groups: pd.Series | None) -> Outcome:
        """The outcome of all rows of some parts; rows without a group are one together."""
        known = {
            name: [values for part in parts if (values := getattr(part, name)) is not None]
            for name in PER_ROW
        }
        known["clusters"] = _number_parts(known["clusters"])
        return replace(
            parts[0],
            actual=np.concatenate([part.actual for part in parts]),
            predicted=np.concatenate([part.predicted for part in parts]),
            groups=None if groups is None else pd.factorize(groups, use_na_sentinel=False)[0],
            **{name: _join(values) for name, values in known.items()},
        )

    def take(self, rows: np.ndarray) -> Outcome:
        """The outcome of some rows, by their places or a mask."""
        groups = None
        if self.groups is not None:
            groups = np.unique(self.groups[rows], return_inverse=True)[1]
        return replace(
            self,
            actual=self.actual[rows],
            predicted=self.predicted[rows],
            groups=groups,
            **{name: _take(getattr(self, name), rows) for name in PER_ROW},
        )

    def relative_to(self, rows: pd.DataFrame) -> Outcome:
        """The same numbers as models learn them: away from where the latest values lie.

        Args:
            rows: (n_rows, n_columns) with at least `level` and `spread`, the unit.
        """
        level, spread = rows[[LEVEL, SPREAD]].to_numpy("float64").T
        interval = self.interval
        if interval is not None:
            interval = (interval - level[:, np.newaxis]) / spread[:, np.newaxis]
        return replace(
            self,
            actual=(self.actual - level) / spread,
            predicted=(self.predicted - level) / spread,
            interval=interval,
            forecasts=None,
        )

    @property
    def rates(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n_rows,) numbers and predicted ones per unit of exposure, and the exposure, else 1."""
        if self.exposure is None:
            return self.actual, self.predicted, np.ones(len(self))
        # Equal rates times different exposures are not equal to the last digit any more.
        predicted = (self.predicted / self.exposure).astype("float32").astype("float64")
        return self.actual / self.exposure, predicted, self.exposure

    @property
    def oddness(self) -> np.ndarray:
        """(n_rows,) of anomalies, the share of rows that are less odd."""
        return self.predicted[:, 1]

    @property
    def decisions(self) -> np.ndarray:
        """(n_rows,) place of the class that is predicted; of labels (n_rows, n_labels) 0 or 1."""
        if self.labels:
            return decide_labels(self.predicted, self.thresholds)
        return decide(self.predicted, self.threshold)

    @property
    def names(self) -> tuple[str, ...]:
        """Of what there are probabilities: the classes, or the labels."""
        return self.classes or self.labels

    def has(self, place: int) -> np.ndarray:
        """(n_rows,) whether a row is of the class at a place, or has the label there."""
        if self.labels:
            return np.asarray(self.actual[:, place] == 1)
        return np.asarray(self.actual == place)

    def says(self, place: int) -> np.ndarray:
        """(n_rows,) whether that was decided."""
        if self.labels:
            return np.asarray(self.decisions[:, place] == 1)
        return np.asarray(self.decisions == place)

    def take_labels(self, places: Sequence[int]) -> Outcome:
        """The outcome of some of the labels alone."""
        return replace(
            self,
            actual=self.actual[:, places],
            predicted=self.predicted[:, places],
            labels=tuple(self.labels[place] for place in places),
            thresholds=self.thresholds and tuple(self.thresholds[place] for place in places),
        )

    def take_pair(self, place: int) -> Outcome:
        """The same as that of a classification, whose second class is that the label is there."""
        probability = self.predicted[:, place]
        return Outcome(
            self.actual[:, place],
            np.column_stack([1 - probability, probability]),
            (f"not {self.labels[place]}", self.labels[place]),
            self.groups,
            EVEN if self.thresholds is None else self.thresholds[place],
        )

    @property
    def is_held(self) -> np.ndarray:
        """(n_rows,) whether a number's interval holds the true one."""
        assert self.interval is not None
        low, high = self.interval.T
        held: np.ndarray = (low <= self.actual) & (self.actual <= high)
        return held

    @property
    def positives(self) -> range:
        """Places of the classes to set against the rest; of two classes the second one alone.

        Of labels it is each.
        """
        places = range(len(self.names))
        return places[-1:] if len(self.classes) == 2 else places

    @property
    def claims(self) -> tuple[np.ndarray, np.ndarray]:
        """(n_rows,) probability of something, and whether it is so.

        Of two classes it is the second one; of more, that the decision is right. Of labels it is
        each of them, (n_rows, n_labels).
        """
        if self.labels:
            return self.predicted, self.actual == 1
        if len(self.classes) == 2:
            return self.predicted[:, 1], self.actual == 1
        decisions = self.decisions
        claimed = np.take_along_axis(self.predicted, decisions[:, np.newaxis], axis=1)
        return claimed.ravel(), decisions == self.actual


def _join(values: Sequence[Any]) -> Any:
    """Arrays or tables of rows below each other; None if there are none."""
    if not values:
        return None
    is_table = isinstance(values[0], pd.DataFrame)
    return pd.concat(values, ignore_index=True) if is_table else np.concatenate(values)


def _take(values: Any, rows: np.ndarray) -> Any:
    """Some rows of an array or a table; None of None."""
    if values is None:
        return None
    return values.iloc[rows] if isinstance(values, pd.DataFrame) else values[rows]


def _number_parts(tables: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """The tables of clusters, the parts of each numbered after those before."""
    starts = np.cumsum([0, *(int(table[PART].max()) + 1 for table in tables)])
    pairs = zip(tables, starts[:-1], strict=True)
    return [table.assign(**{PART: table[PART] + start}) for table, start in pairs]
