"""How far a predicted number may be off, by what its row is like, as rows not learnt from teach.

The size of an error is estimated directly, as NannyML's direct loss estimation does, by boosting:
trees of a single split add up to a table for each column, of what each place on its scale adds. The
error itself is that size times one of the errors seen, each over the size that it was held to have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import floor
from typing import Self

import numpy as np
from scipy.optimize import minimize
from sklearn.ensemble import GradientBoostingRegressor

from ..core.validation import Strict
from .calibration import sum_groups
from .outcome import Outcome

MOST_ROWS = 10_000
"""That sizes are learnt from."""
MOST_SPLITS, RATE = 40, 0.2
FEWEST_ROWS = 10
"""On either side of a split."""
FOLDS = 5
FEWEST_GROUPS = 50
"""Of fewer, all errors are held to be of one size."""
SMALLEST = 0.1
"""Of the mean size: what any is at least."""
MOST_RATIOS = 1000
DEVIATION = 0.5
"""How far the slope of the sizes is expected to be from 1, as long as no row tells."""
DIGITS = 6

Places = Mapping[str, np.ndarray]
"""Of each column (n_rows,) places on its scale, from 0, and -1 where the value is missing."""
Tables = dict[str, np.ndarray]


class Residuals(Strict):
    """The sizes of errors, and errors over their sizes."""

    size: float
    """What the tables add to, in the target's unit."""
    least: float
    """What no size is below."""
    deviations: tuple[dict[str, tuple[float, ...]], ...]
    """Such tables, which tell how well these are known: these, and each of those times a number
    from the standard normal distribution, are as likely."""
    slope: float
    """The power of it that sizes follow, about their geometric mean: above 1 where boosting has
    held those of easy and of hard rows for too much alike."""
    slope_error: float
    """How well that is known, as a standard error."""
    middle: float
    """That mean."""
    tables: dict[str, tuple[float, ...]]
    """Of a column what its places add, from -1 on, 0 in the mean of all rows; a column that
    tells nothing has none."""
    ratios: tuple[float, ...]
    """Errors over their sizes, in order; of many as many quantiles, which vary as much."""
    groups: int
    """How many of the rows that they are of are evidence apart from each other."""
    is_positive: bool
    """Whether no true number was below zero."""

    @classmethod
    def fit(cls, validation: Outcome, places: Places) -> Self:
        """Learn sizes, with as many splits as are best for rows that were left out.

        Args:
            validation: Rows that were predicted by models that had not learnt from them.
            places: Those of the same rows.
        """
        rng = np.random.default_rng(0)
        rows = np.sort(rng.permutation(len(validation))[:MOST_ROWS])
        validation = validation.take(rows)
        errors = validation.actual - validation.predicted
        groups = np.arange(len(rows)) if validation.groups is None else validation.groups
        count, sizes = int(groups.max()) + 1, np.abs(errors)
        least = max(SMALLEST * float(sizes.mean()), np.finfo("float64").tiny)
        tables: Tables = {}
        deviations: list[Tables] = []
        held = np.full(len(rows), max(sizes.mean(), least))
        if places and count >= FEWEST_GROUPS:
            X = np.column_stack([column[rows] for column in places.values()])
            folds = (rng.permutation(count) % FOLDS)[groups]
            boosters = [_boost(X[folds != fold], sizes[folds != fold]) for fold in range(FOLDS)]
            splits, held = _choose_splits(boosters, X, sizes, folds, least)
            tables = _tabulate(_boost(X, sizes), splits, X, places)
            deviations = _differ([_tabulate(one, splits, X, places) for one in boosters])
        slope, slope_error = _fit_slope(held, sizes, groups)
        middle = float(np.exp(np.log(held).mean()))
        return cls(
            size=_round(sizes.mean()),
            least=_round(least),
            slope=_round(slope),
            slope_error=_round(slope_error),
            middle=_round(middle),
            tables=_shorten(tables),
            deviations=tuple(map(_shorten, deviations)),
            ratios=_thin(errors / _stretch(held, slope, middle)),
            groups=count,
            is_positive=bool((validation.actual >= 0).all()),
        )

    def estimate_sizes(self, places: Places, count: int) -> np.ndarray:
        """(n_rows,) sizes of the errors of so many rows, by what is known of their places."""
        sizes: np.ndarray = np.maximum(self.size + _look_up(self.tables, places, count), self.least)
        return sizes

    def draw(
        self, predicted: np.ndarray, places: Places, count: int, rng: np.random.Generator
    ) -> Iterator[np.ndarray]:
        """So many times (n_rows,) numbers that may turn out to be true."""
        rows, ratios = len(predicted), np.array(self.ratios)
        additions = [_look_up(tables, places, rows) for tables in (self.tables, *self.deviations)]
        concentration = np.full(len(ratios), self.groups / len(ratios))
        for slope in rng.normal(self.slope, self.slope_error, size=count):
            weights = np.append(1, rng.standard_normal(len(self.deviations)))
            sizes = np.maximum(self.size + weights @ additions, self.least)
            # How often each ratio comes is known no better than by so many rows (Rubin, 1981).
            drawn = rng.choice(ratios, rows, p=rng.dirichlet(concentration))
            numbers = predicted + _stretch(sizes, slope, self.middle) * drawn
            yield np.maximum(numbers, 0) if self.is_positive else numbers


def _look_up(
    tables: Mapping[str, Sequence[float] | np.ndarray], places: Places, count: int
) -> np.ndarray:
    """(n_rows,) sums of what the tables have at the places of so many rows."""
    sums = np.zeros(count)
    for name, table in tables.items():
        if name in places:
            # A place that no row had adds what the last one does.
            sums += np.take(table, np.asarray(places[name]) + 1, mode="clip")
    return sums


def _boost(X: np.ndarray, sizes: np.ndarray) -> GradientBoostingRegressor:
    booster = GradientBoostingRegressor(
        n_estimators=MOST_SPLITS,
        learning_rate=RATE,
        max_depth=1,
        min_samples_leaf=FEWEST_ROWS,
        random_state=0,
    )
    return booster.fit(X, sizes)


def _choose_splits(
    boosters: Sequence[GradientBoostingRegressor],
    X: np.ndarray,
    sizes: np.ndarray,
    folds: np.ndarray,
    least: float,
) -> tuple[int, np.ndarray]:
    """How many splits are best, and the (n_rows,) sizes that they give rows that were left out.

    They are judged as scales of Laplace's distribution, by the logarithm of its density, in which a
    few large errors do not decide.
    """
    held = np.empty((MOST_SPLITS + 1, len(X)))
    for fold, booster in enumerate(boosters):
        own = folds == fold
        held[0, own] = sizes[~own].mean()
        held[1:, own] = [*booster.staged_predict(X[own])]
    held = np.maximum(held, least)
    losses = (np.log(held) + sizes / held).mean(axis=1)
    best = int(losses.argmin())
    return best, held[best]


def _tabulate(
    booster: GradientBoostingRegressor, splits: int, X: np.ndarray, names: Iterable[str]
) -> Tables:
    """Of each column what each place adds to the mean, from -1 to the last one of all rows."""
    tables = [np.zeros(int(column.max()) + 2) for column in X.T]
    for [stump] in booster.estimators_[:splits]:
        tree = stump.tree_
        if tree.node_count == 3:
            table, left = tables[tree.feature[0]], tree.children_left[0]
            first = floor(tree.threshold[0]) + 2  # places up to the threshold, and that of a gap
            table[:first] += RATE * tree.value[left, 0, 0]
            table[first:] += RATE * tree.value[tree.children_right[0], 0, 0]
    columns = zip(names, tables, X.T, strict=True)
    return {name: table - table[column + 1].mean() for name, table, column in columns}


def _differ(parts: Sequence[Tables]) -> list[Tables]:
    """What the tables of each fold differ by from their mean, as the jackknife weighs it."""
    factor = np.sqrt((len(parts) - 1) / len(parts))
    means = {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}
    return [{name: factor * (part[name] - means[name]) for name in part} for part in parts]


def _shorten(tables: Tables) -> dict[str, tuple[float, ...]]:
    return {name: tuple(map(_round, table)) for name, table in tables.items() if table.any()}


def _fit_slope(held: np.ndarray, sizes: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """The power of the sizes held out that is most likely by the same density, and its error."""
    logarithms = np.log(held) - np.log(held).mean()
    if not sizes.any() or not np.ptp(logarithms):
        return 1.0, 0.0
    X, expected = np.column_stack([logarithms, np.ones(len(held))]), np.array([1.0, 0.0])
    precision = np.diag([1 / DEVIATION**2, 0])
    sizes = sizes / sizes.mean()

    def lose(parameters: np.ndarray) -> float:
        away = parameters - expected
        scores = X @ parameters
        return float((scores + sizes * np.exp(-scores)).sum() + away @ precision @ away / 2)

    def find_slopes(parameters: np.ndarray) -> np.ndarray:
        slopes: np.ndarray = X * (1 - sizes * np.exp(-(X @ parameters)))[:, np.newaxis]
        return slopes

    def find_slope(parameters: np.ndarray) -> np.ndarray:
        slope: np.ndarray = find_slopes(parameters).sum(axis=0)
        slope += precision @ (parameters - expected)
        return slope

    def find_curvature(parameters: np.ndarray) -> np.ndarray:
        weights = sizes * np.exp(-(X @ parameters))
        curvature: np.ndarray = X.T @ (X * weights[:, np.newaxis]) + precision
        return curvature

    best = minimize(lose, expected, method="trust-exact", jac=find_slope, hess=find_curvature).x
    inverse = np.linalg.inv(find_curvature(best))
    slopes = sum_groups(find_slopes(best), groups)
    covariance = inverse @ (slopes.T @ slopes + precision) @ inverse
    return float(best[0]), float(np.sqrt(covariance[0, 0]))


def _stretch(sizes: np.ndarray, slope: float, middle: float) -> np.ndarray:
    stretched: np.ndarray = middle * (sizes / middle) ** slope
    return stretched


def _thin(ratios: np.ndarray) -> tuple[float, ...]:
    """Quantiles of them, moved and stretched so that their mean and variance are the same."""
    if len(ratios) > MOST_RATIOS:
        steps = (np.arange(MOST_RATIOS) + 0.5) / MOST_RATIOS
        few = np.quantile(ratios, steps)
        few = (few - few.mean()) * (ratios.std() / (few.std() or 1))
        ratios = few + ratios.mean()
    return tuple(map(_round, np.sort(ratios)))


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
