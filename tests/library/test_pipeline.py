"""The four stages and predict, end to end on made-up rows."""

import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from conftest import (
    CONTRACT,
    drawing,
    enter_copy,
    make_project,
    run_stage,
    run_stages,
    write_params,
)
from lockstep.commands.cli import main
from lockstep.core.errors import UserError
from lockstep.core.project import Project
from lockstep.modeling.model import Model
from lockstep.reporting.report import is_nearly_perfect


@pytest.fixture(params=["linear", pytest.param("mlp", marks=pytest.mark.matrix)], scope="module")
def trained_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project in which this candidate is the champion; not to be changed."""
    project = make_project(tmp_path_factory.mktemp(request.param))
    options = {"linear": {}, "mlp": {"max_epochs": 30}}[request.param]
    candidates = {"baseline": {}, request.param: options}
    write_params(project, train={"metric": "accuracy", "folds": 3, "candidates": candidates})
    with contextlib.chdir(project.root), drawing():
        run_stages()
    return project.root


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of that project, as the working directory."""
    return enter_copy(trained_once, tmp_path, monkeypatch)


def test_the_champion_beats_the_baseline(trained: Project) -> None:
    metrics = json.loads(trained.metrics.read_text())
    assert metrics["accuracy"] > 0.9 > metrics["baseline"]["accuracy"]
    assert metrics["intervals"].pop("calibration_error") is None
    for name, (low, high) in metrics["intervals"].items():
        assert low <= metrics[name] <= high
    del metrics["baseline"]["intervals"]["calibration_error"]
    assert metrics["intervals"].keys() == metrics["baseline"]["intervals"].keys()


def test_the_report_says_how_to_ask_for_what_was_left_out(trained: Project) -> None:
    assert pd.read_csv(trained.training_sizes).empty
    for path in (trained.report, trained.model_card):
        assert "Whether more rows would help was not tried" in path.read_text()


def test_what_dvc_compares_is_what_the_leaderboard_says_of_the_champion(trained: Project) -> None:
    written = json.loads(trained.validation.read_text())
    lines = pd.read_csv(trained.leaderboard, index_col="candidate").loc[written["champion"]]
    figures = written["validation"]
    assert lines["champion"]
    assert figures.pop("standard_error") == lines["standard_error"]
    assert figures == {name: lines[f"{name}_mean"] for name in figures}
    assert figures.keys() == json.loads(trained.metrics.read_text())["intervals"].keys()


def test_every_row_is_in_train_or_in_test(trained: Project) -> None:
    rows = [len(pd.read_parquet(path)) for path in (trained.train, trained.test)]
    assert sum(rows) == len(pd.read_parquet(trained.dataset)) == 60


def test_a_loaded_champion_predicts_what_evaluate_saw(trained: Project) -> None:
    champion = Model.load(trained.champion, "models/champion")
    predictions = champion.predict(pd.read_parquet(trained.test)).drop(columns="reason")
    seen = pd.read_csv(trained.plots / "predictions.csv")[[*predictions]]
    pd.testing.assert_frame_equal(predictions, seen, check_dtype=False)


def test_predict_writes_a_row_for_each_row(
    trained: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = trained.root / "new.csv", trained.root / "out.csv"
    pd.read_parquet(trained.test).drop(columns="fruit").to_csv(source, index=False)
    capsys.readouterr()
    assert main(["predict", str(source)]) == 0
    printed = capsys.readouterr().out
    assert main(["predict", str(source), "-o", str(output)]) == 0
    assert output.read_text() == printed
    seen = pd.read_csv(trained.plots / "predictions.csv")
    assert pd.read_csv(output)["prediction"].tolist() == seen["prediction"].tolist()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("weight,colour\n1,red\n", "column 'seeds' is missing; the contract asks for it"),
        (None, "no such file"),
    ],
)
def test_predict_tells_what_it_cannot_use_in_one_line(
    trained: Project, capsys: pytest.CaptureFixture[str], content: str | None, expected: str
) -> None:
    if content is not None:
        (trained.root / "new.csv").write_text(content)
    capsys.readouterr()
    assert main(["predict", "new.csv"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: new.csv: ")
    assert expected in err
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_predict_writes_into_a_pipe_without_replacing_it(trained: Project) -> None:
    pipe = trained.root / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as executor:
        reader = executor.submit(pipe.read_text)
        assert main(["predict", str(trained.test), "-o", str(pipe)]) == 0
        assert reader.result().startswith("prediction,")
    assert pipe.is_fifo()


@pytest.mark.parametrize("content", ["[]", "{}", '{"sha256": {}}', "no json"])
def test_an_incomplete_champion_is_told(trained: Project, content: str) -> None:
    (trained.champion / "model.json").write_text(content)
    with pytest.raises(UserError, match="models/champion: not a complete saved model"):
        Model.load(trained.champion, "models/champion")


def test_an_interrupted_command_ends_quietly(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Project, "params", property(interrupt))
    assert main(["ingest"]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"
    assert not project.dataset.exists()


def test_a_damaged_champion_is_not_loaded(trained: Project) -> None:
    with (trained.champion / "pipeline.joblib").open("ab") as file:
        file.write(b"more")
    with pytest.raises(UserError, match=r"pipeline\.joblib is not the file that was saved"):
        Model.load(trained.champion, "models/champion")


def test_a_network_is_saved_as_keras_and_never_pickled(trained: Project) -> None:
    candidate = Model.load(trained.champion, "models/champion").candidate
    assert (trained.champion / "network.keras").is_file() == (candidate == "mlp")
    assert b"Sequential" not in (trained.champion / "pipeline.joblib").read_bytes()


def test_only_a_network_has_a_learning_curve(trained: Project) -> None:
    pictures = {path.name for path in trained.figures.iterdir()}
    curve = {"learning_curve_mlp.png"} if "mlp" in trained.params.train.candidates else set()
    assert pictures == curve | {
        *("calibration.png", "confusion_matrix.png", "importance.png"),
        *("precision_recall.png", "roc_curve.png", "decision_curve.png", "partial_dependence.png"),
    }


def test_figures_are_the_same_whatever_the_users_settings_of_matplotlib(trained: Project) -> None:
    before = {path.name: path.read_bytes() for path in trained.figures.iterdir()}
    with drawing(), matplotlib.rc_context({"savefig.facecolor": "red", "font.size": 30}):
        run_stage("evaluate")
    assert {path.name: path.read_bytes() for path in trained.figures.iterdir()} == before


def test_a_regression_runs_through_the_same_stages(project: Project) -> None:
    columns = CONTRACT["columns"] | {"seeds": {"type": "integer", "meaning": "seeds"}}
    contract = CONTRACT | {"target": "weight", "columns": columns}
    project.contract_file.write_text(json.dumps(contract))
    networks = {key: {"max_epochs": 3} for key in ("mlp", "wide_and_deep")}
    candidates = {key: {} for key in TABLE_CANDIDATES} | networks
    settings = {"metric": "rmse", "folds": 3, "candidates": candidates}
    write_params(project, kind="regression", train=settings)
    with drawing():
        run_stages()
    metrics = json.loads(project.metrics.read_text())
    assert metrics["intervals"]["rmse"][1] < metrics["baseline"]["intervals"]["rmse"][0]
    leaderboard = pd.read_csv(project.leaderboard)
    assert leaderboard["candidate"].tolist() == list(candidates)
    assert np.isfinite(leaderboard["r2_mean"]).all()
    intervals = metrics["prediction_intervals"]
    assert 0.7 < intervals["coverage"] <= 1
    assert intervals["interval"][0] <= intervals["coverage"] <= intervals["interval"][1]
    predictions = pd.read_csv(project.plots / "predictions.csv")
    columns = [*("prediction", "prediction_low", "prediction_high"), "actual", "row", "group"]
    assert [*predictions] == columns
    names = {path.stem for path in project.figures.iterdir()}
    assert names == {
        *("predicted_against_actual", "residuals", "prediction_intervals"),
        *("importance", "partial_dependence"),
        *("learning_curve_mlp", "learning_curve_wide_and_deep"),
    }


TABLE_CANDIDATES = ("baseline", "linear", "knn", "svm", "tree", "forest", "boosting")


@pytest.mark.parametrize(
    "candidate",
    [
        "linear",
        *(
            pytest.param(name, marks=pytest.mark.matrix)
            for name in ("knn", "svm", "tree", "forest", "boosting", "mlp", "wide_and_deep")
        ),
    ],
)
def test_every_candidate_can_be_champion_and_is_loaded_as_it_was(
    project: Project, candidate: str
) -> None:
    networks = {key: {"max_epochs": 30} for key in ("mlp", "wide_and_deep")}
    options = (networks | {"boosting": {"min_samples_leaf": 5}}).get(candidate, {})
    settings = {
        "metric": "accuracy",
        "folds": 2,
        "candidates": {"baseline": {}, candidate: options},
    }
    write_params(project, train=settings)
    run_stages()
    assert Model.load(project.champion, "models/champion").candidate == candidate
    model = {path.name: path.read_bytes() for path in project.champion.iterdir()}
    run_stage("train")
    assert {path.name: path.read_bytes() for path in project.champion.iterdir()} == model


def write_binary(project: Project, **changes: object) -> pd.DataFrame:
    """Fruit with a binary target, its farm, and when it was picked; the contract to match."""
    columns = CONTRACT["columns"] | {
        "fruit": {"type": "binary", "categories": ["apple", "melon"], "meaning": "kind"},
        "farm": {"type": "categorical", "categories": list("abcdefgh"), "meaning": "farm"},
        "picked": {"type": "datetime", "meaning": "when"},
    }
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": columns} | changes))
    raw = project.root / "data" / "raw" / "fruit.csv"
    days = pd.date_range("2026-05-01", periods=60).strftime("%Y-%m-%d")
    rows = pd.read_csv(raw).assign(farm=list("abcdefgh" * 8)[:60], picked=days)
    rows.to_csv(raw, index=False)
    candidates = {"baseline": {}, "linear": {}}
    settings = {"metric": "average_precision", "folds": 3, "candidates": candidates}
    write_params(project, train=settings)
    return rows


def test_a_binary_problem_runs_and_its_second_class_is_the_positive(project: Project) -> None:
    write_binary(project)
    settings = json.loads(project.params_file.read_text())["train"]
    settings["candidates"]["wide_and_deep"] = {"max_epochs": 3}
    write_params(project, train=settings | {"training_sizes": [0.5, 1.0]})
    run_stages()
    metrics = json.loads(project.metrics.read_text())
    predictions = pd.read_csv(project.plots / "predictions.csv")
    share = (predictions["actual"] == "melon").mean()
    assert metrics["baseline"]["average_precision"] == pytest.approx(share)
    assert metrics["average_precision"] > 0.95
    assert set(pd.read_csv(project.plots / "roc.csv")["class"]) == {"melon"}
    small, large = pd.read_csv(project.training_sizes)["rows"].unique()
    assert large == pytest.approx(len(pd.read_parquet(project.train)) * 2 / 3, abs=1)
    assert small == pytest.approx(large / 2, abs=1)
    assert (project.figures / "training_sizes.png").exists()
    assert "asks for it" not in project.report.read_text()


@pytest.mark.matrix
def test_a_threshold_is_used_wherever_it_is_decided(project: Project) -> None:
    write_binary(project)
    settings = json.loads(project.params_file.read_text())["train"]
    threshold = 0.95
    sizes = {"metric": "balanced_accuracy", "training_sizes": [1.0]}
    write_params(project, train=settings | sizes | {"decision": threshold})
    run_stages()
    predictions = pd.read_csv(project.plots / "predictions.csv")
    is_melon = predictions["probability_melon"] >= threshold
    assert 0 < is_melon.sum() < (predictions["probability_melon"] > 0.5).sum()
    assert predictions["prediction"].tolist() == np.where(is_melon, "melon", "apple").tolist()
    metrics = json.loads(project.metrics.read_text())
    assert metrics["decisions"]["threshold"] == threshold
    assert metrics["decisions"]["true_positives"] + metrics["decisions"]["false_positives"] == sum(
        is_melon
    )
    right = predictions["prediction"] == predictions["actual"]
    assert metrics["accuracy"] == pytest.approx(right.mean())
    # The last of the sizes is what the champion was compared with.
    of_sizes = pd.read_csv(project.training_sizes)["validation"].mean()
    leaderboard = pd.read_csv(project.leaderboard).set_index("candidate")
    assert of_sizes == pytest.approx(leaderboard.loc["linear", "balanced_accuracy_mean"])
    assert f"melon is predicted from a probability of {threshold:.3g} on" in " ".join(
        project.model_card.read_text().split()
    )


@pytest.mark.parametrize(("by", "column"), [("group", "farm"), ("time", "picked")])
def test_rows_are_split_by_the_column_that_the_contract_names(
    project: Project, by: str, column: str
) -> None:
    write_binary(project, **{by: column})
    write_params(project, split={"by": by, "test_fraction": 0.25}, seed=2)
    run_stages()
    parts = [pd.read_parquet(path)[column] for path in (project.train, project.test)]
    assert not {*parts[0]} & {*parts[1]}
    assert f"`{column}`" in project.model_card.read_text()


@pytest.mark.matrix
def test_test_rows_of_one_class_are_measured_by_what_is_defined(project: Project) -> None:
    rows = write_binary(project, time="picked")
    rows.loc[45:, "fruit"] = "apple"
    rows.to_csv(project.root / "data" / "raw" / "fruit.csv", index=False)
    write_params(project, split={"by": "time", "test_fraction": 0.25})
    run_stages()
    metrics = json.loads(project.metrics.read_text())
    assert metrics["roc_auc"] is None
    assert metrics["intervals"]["roc_auc"] is None
    assert 0 <= metrics["accuracy"] <= 1
    assert "| roc_auc | undefined | undefined |" in project.model_card.read_text()


@pytest.mark.matrix
def test_what_the_recipe_drops_is_no_feature(project: Project) -> None:
    settings = {"metric": "accuracy", "folds": 3, "candidates": {"baseline": {}, "linear": {}}}
    write_params(project, features={"columns": {"seeds": "drop"}}, train=settings)
    run_stages()
    importance = pd.read_csv(project.plots / "importance.csv")
    assert {*importance["feature"]} == {"weight", "colour"}
    assert "from 2 features" in project.model_card.read_text()


@pytest.mark.matrix
def test_many_classes_with_long_names_are_drawn(project: Project) -> None:
    names = [f"a fruit with quite a long name, number {number}" for number in range(25)]
    columns = CONTRACT["columns"] | {
        "fruit": {"type": "categorical", "categories": names, "meaning": "fruit"}
    }
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": columns}))
    raw = project.root / "data" / "raw" / "fruit.csv"
    rows = pd.concat([pd.read_csv(raw)] * 5, ignore_index=True)
    rows.assign(fruit=names * 12, weight=np.arange(300) % 25 * 10.0).to_csv(raw, index=False)
    write_params(project, train={"folds": 3, "candidates": {"baseline": {}, "tree": {}}})
    run_stages()
    for figure in project.figures.iterdir():
        head = figure.read_bytes()[:24]
        assert int.from_bytes(head[16:20]) < 2400, figure.name


@pytest.mark.matrix
def test_subgroups_are_told_apart(project: Project) -> None:
    write_binary(project, subgroups=["colour"])
    run_stages()
    metrics = json.loads(project.metrics.read_text())
    test = pd.read_csv(project.plots / "predictions.csv").assign(
        colour=pd.read_parquet(project.test)["colour"]
    )
    right = (test["prediction"] == test["actual"]).groupby(test["colour"]).agg(["mean", "size"])
    assert [
        (line["column"], line["value"], line["test_rows"], line["accuracy"])
        for line in metrics["subgroups"]
    ] == [("colour", colour, row["size"], row["mean"]) for colour, row in right.iterrows()]
    assert f"| colour | green | {right['size']['green']} |" in project.model_card.read_text()


@pytest.mark.matrix
def test_a_test_class_that_was_never_learnt_is_told_and_counts_as_wrong(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_binary(project, time="picked")
    fruit = CONTRACT["columns"]["fruit"] | {"categories": ["apple", "melon", "pear"]}
    content = json.loads(project.contract_file.read_text())
    content["columns"]["fruit"] = fruit
    project.contract_file.write_text(json.dumps(content))
    rows.loc[55:, "fruit"] = "pear"
    rows.to_csv(project.root / "data" / "raw" / "fruit.csv", index=False)
    write_params(project, split={"by": "time", "test_fraction": 0.25})
    run_stages()
    assert (
        "evaluate: no train row is pear, which the test rows hold; the champion never predicts it\n"
        in capsys.readouterr().err
    )
    predictions = pd.read_csv(project.plots / "predictions.csv")
    assert (predictions["probability_pear"] == 0).all()
    assert json.loads(project.metrics.read_text())["accuracy"] <= 10 / 15


@pytest.mark.matrix
def test_columns_that_say_nothing_and_more_columns_than_rows_do_no_harm(project: Project) -> None:
    rows = pd.read_csv(project.root / "data" / "raw" / "fruit.csv").head(40)
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(rng.normal(size=(40, 50)), columns=[f"noise_{i}" for i in range(50)])
    rows = rows.join(noise).assign(empty="", constant=7)
    rows.to_csv(project.root / "data" / "raw" / "fruit.csv", index=False)
    number = {"type": "numeric", "meaning": "a number", "nullable": True}
    columns = CONTRACT["columns"] | dict.fromkeys([*noise, "empty", "constant"], number)
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": columns}))
    candidates = {key: {} for key in TABLE_CANDIDATES} | {"mlp": {"max_epochs": 3}}
    write_params(project, train={"metric": "log_loss", "folds": 3, "candidates": candidates})
    run_stages()
    leaderboard = pd.read_csv(project.leaderboard).set_index("candidate")
    assert np.isfinite(leaderboard["log_loss_mean"]).all()
    assert leaderboard["accuracy_mean"].max() > 0.9
    importance = pd.read_csv(project.plots / "importance.csv").set_index("feature")["loss"]
    assert importance[["empty", "constant"]].tolist() == [0, 0]


def test_a_stage_that_fails_leaves_the_outputs_of_its_last_run(trained: Project) -> None:
    before = {path: path.read_bytes() for path in trained.root.rglob("*") if path.is_file()}
    write_params(trained, train={"metric": "accuracy", "folds": 90, "candidates": {"baseline": {}}})
    with pytest.raises(UserError, match=r"90 is more than the \d+ train rows"):
        run_stage("train")
    before.pop(trained.params_file)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.usefixtures("project")
def test_a_stage_without_its_input_names_the_command_that_makes_it() -> None:
    with pytest.raises(
        UserError, match=r"models/champion: not there yet; `dvc repro train` makes it"
    ):
        run_stage("evaluate")


def test_debug_shows_the_traceback(project: Project) -> None:
    (project.root / "data" / "raw" / "fruit.csv").unlink()
    assert main(["ingest"]) == 1
    with pytest.raises(UserError):
        main(["--debug", "ingest"])


def test_an_unknown_command_ends_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["trian"])
    assert end.value.code == 2
    assert "invalid choice: 'trian'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"log_loss": 0.001}, True),
        ({"log_loss": 0.05}, False),
        ({"r2": 0.99999, "rmse": 0.1}, True),
        ({"r2": 0.9, "rmse": 0.1}, False),
        ({"r2": None, "rmse": 0.0}, False),
    ],
)
def test_a_champion_too_good_to_be_true_is_told(metrics: dict, expected: bool) -> None:
    assert is_nearly_perfect(metrics) is expected
