"""Commands that look at a model from outside work on one that forecasts: tune, predict, monitor."""

import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import enter_copy, make_project, run_stages, write_params
from lockstep.commands.predict import predict_with_champion
from lockstep.core.project import Project
from lockstep.core.table import Table
from lockstep.modeling.model import Model
from lockstep.monitoring.monitor import monitor
from lockstep.registry.later_rows import _find_learnt
from lockstep.searching.tune import tune
from made_up_series import make_sales
from test_forecast_stages import make_forecasts, with_closed_shop


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("sales")
    project = make_project(root)
    make_forecasts(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run_stages()
    return project


@pytest.fixture
def project(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return enter_copy(trained.root, tmp_path, monkeypatch)


def write_sales(days: int, factor: float = 1.0) -> str:
    """A file of later sales; from the day 150 on each second one is so many times as large."""
    sales = make_sales(days=days)
    is_late = sales["day"] >= pd.Timestamp("2025-01-01") + pd.Timedelta(days=150)
    is_odd = sales["day"].dt.day_of_year % 2 == 1
    sales.loc[is_late & is_odd, "sales"] *= factor
    with_closed_shop(sales).to_csv("later.csv", index=False)
    return "later.csv"


def test_the_champion_continues_the_series_of_the_raw_data(project: Project) -> None:
    rows = pd.read_csv(write_sales(150))
    future = rows.groupby("shop").tail(7).assign(sales=None, visitors=None)
    future["day"] = (pd.to_datetime(future["day"]) + pd.Timedelta(days=7)).astype("str")
    pd.concat([rows, future]).to_csv("sales.csv", index=False)
    predict_with_champion(Path("sales.csv"), Path("forecasts.csv"))
    forecasts = pd.read_csv(project.root / "forecasts.csv")
    assert forecasts["reason"].isna().all()
    assert forecasts.groupby("shop")["step"].apply(list).tolist() == [[*range(1, 8)]] * 4


def test_options_of_a_forecaster_are_searched(project: Project) -> None:
    space = {"autoregression": {"alpha": [0.1, 10.0]}}
    write_params(project, search={"trials": 2, "method": "grid", "space": space})
    tune([], None, dry_run=True)
    trials = pd.read_csv(project.reports / "trials.csv")
    assert {*trials["candidate"]} == {"autoregression"}
    assert trials["mase_mean"].notna().all()


@pytest.mark.parametrize(("factor", "status"), [(1.0, 0), (1.8, 1)])
def test_forecasts_that_turn_out_worse_are_an_alarm_and_time_is_none(
    factor: float, status: int, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(project, monitor={"least_rows": 50})
    assert monitor([write_sales(400, factor)], "2025-06-01", None, None) == status
    assert ("mae turned out to be" in capsys.readouterr().out) == (status == 1)
    report = json.loads((project.reports / "monitoring" / "monitoring.json").read_text())
    columns = {column["name"] for column in report["versions"][0]["columns"]}
    assert columns == {"price", "gaps", "prediction"}


def test_what_has_learnt_to_forecast_knows_all_values_up_to_a_time(project: Project) -> None:
    contract = Model.load(project.champion).contract
    train, test = (Table(path, path.name) for path in (project.train, project.test))
    has_learnt = _find_learnt(train, contract, None)  # type: ignore[arg-type]
    assert has_learnt(train.read()).all()
    assert not has_learnt(test.read()).any()
    # Another example of a time that is known, such as one from another origin.
    known = test.read().head(1).assign(day=train.read()["day"].min())
    assert has_learnt(known).all()
