"""Comparing candidates and choosing one."""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, write_params

from lockstep.reading import check as ingest
from lockstep import preprocess_old as preprocess
from lockstep.modeling import compare as train
from lockstep.core.project import Project
from lockstep.core.contract import Contract, load_contract
from lockstep.core.table import Table
from lockstep.data.folds import make_folds
from lockstep.core.errors import UserError
from lockstep.modeling.metrics import primary_metric
from lockstep.modeling.rows import TrainRows
from lockstep.core.table import write_parquet
from lockstep.modeling.compare import candidates, choose, compare, doubts, over_folds, scorer, telling, training_sizes

LEADERBOARD = pd.DataFrame(
    {
        "candidate": ["baseline", "linear", "mlp"],
        "accuracy_mean": [0.3, 0.9, 0.9],
        "log_loss_mean": [1.1, 0.4, 0.3],
        "standard_error": [0.0, 0.3, 0.15],
    }
)


@pytest.mark.parametrize(("metric", "expected"), [("accuracy", "linear"), ("log_loss", "mlp")])
def test_the_best_candidate_wins_and_a_tie_goes_to_the_earlier(metric: str, expected: str) -> None:
    metric = primary_metric("classification", metric)
    assert choose(LEADERBOARD, metric, one_standard_error=False) == expected


def test_the_simplest_candidate_within_a_standard_error_of_the_best_can_win() -> None:
    log_loss = primary_metric("classification", "log_loss")
    assert choose(LEADERBOARD, log_loss, one_standard_error=True) == "linear"
    for error in (0.05, np.nan):
        surer = LEADERBOARD.assign(standard_error=error)
        assert choose(surer, log_loss, one_standard_error=True) == "mlp"


def test_a_difference_of_rounding_is_a_tie() -> None:
    log_loss = primary_metric("classification", "log_loss")
    rounded = LEADERBOARD.assign(log_loss_mean=[0.3, 0.2 * 1.5, 0.3 - 1e-16])
    assert choose(rounded, log_loss, one_standard_error=False) == "baseline"


def test_a_candidate_without_the_metric_never_wins() -> None:
    accuracy = primary_metric("classification", "accuracy")
    undefined = LEADERBOARD.assign(accuracy_mean=[0.3, np.nan, 0.2])
    assert choose(undefined, accuracy, one_standard_error=False) == "baseline"
    with pytest.raises(UserError, match=r"train\.metric: accuracy is not defined on the rows"):
        choose(undefined.assign(accuracy_mean=np.nan), accuracy, one_standard_error=False)


def test_a_line_of_the_leaderboard_has_mean_spread_and_standard_error() -> None:
    scores = {"accuracy": np.array([0.5, 0.7, 0.9]), "roc_auc": np.array([0.8, np.nan, 0.6])}
    line = over_folds(scores, primary_metric("classification", "accuracy"))
    assert line == pytest.approx(
        {
            "accuracy_mean": 0.7,
            "accuracy_std": 0.2,
            "roc_auc_mean": 0.7,
            "roc_auc_std": np.std([0.8, 0.6], ddof=1),
            "standard_error": 0.2 / np.sqrt(3),
        }
    )


def test_held_out_rows_have_a_standard_error_by_the_bootstrap(project: Project) -> None:
    settings = {"metric": "accuracy", "holdout": 0.4, "candidates": {"baseline": {}, "tree": {}}}
    write_params(project, train=settings)
    leaderboard = run(project)
    rows = 24
    share = leaderboard["accuracy_mean"]
    expected = np.sqrt(share * (1 - share) / rows)
    np.testing.assert_allclose(leaderboard["standard_error"], expected, atol=0.02)
    assert leaderboard["accuracy_std"].isna().all()


def in_memory(table: pd.DataFrame, project: Project, contract: Contract) -> TrainRows:
    """These as train rows, none of them on disk alone."""
    write_parquet(table, project.train)
    file = Table(project.train, "train.parquet")
    return TrainRows(table, file, contract, project.params, np.arange(len(table)))


def run(project: Project) -> pd.DataFrame:
    """The leaderboard of all rows."""
    params = project.params
    contract = load_contract(project, params.kind)
    table = pd.read_csv(project.root / params.data.raw)
    leaderboard, _ = compare(
        candidates(params, contract),
        in_memory(table, project, contract),
        make_folds(table, contract, params),
        scorer(params, contract),
        primary_metric(params.kind, params.train.metric),
    )
    return leaderboard


def test_a_class_that_a_fold_has_not_learnt_counts_against_the_candidate(
    project: Project, contract: Contract, fruit: pd.DataFrame
) -> None:
    score = scorer(project.params, contract)
    X, y = fruit[contract.features], fruit["fruit"].to_numpy()
    apples = np.flatnonzero(y == "apple")
    pipeline = candidates(project.params, contract)["baseline"].fit(X.iloc[apples], y[apples])
    scores = score(pipeline, X, y)
    assert scores["accuracy"] == pytest.approx(len(apples) / 60)
    assert scores["log_loss"] > 10
    params = project.params
    assert doubts(y, params, [(apples, np.arange(60))]) == [
        "fold 1 is tried on classes it has not learnt: melon"
    ]
    assert doubts(y, params, [(np.arange(60), apples)]) == []
    rare = np.array(["apple"] * 57 + ["melon"] * 3, dtype=object)
    assert doubts(rare, params, []) == [
        "class 'melon' has 3 train rows; scores of so few mean little"
    ]


def test_sizes_tell_whether_more_rows_help(project: Project, contract: Contract) -> None:
    params = project.params
    table = pd.read_csv(project.root / params.data.raw)
    score = scorer(params, contract)
    sizes = training_sizes(
        candidates(params, contract)["linear"],
        in_memory(table, project, contract),
        make_folds(table, contract, params),
        (0.01, 0.1, 1.0),
        lambda *rows: score(*rows)["log_loss"],
        seed=1,
    )
    assert sizes.groupby("fold")["rows"].agg(list).tolist() == [sorted({*sizes["rows"]})] * 3
    by_rows = sizes.groupby("rows")["validation"].mean()
    assert len(by_rows) == 2
    assert by_rows.iloc[1] < by_rows.iloc[0] / 2


def test_a_warning_of_a_library_is_told_once_with_the_candidates_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with telling("linear"):
        for _ in range(3):
            warnings.warn("did not converge:\n    see the manual", UserWarning, stacklevel=1)
            warnings.warn("an old name", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr().err == "train: linear: did not converge: see the manual\n"


def test_a_candidate_that_cannot_learn_from_the_rows_is_told_and_costs_nothing(
    project: Project,
) -> None:
    settings = {"metric": "accuracy", "folds": 3, "candidates": {"baseline": {}}}
    write_params(project, train=settings)
    for stage in (ingest, preprocess, train):
        stage.main()
    before = {path: path.read_bytes() for path in project.reports.iterdir()}
    too_many = {"candidates": {"baseline": {}, "knn": {"neighbours": 50}}}
    write_params(project, train=settings | too_many)
    with pytest.raises(UserError) as error:
        train.main()
    assert str(error.value).startswith(
        "params.yaml: train.candidates.knn: it cannot learn from these rows: Expected n_neighbors"
    )
    assert len(str(error.value).splitlines()) == 1
    assert {path: path.read_bytes() for path in project.reports.iterdir()} == before


def test_the_baseline_cannot_be_left_out(project: Project, contract: Contract) -> None:
    write_params(project, train=PARAMS["train"] | {"candidates": {"linear": {}}})
    with pytest.raises(UserError, match=r"train\.candidates: baseline is missing"):
        candidates(project.params, contract)


def test_the_metric_has_a_default_for_each_kind(project: Project) -> None:
    write_params(project, train={"folds": 3, "candidates": {"baseline": {}}})
    assert primary_metric("classification", project.params.train.metric).name == "log_loss"
    assert primary_metric("regression", None).name == "rmse"


@pytest.mark.parametrize("settings", [{"folds": 3, "holdout": 0.2}, {}])
def test_folds_and_held_out_rows_are_one_or_the_other(project: Project, settings: dict) -> None:
    write_params(project, train={"metric": "accuracy", "candidates": {"baseline": {}}} | settings)
    with pytest.raises(UserError) as error:
        project.params
    assert str(error.value) == (
        "params.yaml: train: say either `folds` or `holdout`: how the candidates are compared"
    )


def test_unseen_categories_and_missing_numbers_can_be_predicted(
    project: Project, contract: Contract, fruit: pd.DataFrame
) -> None:
    X = fruit[contract.features]
    pipeline = candidates(project.params, contract)["linear"].fit(X, fruit["fruit"].to_numpy())
    odd = X.head(2).assign(colour="blue", seeds=pd.array([None, 3], dtype="Int64"))
    assert np.isfinite(pipeline.predict_proba(odd)).all()
