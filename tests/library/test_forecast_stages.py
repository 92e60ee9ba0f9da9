"""The stages on series: from raw rows to the report of the forecasts."""

import json
from contextlib import chdir
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS, drawing, make_project, run_stages, write_params
from lockstep.core.project import Project
from lockstep.data.row_names import name_rows
from lockstep.modeling.model import Model
from lockstep.records.form import find_flaw
from lockstep.reporting.dependence import partial_dependence
from made_up_series import CONTRACT, make_sales

CANDIDATES = {"baseline": {}, "naive": {}, "autoregression": {}}


def with_closed_shop(sales: pd.DataFrame) -> pd.DataFrame:
    """Those, and as many rows of a shop as the first one has, which sells nothing."""
    constant = sales[sales["shop"] == "shop 1"].assign(shop="closed", sales=0)
    return pd.concat([sales, constant])


def make_forecasts(project: Project) -> None:
    """Let the project be one of made-up sales, of which one shop's never change."""
    raw = project.root / PARAMS["data"]["raw"]
    with_closed_shop(make_sales(days=150)).to_csv(raw, index=False)
    project.contract_file.write_text(json.dumps(CONTRACT))
    train = {"folds": 3, "candidates": CANDIDATES, "training_sizes": [0.5, 1.0]}
    split = {"by": "time", "test_fraction": 0.2}
    write_params(project, kind="forecasting", split=split, train=train)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("sales")
    project = make_project(root)
    make_forecasts(project)
    with chdir(root), drawing():
        run_stages()
    return project


def test_metrics_are_those_of_forecasts(evaluated: Project) -> None:
    metrics = json.loads(evaluated.metrics.read_text())
    names = ["mase", "rmsse", "wape", "pinball", "mae", "rmse"]
    for scores in (metrics, metrics["baseline"]):
        assert [*scores["intervals"]] == names
        assert all(low <= scores[name] <= high for name, (low, high) in scores["intervals"].items())
    assert metrics["mase"] < 0.7 * metrics["baseline"]["mase"]
    table = pd.read_csv(evaluated.plots / "predictions.csv")
    errors = (table["actual"] - table["prediction"]).abs()
    assert metrics["mase"] == pytest.approx((errors / table["scale"]).mean())
    assert metrics["unscaled_rows"] == table["scale"].isna().sum() > 0
    is_held = table["actual"].between(table["prediction_low"], table["prediction_high"])
    by_step = metrics["prediction_intervals"]["by_step"]
    assert [line["coverage"] for line in by_step] == pytest.approx(
        is_held.groupby(table["step"]).mean().tolist()
    )
    assert [line["step"] for line in by_step] == [*range(1, 8)]


def test_validation_tells_of_the_same_metrics(evaluated: Project) -> None:
    leaderboard = pd.read_csv(evaluated.leaderboard).set_index("candidate")
    assert [*leaderboard.index] == [*CANDIDATES]
    assert leaderboard["champion"].idxmax() == "autoregression"
    assert leaderboard["mase_mean"].idxmin() == "autoregression"
    assert leaderboard[["pinball_mean", "rmsse_mean", "wape_mean"]].notna().all(axis=None)
    sizes = pd.read_csv(evaluated.training_sizes)
    assert sizes["validation"].between(0, 2).all()


def test_the_report_has_the_figures_of_forecasts(evaluated: Project) -> None:
    shown = {path.stem for path in evaluated.figures.glob("*.png")}
    assert shown == {
        *("forecasts", "error_by_step", "error_by_series", "seasons", "coverage_by_step"),
        *("predicted_against_actual", "residuals", "importance", "partial_dependence"),
        "training_sizes",
    }
    page, card = evaluated.report.read_text(), evaluated.model_card.read_text()
    for text in (page, card):
        assert "28 values of its series and those of 1 other column and 1 column known" in text
        assert " forecasts from " in text
        assert "1 to 7 steps of 1 day ahead" in text
        assert "count neither in mase nor in rmsse and pinball" in text
    assert page.count("<figure>") == len(shown)
    assert {*pd.read_csv(evaluated.plots / "slices.csv")["column"]} == {"day", "price", "step"}
    assert find_flaw(json.loads(evaluated.record.read_text())) is None


def test_importance_and_dependence_are_of_what_a_forecast_is_made_from(evaluated: Project) -> None:
    losses = pd.read_csv(evaluated.plots / "importance.csv").set_index("feature")["loss"]
    assert {*losses.index} == {"past", "step", "price", "day"}
    assert losses[["past", "price"]].min() > 0
    dependence = pd.read_csv(evaluated.plots / "partial_dependence.csv")
    assert {*dependence["feature"]} == {"price"}  # whose value goes with any past
    model = Model.load(evaluated.champion)
    rows = evaluated.table(evaluated.test).read()
    price = partial_dependence(model, rows, ["price"], seed=0).set_index("value")["prediction"]
    assert price[0.8] > price[1.0]


def test_a_row_of_the_test_is_known_by_its_series_its_time_and_its_step(evaluated: Project) -> None:
    test, contract = evaluated.table(evaluated.test).read(), evaluated.examples
    names = name_rows(test, contract)
    assert names["id"].is_unique
    corrected = name_rows(test.assign(sales=0.0, past=b"", price=3.0), contract)
    assert (corrected["id"] == names["id"]).all()
    assert not (corrected["row"] == names["row"]).any()


@pytest.mark.matrix
def test_the_same_rows_give_the_same_bytes(evaluated: Project, project: Project) -> None:
    make_forecasts(project)
    run_stages()

    def digest(one: Project) -> dict[str, str]:
        files = [path for path in one.root.rglob("*") if path.is_file()]
        return {one.name(path): sha256(path.read_bytes()).hexdigest() for path in files}

    assert digest(project) == digest(evaluated)


@pytest.mark.matrix
def test_without_enough_validation_rows_there_are_no_intervals(project: Project) -> None:
    make_forecasts(project)
    settings = json.loads(project.params_file.read_text())["train"]
    write_params(project, train=settings | {"coverage": 0.99999, "candidates": {"baseline": {}}})
    run_stages()
    metrics = json.loads(project.metrics.read_text())
    assert "prediction_intervals" not in metrics
    assert metrics["pinball"] is None
    assert not np.isnan(metrics["mase"])
    assert "There were too few validation rows for intervals" in project.model_card.read_text()
    assert not (project.figures / "coverage_by_step.png").exists()
    assert (project.figures / "forecasts.png").exists()


@pytest.mark.matrix
def test_a_forecast_of_one_step_has_no_figures_by_step(project: Project) -> None:
    make_forecasts(project)
    changes = {"horizon": 1, "season": 1}
    project.contract_file.write_text(json.dumps(CONTRACT | changes))
    settings = json.loads(project.params_file.read_text())["train"]
    write_params(project, train=settings | {"candidates": {"baseline": {}}})
    run_stages()
    shown = {path.stem for path in project.figures.glob("*.png")}
    assert {"forecasts", "error_by_series"} < shown
    assert not shown & {"error_by_step", "coverage_by_step", "seasons"}
    assert "a forecast of 1 step of 1 day ahead" in project.model_card.read_text()
