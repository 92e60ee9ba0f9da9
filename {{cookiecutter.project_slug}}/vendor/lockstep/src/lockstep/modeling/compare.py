"""Stage 3: compare the candidates on validation rows, then fit the champion on all train rows."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..core.contract import Contract, load_contract
from ..core.errors import UserError, end, exit_status, shorten
from ..core.params import Params
from ..core.project import Project
from ..core.stage import run
from ..core.table import Table, write_csv
from ..data.folds import Fold, make_folds
from .metrics import METRICS, Metric, outcome, primary_metric, resampled

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from .rows import TrainRows

    Scorer = Callable[[Pipeline, pd.DataFrame, np.ndarray], dict[str, float]]

HISTORY_COLUMNS = ["candidate", "fold", "epoch", "loss", "val_loss"]
SIZES_COLUMNS = ["rows", "fold", "train", "validation"]
RARE = 10
STANDARD_ERROR, STANDARD_ERROR_RESAMPLES = "standard_error", 200
LONGEST_TOLD = 200
"""Signs of what a library says that are passed on."""


def candidates(params: Params, contract: Contract) -> dict[str, Pipeline]:
    """An unfitted pipeline of features and estimator for each candidate in params.yaml.

    Raises:
        UserError: A candidate, a step or an option is unknown or impossible, or the baseline is not
            among the candidates.
    """
    from sklearn.pipeline import make_pipeline

    from .candidates import TAKES_CODES, Problem, build
    from .features import coded, features

    if "baseline" not in params.train.candidates:
        raise UserError(
            "params.yaml: train.candidates: baseline is missing; "
            "the champion is measured against it"
        )
    problem = Problem(
        params.kind,
        params.seed,
        tuple(
            len(contract.columns[name].categories or [])
            for name in coded(contract, params.features)
        ),
        contract.images.shape if contract.images else None,
    )
    return {
        name: make_pipeline(
            features(contract, params.features, params.seed, codes=name in TAKES_CODES),
            build(name, options, problem),
        )
        for name, options in params.train.candidates.items()
    }


def scorer(params: Params, contract: Contract) -> Scorer:
    """What gives every metric of a fitted pipeline on the rows it is tried on.

    On a single fold it also gives the standard error of the primary metric, by the bootstrap.
    """
    import numpy as np

    from .model import SavedModel

    primary = primary_metric(params.kind, params.train.metric)

    def score(pipeline: Pipeline, X: pd.DataFrame, y: np.ndarray) -> dict[str, float]:
        predictions = SavedModel(pipeline, "", params.kind, contract).predict(X)
        found = outcome(y, predictions, contract.classes)
        scores = {metric.name: metric.of(found) for metric in METRICS[params.kind]}
        if params.train.holdout is None:
            return scores
        draws = resampled((primary,), found, STANDARD_ERROR_RESAMPLES, params.seed)
        return scores | {STANDARD_ERROR: float(np.nanstd(draws, ddof=1))}

    return score


def cross_validate(
    pipeline: Pipeline, rows: TrainRows, make_folds: list[Fold], score: Scorer
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Fit and score a clone of `pipeline` per fold.

    Returns:
        (n_folds,) figures by what `score` calls them; and the epochs of the fitted networks
        (`fold`, `epoch`, `loss`, `val_loss`), empty when the estimator is not a network.
    """
    import numpy as np
    import pandas as pd

    found, networks = [], {}
    for number, fold in enumerate(make_folds, start=1):
        fitted = rows.fit(pipeline, fold)
        found.append(score(fitted, rows.X.iloc[fold[1]], rows.y[fold[1]]))
        if hasattr(fitted[-1], "history_"):
            networks[number] = fitted[-1].history_
    scores = {name: np.array([scored[name] for scored in found]) for name in found[0]}
    lines = [
        {"fold": fold, "epoch": epoch, "loss": loss, "val_loss": val_loss}
        for fold, epochs in networks.items()
        for epoch, (loss, val_loss) in enumerate(
            zip(epochs["loss"], epochs["val_loss"], strict=True), start=1
        )
    ]
    return scores, pd.DataFrame(lines, columns=HISTORY_COLUMNS[1:])


def over_folds(scores: dict[str, np.ndarray], metric: Metric) -> dict[str, float]:
    """A line of the leaderboard: mean and standard deviation of each figure over the make_folds.

    Of the primary `metric` also the standard error of the mean. A fold in which a figure is not
    defined does not count; with a single fold there is no standard deviation.
    """
    import pandas as pd

    found = pd.DataFrame(scores)
    errors = found.pop(STANDARD_ERROR) if STANDARD_ERROR in found else found[metric.name]
    spread, defined = found.std(ddof=1), found[metric.name].notna().sum()
    line: dict[str, float] = {}
    for name in found.columns:
        line |= {f"{name}_mean": found[name].mean(), f"{name}_std": spread[name]}
    alone = len(found) == 1
    line[STANDARD_ERROR] = errors[0] if alone else spread[metric.name] / defined**0.5
    return line


def choose(leaderboard: pd.DataFrame, metric: Metric, *, one_standard_error: bool) -> str:
    """The candidate with the best mean of `metric`; a tie goes to the one listed first.

    With `one_standard_error` the first one whose mean is within one standard error of the best is
    taken, the simplest that is about as good (Breiman et al., 1984).

    Raises:
        UserError: The metric is not defined for any candidate.
    """
    lines = leaderboard.set_index("candidate")
    merit = lines[f"{metric.name}_mean"] * metric.sign
    if merit.isna().all():
        raise UserError(
            f"params.yaml: train.metric: {metric.name} is not defined on the rows that candidates "
            "are compared on; a class may be missing there"
        )
    best: Any = merit.idxmax()
    error = lines.loc[best, STANDARD_ERROR]
    rounding = 1e-9 * abs(merit[best])
    leeway = error if one_standard_error and error > 0 else rounding
    return str(merit.index[merit >= merit[best] - leeway][0])


def compare(
    pipelines: dict[str, Pipeline],
    rows: TrainRows,
    make_folds: list[Fold],
    score: Scorer,
    metric: Metric,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cross-validate every candidate on the same make_folds, printing a line for each.

    Returns:
        The leaderboard, in the order of `pipelines`, and the history of the networks.
    """
    import pandas as pd

    lines: list[dict[str, Any]] = []
    histories = []
    for name, pipeline in pipelines.items():
        with telling(name):
            scores, history = cross_validate(pipeline, rows, make_folds, score)
        line = over_folds(scores, metric)
        sampled = rows.samples(pipeline)
        learnt_on = f"on a sample of {len(rows.table)}" if sampled else "on all rows"
        told = f"{_in_words(line, metric.name, make_folds)}{f', {learnt_on}' if sampled else ''}"
        print(f"train: {name:<14}{told}", flush=True)
        lines.append({"candidate": name, **line, "learnt": learnt_on})
        if not history.empty:
            histories.append(history.assign(candidate=name)[HISTORY_COLUMNS])
    history = pd.concat(histories) if histories else pd.DataFrame(columns=HISTORY_COLUMNS)
    return pd.DataFrame(lines), history


def _in_words(line: dict[str, float], metric: str, make_folds: list[Fold]) -> str:
    mean, error = line[f"{metric}_mean"], line[STANDARD_ERROR]
    where = f"over {len(make_folds)} folds" if len(make_folds) > 1 else f"on {len(make_folds[0][1])} held-out rows"
    if mean != mean:
        return f"{metric} undefined {where}"
    return f"{metric} {mean:.4f}{f' +- {error:.4f}' if error >= 0 else ''}, {where}"


@contextmanager
def telling(name: str) -> Iterator[None]:
    """Print each different warning of the libraries once, in a line that names the candidate.

    Raises:
        UserError: The candidate cannot learn from these rows, for its library's reason.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        except ValueError as error:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it cannot learn from these rows: "
                f"{shorten(str(error), LONGEST_TOLD)}"
            ) from error
    for text in dict.fromkeys(shorten(str(warning.message), LONGEST_TOLD) for warning in caught):
        print(f"train: {name}: {text}", file=sys.stderr)


def training_sizes(
    pipeline: Pipeline,
    rows: TrainRows,
    make_folds: list[Fold],
    shares: tuple[float, ...],
    score: Callable[[Pipeline, pd.DataFrame, np.ndarray], float],
    seed: int,
) -> pd.DataFrame:
    """How good the pipeline is when it learns from fewer of the rows in memory.

    Returns:
        For each share and fold `rows`, `fold`, and the score on the rows learnt from (`train`) and
        on the others (`validation`); without those that are too few to learn from.
    """
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import learning_curve

    enough = [share for share in shares if int(share * len(make_folds[0][0])) >= 2]
    if not enough:
        return pd.DataFrame(columns=SIZES_COLUMNS)
    with warnings.catch_warnings():
        # With few rows a fit may fail, for instance because a class is missing.
        warnings.simplefilter("ignore")
        many, on_train, on_validation = learning_curve(
            pipeline,
            rows.X,
            rows.y,
            train_sizes=enough,
            cv=make_folds,
            scoring=score,
            shuffle=True,
            random_state=seed,
            error_score=np.nan,
        )
    shape = on_train.shape
    table = pd.DataFrame(
        {
            "rows": np.repeat(many, shape[1]),
            "fold": np.tile(np.arange(1, shape[1] + 1), shape[0]),
            "train": on_train.ravel(),
            "validation": on_validation.ravel(),
        }
    )
    return table.dropna()


def main() -> None:
    """Run the stage in the project around the working directory."""
    from .model import SavedModel, save
    from .rows import train_rows

    project = Project.find()
    params = project.params
    contract = load_contract(project, params.kind)
    metric = primary_metric(params.kind, params.train.metric)
    pipelines = candidates(params, contract)
    file = Table(project.require(project.train), project.name(project.train))
    rows = train_rows(file, contract, params)
    compared_on = make_folds(rows.table, contract, params)
    for note in doubts(rows.y, params, compared_on):
        print(f"train: {note}", file=sys.stderr)
    score = scorer(params, contract)

    leaderboard, history = compare(pipelines, rows, compared_on, score, metric)
    champion = choose(leaderboard, metric, one_standard_error=params.train.one_standard_error)
    leaderboard["champion"] = leaderboard["candidate"] == champion
    with telling(champion):
        sizes = training_sizes(
            pipelines[champion],
            rows,
            # Earlier make_folds by time learn from fewer rows than the sizes ask for.
            compared_on[-1:] if params.split.by == "time" else compared_on,
            params.train.training_sizes,
            lambda *tried: score(*tried)[metric.name],
            params.seed,
        )
        fitted = {name: rows.fit(pipelines[name]) for name in dict.fromkeys(["baseline", champion])}
    save(SavedModel(fitted[champion], champion, params.kind, contract), project.champion)
    save(SavedModel(fitted["baseline"], "baseline", params.kind, contract), project.baseline)
    write_csv(leaderboard, project.leaderboard)
    write_csv(history, project.history)
    write_csv(sizes, project.training_sizes)
    left_out = len(params.train.training_sizes) - sizes["rows"].nunique()
    if left_out:
        print(
            f"train: {left_out} of train.training_sizes are too few rows for {champion}, left out",
            file=sys.stderr,
        )
    print(f"train: champion is {champion} -> {project.name(project.champion)}")


def doubts(y: np.ndarray, params: Params, make_folds: list[Fold]) -> list[str]:
    """A line for each class that is too rare to say much of, or is tried but not learnt."""
    import pandas as pd

    if params.kind == "regression":
        return []
    lines = [
        f"class {name!r} has {rows} train rows; scores of so few mean little"
        for name, rows in pd.Series(y).value_counts().sort_index().items()
        if rows < RARE
    ]
    for number, (learnt, tried) in enumerate(make_folds, start=1):
        if unknown := sorted({*y[tried]} - {*y[learnt]}):
            lines.append(
                f"fold {number} is tried on classes it has not learnt: {', '.join(unknown)}"
            )
    return lines


if __name__ == "__main__":
    end(exit_status(lambda: run("train", main)))
