"""Stage 3: compare the candidates by cross-validation, then fit the champion on all train rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import Project
from .data.contract import Contract, load_contract
from .data.tables import read_parquet
from .errors import UserError, end, exit_status
from .modeling.metrics import METRICS, Metric, primary_metric
from .params import Kind, Params
from .reproducibility.artifacts import write_csv
from .reproducibility.stage import run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import BaseCrossValidator
    from sklearn.pipeline import Pipeline

HISTORY_COLUMNS = ["candidate", "fold", "epoch", "loss", "val_loss"]


def candidates(params: Params, contract: Contract) -> dict[str, Pipeline]:
    """An unfitted pipeline of features and estimator for each candidate in params.yaml.

    Raises:
        UserError: A candidate or an option is unknown, an option is impossible, or the baseline
            is not among them.
    """
    from sklearn.pipeline import make_pipeline

    from .modeling.estimators import build
    from .modeling.features import features

    if "baseline" not in params.train.candidates:
        raise UserError(
            "params.yaml: train.candidates: baseline is missing; "
            "the champion is measured against it"
        )
    return {
        name: make_pipeline(features(contract), build(name, options, params.kind, params.seed))
        for name, options in params.train.candidates.items()
    }


def folds_for(kind: Kind, y: np.ndarray, folds: int, seed: int) -> BaseCrossValidator:
    """The shuffled folds of a cross-validation; for a classification each holds every class.

    Args:
        kind: The kind of problem.
        y: (n_rows,) targets of the train rows.
        folds: Number of folds.
        seed: Seed of the shuffling.

    Raises:
        UserError: There are too few rows, or too few of one class, for so many folds.
    """
    import numpy as np
    from sklearn.model_selection import KFold, StratifiedKFold

    if kind == "regression":
        if len(y) < folds:
            raise UserError(
                f"params.yaml: train.folds: {folds} is more than the {len(y)} train rows"
            )
        return KFold(folds, shuffle=True, random_state=seed)
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise UserError(f"the train rows hold one class only, {classes[0]!r}; two are needed")
    if counts.min() < folds:
        raise UserError(
            f"params.yaml: train.folds: {folds} folds need {folds} train rows of each class, but "
            f"{classes[counts.argmin()]!r} has {counts.min()}"
        )
    return StratifiedKFold(folds, shuffle=True, random_state=seed)


def cross_validate(
    pipeline: Pipeline,
    X: pd.DataFrame,
    y: np.ndarray,
    folds: BaseCrossValidator,
    metrics: tuple[Metric, ...],
) -> tuple[dict[str, float], pd.DataFrame]:
    """Fit and score a clone of `pipeline` per fold.

    Returns:
        `<metric>_mean` and `<metric>_std` over the folds; and the epochs of the fitted networks
        (`fold`, `epoch`, `loss`, `val_loss`), empty when the estimator is not a network.
    """
    import pandas as pd
    from sklearn import model_selection

    result = model_selection.cross_validate(
        pipeline,
        X,
        y,
        cv=folds,
        scoring={metric.name: metric.scorer for metric in metrics},
        return_estimator=True,
        error_score="raise",
    )
    scores: dict[str, float] = {}
    for metric in metrics:
        values = metric.from_score(result[f"test_{metric.name}"])
        scores[f"{metric.name}_mean"] = float(values.mean())
        scores[f"{metric.name}_std"] = float(values.std(ddof=1))
    networks = {
        fold: fitted[-1].history_
        for fold, fitted in enumerate(result["estimator"], start=1)
        if hasattr(fitted[-1], "history_")
    }
    rows = [
        {"fold": fold, "epoch": epoch, "loss": loss, "val_loss": val_loss}
        for fold, epochs in networks.items()
        for epoch, (loss, val_loss) in enumerate(
            zip(epochs["loss"], epochs["val_loss"], strict=True), start=1
        )
    ]
    return scores, pd.DataFrame(rows, columns=HISTORY_COLUMNS[1:])


def choose(leaderboard: pd.DataFrame, metric: Metric) -> str:
    """The candidate with the best mean of `metric`; a tie goes to the one listed first."""
    means = leaderboard.set_index("candidate")[f"{metric.name}_mean"]
    return str(means.idxmax() if metric.higher_is_better else means.idxmin())


def compare(
    pipelines: dict[str, Pipeline],
    X: pd.DataFrame,
    y: np.ndarray,
    folds: BaseCrossValidator,
    kind: Kind,
    metric: Metric,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cross-validate every candidate on the same folds, printing a line for each.

    Returns:
        The leaderboard, in the order of `pipelines`, and the history of the networks.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    histories = []
    for name, pipeline in pipelines.items():
        print(f"train: {name:<12}", end="", flush=True)
        scores, history = cross_validate(pipeline, X, y, folds, METRICS[kind])
        mean, spread = scores[f"{metric.name}_mean"], scores[f"{metric.name}_std"]
        print(f"{metric.name} {mean:.4f} +- {spread:.4f} over {folds.get_n_splits()} folds")
        rows.append({"candidate": name, **scores})
        if not history.empty:
            histories.append(history.assign(candidate=name)[HISTORY_COLUMNS])
    history = pd.concat(histories) if histories else pd.DataFrame(columns=HISTORY_COLUMNS)
    return pd.DataFrame(rows), history


def main() -> None:
    """Run the stage in the project around the working directory."""
    from .modeling.saved import SavedModel, save

    project = Project.find()
    params = project.params()
    contract = load_contract(project, params.kind)
    metric = primary_metric(params.kind, params.train.metric)
    pipelines = candidates(params, contract)
    rows = read_parquet(project.require(project.train, "preprocess"), project.name(project.train))
    X, y = rows[contract.features], rows[contract.target].to_numpy()
    folds = folds_for(params.kind, y, params.train.folds, params.seed)

    leaderboard, history = compare(pipelines, X, y, folds, params.kind, metric)
    champion = choose(leaderboard, metric)
    for name, directory in ((champion, project.champion), ("baseline", project.baseline)):
        fitted = pipelines[name].fit(X, y)
        save(SavedModel(fitted, name, params.kind, contract), directory)
    leaderboard["champion"] = leaderboard["candidate"] == champion
    write_csv(leaderboard, project.leaderboard)
    write_csv(history, project.history)
    print(f"train: champion is {champion} -> {project.name(project.champion)}")


if __name__ == "__main__":
    end(exit_status(lambda: run("train", main)))
