"""Comparing candidates and choosing one."""

import json
import warnings
from typing import Self

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, PARAMS, make_params, run_stage, write_params
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.core.table import Table, write_parquet
from lockstep.data.folds import make_folds
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.compare import (
    Leaderboard,
    Validation,
    choose_champion,
    cross_validate,
    learning_curve,
    score_outcome,
    summarise_scores,
    warn_of_rare_classes,
)
from lockstep.modeling.features import make_features
from lockstep.modeling.metrics import Metric, primary_metric
from lockstep.modeling.model import Model
from lockstep.modeling.outcome import Outcome
from lockstep.modeling.postprocessing import Postprocessing
from lockstep.modeling.problem import make_problem
from lockstep.modeling.train_rows import TrainRows, print_warnings
from owner import features, models  # noqa: F401 - they register steps and candidates
from pydantic import ValidationError
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

LINES = pd.DataFrame(
    {
        "accuracy_mean": [0.3, 0.9, 0.9],
        "log_loss_mean": [1.1, 0.4, 0.3],
        "standard_error": [0.0, 0.3, 0.15],
    },
    index=["baseline", "linear", "mlp"],
)


def find_metric(name: str | None, kind: str = "classification") -> Metric:
    settings = PARAMS["train"] | {"metric": name}
    return primary_metric(make_params(kind=kind, train=settings))


@pytest.mark.parametrize(("metric", "expected"), [("accuracy", "linear"), ("log_loss", "mlp")])
def test_the_best_candidate_wins_and_a_tie_goes_to_the_earlier(metric: str, expected: str) -> None:
    assert choose_champion(LINES, find_metric(metric), one_standard_error=False) == expected


def test_the_simplest_candidate_within_a_standard_error_of_the_best_can_win() -> None:
    log_loss = find_metric("log_loss")
    assert choose_champion(LINES, log_loss, one_standard_error=True) == "linear"
    for error in (0.05, np.nan):
        surer = LINES.assign(standard_error=error)
        assert choose_champion(surer, log_loss, one_standard_error=True) == "mlp"


def test_the_candidate_that_params_yaml_names_is_the_champion_whatever_its_figures() -> None:
    board = Leaderboard(make_params(train=PARAMS["train"] | {"champion": "baseline"}))
    assert board.choose() == "baseline"
    with pytest.raises(ValidationError, match="champion is 'svn'; one of the candidates was exp"):
        make_params(train=PARAMS["train"] | {"champion": "svn"})


def test_a_difference_of_rounding_is_a_tie() -> None:
    rounded = LINES.assign(log_loss_mean=[0.3, 0.2 * 1.5, 0.3 - 1e-16])
    metric = find_metric("log_loss")
    assert choose_champion(rounded, metric, one_standard_error=False) == "baseline"


def test_a_candidate_without_the_metric_never_wins() -> None:
    accuracy = find_metric("accuracy")
    undefined = LINES.assign(accuracy_mean=[0.3, np.nan, 0.2])
    assert choose_champion(undefined, accuracy, one_standard_error=False) == "baseline"
    undefined = undefined.assign(accuracy_mean=np.nan)
    with pytest.raises(UserError, match=r"train\.metric: accuracy is not defined on the rows"):
        choose_champion(undefined, accuracy, one_standard_error=False)


def test_a_line_of_the_leaderboard_has_mean_spread_and_standard_error() -> None:
    scores = pd.DataFrame({"accuracy": [0.5, 0.7, 0.9], "roc_auc": [0.8, np.nan, 0.6]})
    assert summarise_scores(scores, find_metric("accuracy")) == pytest.approx(
        {
            "accuracy_mean": 0.7,
            "accuracy_std": 0.2,
            "roc_auc_mean": 0.7,
            "roc_auc_std": np.std([0.8, 0.6], ddof=1),
            "standard_error": 0.2 / np.sqrt(3),
        }
    )


def make_rows(project: Project, table: pd.DataFrame | None = None) -> TrainRows:
    """The raw rows, or a table, as train rows; all of them are in memory."""
    if table is None:
        table = pd.read_csv(project.root / project.params.data.raw)
    write_parquet(table, project.train)
    file = Table(project.train, "train.parquet")
    places = np.arange(len(table))
    return TrainRows(table, file, project.contract, project.params, places)


def make_candidate_pipeline(name: str, project: Project) -> Pipeline:
    params, contract = project.params, project.contract
    problem = make_problem(params, contract)
    return make_pipeline(
        make_features(name, params, contract),
        make_candidate(name, params.train.candidates[name], problem),
    )


def make_pipelines(project: Project) -> dict[str, Pipeline]:
    names = project.params.train.candidates
    return {name: make_candidate_pipeline(name, project) for name in names}


def test_held_out_rows_have_a_standard_error_by_the_bootstrap(project: Project) -> None:
    settings = {"metric": "accuracy", "holdout": 0.4, "candidates": {"baseline": {}, "tree": {}}}
    write_params(project, train=settings)
    rows = make_rows(project)
    folds = make_folds(rows.table, project.contract, project.params)
    leaderboard = Leaderboard(project.params)
    for name, validation in cross_validate(make_pipelines(project), rows, folds):
        leaderboard.add(name, validation)
    share = leaderboard.table["accuracy_mean"]
    expected = np.sqrt(share * (1 - share) / 24)
    np.testing.assert_allclose(leaderboard.table["standard_error"], expected, atol=0.02)
    assert leaderboard.table["accuracy_std"].isna().all()


@pytest.mark.parametrize(
    ("decision", "chances", "is_told"),
    [("f1_macro", [0.2, 0.6], True), ("f1_macro", [0.6, 0.6], False), (0.3, [0.2, 0.6], False)],
)
def test_only_a_threshold_that_was_chosen_and_decides_something_is_told(
    capsys: pytest.CaptureFixture[str], decision: str | float, chances: list[float], is_told: bool
) -> None:
    predicted = np.column_stack([1 - np.array(chances), chances])
    outcome = Outcome(np.array([0, 1]), predicted, ("a", "b"), threshold=0.3)
    params = make_params(train=PARAMS["train"] | {"metric": "accuracy", "decision": decision})
    scores = pd.DataFrame({"accuracy": [0.5, 0.7]})
    learnt = Postprocessing(decision=decision, threshold=0.3)
    validation = Validation(scores, pd.DataFrame(), [outcome], learnt, 2, None, ())
    Leaderboard(params).add("linear", validation)
    assert capsys.readouterr().out.endswith(", decided at 0.3\n") == is_told


def test_held_out_rows_of_a_single_group_have_no_standard_error() -> None:
    params = make_params(train=PARAMS["train"] | {"folds": None, "holdout": 0.4})
    outcome = Outcome(np.array([0, 1, 1]), np.full((3, 2), 0.5), ("a", "b"), np.zeros(3, dtype=int))
    assert np.isnan(score_outcome(outcome, params)["standard_error"])


def test_the_leaderboard_says_by_how_much_each_is_behind_on_the_same_rows(
    project: Project,
) -> None:
    contract = CONTRACT | {"group": "colour"}
    project.contract_file.write_text(json.dumps(contract))
    project = Project(project.root)
    write_params(project, train={"folds": 3, "candidates": {"baseline": {}, "tree": {}}})
    rows = make_rows(project)
    folds = make_folds(rows.table, project.contract, project.params)
    leaderboard, validations = Leaderboard(project.params), {}
    for name, validation in cross_validate(make_pipelines(project), rows, folds):
        validations[name] = validation
        leaderboard.add(name, validation)
    for outcome, (_, validation) in zip(validations["tree"].outcomes, folds, strict=True):
        colours = rows.table["colour"].iloc[validation]
        assert len({*zip(outcome.groups, colours, strict=True)}) == colours.nunique()
    table = leaderboard.table.set_index("candidate")
    ends = table.loc["baseline", ["behind_low", "behind_high"]]
    gain = table["log_loss_mean"]["baseline"] - table["log_loss_mean"]["tree"]
    assert ends.iloc[0] < gain < ends.iloc[1]
    assert table.loc["tree", ["behind_low", "behind_high"]].isna().all()


def test_a_class_that_a_fold_has_not_learnt_counts_against_the_candidate(
    project: Project, fruit: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = make_rows(project, fruit)
    apples = np.flatnonzero(rows.y == "apple")
    pipeline = make_candidate_pipeline("baseline", project)
    pipeline.fit(rows.X.iloc[apples], rows.y[apples])
    model = Model(pipeline, "baseline", "classification", project.contract)
    scores = score_outcome(model.try_on(rows.table), project.params)
    assert scores["accuracy"] == pytest.approx(len(apples) / 60)
    assert scores["log_loss"] > 10
    warn_of_rare_classes(rows, [(apples, np.arange(60))])
    assert capsys.readouterr().err == (
        "train: fold 1 is tried on classes it has not learnt: melon\n"
    )
    warn_of_rare_classes(rows, [(np.arange(60), apples)])
    assert capsys.readouterr().err == ""
    warn_of_rare_classes(make_rows(project, fruit.assign(fruit=["apple"] * 57 + ["melon"] * 3)), [])
    assert capsys.readouterr().err == (
        "train: class 'melon' has 3 train rows; scores of so few mean little\n"
    )
    warn_of_rare_classes(make_rows(project, fruit.assign(fruit="apple")), [])
    assert capsys.readouterr().err == (
        "train: class 'melon' has 0 train rows; it is never predicted\n"
    )


def test_folds_that_differ_by_a_row_lack_no_size(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(project, train=PARAMS["train"] | {"metric": None, "training_sizes": [0.5, 1.0]})
    rows = make_rows(project)
    (first, test), *others = make_folds(rows.table, project.contract, project.params)
    folds = [(first[:-1], test), *others]
    learning_curve("linear", make_candidate_pipeline("linear", project), rows, folds)
    assert capsys.readouterr().err == ""


def test_sizes_tell_whether_more_rows_help(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = [0.01, 0.1, 1.0]
    write_params(project, train=PARAMS["train"] | {"metric": None, "training_sizes": sizes})
    rows = make_rows(project)
    folds = make_folds(rows.table, project.contract, project.params)
    curve = learning_curve("linear", make_candidate_pipeline("linear", project), rows, folds)
    assert curve.groupby("fold")["rows"].agg(list).tolist() == [sorted({*curve["rows"]})] * 3
    by_rows = curve.groupby("rows")["validation"].mean()
    assert len(by_rows) == 2
    assert by_rows.iloc[1] < by_rows.iloc[0] / 2
    assert capsys.readouterr().err == (
        "train: 1 of train.training_sizes are too few rows for linear, left out\n"
    )


def test_a_warning_in_each_fold_is_told_once(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    class Worried(DummyClassifier):
        def fit(self, *arguments: object) -> Self:
            warnings.warn("did not converge", UserWarning, stacklevel=1)
            return super().fit(*arguments)

    rows = make_rows(project)
    folds = make_folds(rows.table, project.contract, project.params)
    pipeline = make_pipeline(FunctionTransformer(), Worried())
    list(cross_validate({"worried": pipeline}, rows, folds))
    assert capsys.readouterr().err == "train: worried: did not converge\n"


def test_a_warning_of_a_library_is_told_once_with_the_candidates_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with print_warnings("linear"):
        for _ in range(3):
            warnings.warn("did not converge:\n    see the manual", UserWarning, stacklevel=1)
            warnings.warn("an old name", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr().err == "train: linear: did not converge: see the manual\n"


def test_a_candidate_that_cannot_learn_from_the_rows_is_told_and_costs_nothing(
    project: Project,
) -> None:
    settings = {"metric": "accuracy", "folds": 3, "candidates": {"baseline": {}}}
    write_params(project, train=settings)
    for stage in ("ingest", "preprocess", "train"):
        run_stage(stage)
    before = {path: path.read_bytes() for path in project.reports.iterdir()}
    too_many = {"candidates": {"baseline": {}, "knn": {"neighbours": 50}}}
    write_params(project, train=settings | too_many)
    with pytest.raises(UserError) as error:
        run_stage("train")
    assert str(error.value).startswith(
        "params.yaml: train.candidates.knn: it cannot learn from these rows: Expected n_neighbors"
    )
    assert len(str(error.value).splitlines()) == 1
    assert {path: path.read_bytes() for path in project.reports.iterdir()} == before


def test_the_baseline_cannot_be_left_out(project: Project) -> None:
    write_params(project, train=PARAMS["train"] | {"candidates": {"linear": {}}})
    with pytest.raises(UserError) as error:
        run_stage("train")
    assert str(error.value) == (
        "params.yaml: train.candidates: baseline is missing; the champion is measured against it"
    )


def test_the_metric_has_a_default_for_each_kind() -> None:
    assert find_metric(None).name == "log_loss"
    assert find_metric(None, "regression").name == "rmse"


@pytest.mark.parametrize("settings", [{"folds": 3, "holdout": 0.2}, {}])
def test_folds_and_held_out_rows_are_one_or_the_other(project: Project, settings: dict) -> None:
    write_params(project, train={"metric": "accuracy", "candidates": {"baseline": {}}} | settings)
    with pytest.raises(UserError) as error:
        _ = project.params
    assert str(error.value) == (
        "params.yaml: train: say either `folds` or `holdout`: how the candidates are compared"
    )


def test_unseen_categories_and_missing_numbers_can_be_predicted(
    project: Project, contract: Contract, fruit: pd.DataFrame
) -> None:
    X = fruit[contract.features]
    pipeline = make_candidate_pipeline("linear", project).fit(X, fruit["fruit"].to_numpy())
    odd = X.head(2).assign(colour="blue", seeds=pd.array([None, 3], dtype="Int64"))
    assert np.isfinite(pipeline.predict_proba(odd)).all()
