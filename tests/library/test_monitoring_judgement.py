"""What is thought of versions from window to window: who answers still, and what stands."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from lockstep.core.params import MonitorParams
from lockstep.modeling.row_blocks import Blocks
from lockstep.monitoring.batches import Batch
from lockstep.monitoring.judgement import Judgement, judge
from lockstep.monitoring.page import render_page
from lockstep.monitoring.references import Reference
from lockstep.monitoring.report import make_report
from lockstep.monitoring.watch import Watch
from lockstep.monitoring.windows import By
from made_up_batches import FIRST, SUBJECT, make_batch, make_profile
from test_monitoring_requests import MadeUpReferences

DAY = np.timedelta64(1, "D")
MOVED = {"weight": -60.0}


class Nothing:
    """A gauge that measures nothing."""

    primary = "log_loss"
    project = Namespace(title="fruit")

    def find_metrics(self, _: Sequence[str]) -> dict[str, Any]:
        return {}

    def measure(self, *_: Any) -> None:
        return None


def make_day(day: int, rows: int = 400, *, version: str = "1.0.0", **shifts: float) -> Batch:
    """The rows of a day, of which some columns are shifted."""
    batch = make_batch(rows, first=400 * day)
    X = batch.X.assign(**{name: batch.X[name] + shift for name, shift in shifts.items()})
    subject = SUBJECT._replace(version=version, run=version * 10)
    return batch._replace(times=batch.times + day * DAY, X=X, subject=subject)


def watch(*batches: Batch, by: By = "day") -> Watch:
    watched = Watch(MadeUpReferences(), by)
    for batch in batches:
        watched.add(batch)
    return watched


def look(
    *batches: Batch, stages: Mapping[str, Sequence[str]] | None = None, by: By = "day"
) -> list[Judgement]:
    return judge(watch(*batches, by=by), MonitorParams(), stages or {}, Nothing())


def tell(*batches: Batch, by: By = "day", **settings: Any) -> dict[str, Any]:
    options = {"source": "requests", "since": None, "stages": {}, "gauge": Nothing()}
    return make_report(watch(*batches, by=by), MonitorParams(**settings), **options)


def list_current(judgements: Sequence[Judgement]) -> dict[str, bool]:
    return {one.subject.version: one.is_current for one in judgements}


CHAMPION = [make_day(day, **MOVED) for day in range(3)]


def test_a_stray_row_of_another_version_retires_nothing() -> None:
    stray = make_day(2, 1, version="0.0.9")
    assert list_current(look(*CHAMPION, stray._replace(times=CHAMPION[-1].times[-1:] + 1))) == {
        "1.0.0": True,
        "0.0.9": True,
    }
    report = tell(*CHAMPION, make_day(3, 1, version="0.0.9"))  # just after midnight
    assert [one["is_current"] for one in report["versions"]] == [True, True]
    assert report["state"] == "alarm"


def test_whom_another_has_followed_for_enough_rows_is_retired_unless_a_stage_has_it() -> None:
    few = [make_day(day, 40, version="1.1.0") for day in (3, 4, 5)]
    assert list_current(look(*CHAMPION, *few[:2])) == {"1.1.0": True, "1.0.0": True}
    assert list_current(look(*CHAMPION, *few)) == {"1.1.0": True, "1.0.0": False}
    stages = {"1.0.0": ["production"]}
    assert list_current(look(*CHAMPION, *few, stages=stages)) == {"1.1.0": True, "1.0.0": True}
    by_rows = [make_day(3, 150, version="1.1.0")]
    assert list_current(look(*CHAMPION, *by_rows, by="rows")) == {"1.1.0": True, "1.0.0": False}


def test_versions_that_answer_on_the_same_day_are_both_current() -> None:
    morning = make_day(2)
    evening = make_day(2, version="1.1.0")
    half = np.arange(200)
    judgements = look(morning.take(half), evening.take(half + 200))
    assert list_current(judgements) == {"1.0.0": True, "1.1.0": True}


def test_a_shadow_retires_nobody() -> None:
    shadow = make_day(3, version="1.1.0")
    shadow = shadow._replace(subject=shadow.subject._replace(role="shadow"))
    assert list_current(look(*CHAMPION, shadow)) == {"1.0.0": True, "1.1.0": True}


def refuse(batch: Batch, rows: int) -> Batch:
    """The last so many rows of a batch get no prediction."""
    status = np.where(np.arange(batch.rows) < batch.rows - rows, 200, 422)
    predictions = batch.predictions.where(pd.Series(status == 200), axis=0)
    return batch._replace(status=status, predictions=predictions)


def test_an_alarm_of_scores_stands_where_the_last_window_has_few_of_them() -> None:
    days = [make_day(day) for day in range(3)]
    days = [day._replace(predictions=day.predictions + 10) for day in days]
    assert [one.column for one in look(*days)[0].alarms] == ["prediction"]
    report = tell(*days[:2], refuse(days[2], 350))
    assert report["state"] == "alarm"
    (version,) = report["versions"]
    states = {one["name"]: one["state"] for one in version["columns"]}
    assert (states["prediction"], states["weight"]) == ("alarm", "fine")


def test_what_was_new_once_and_comes_again_is_told_since_it_came_again() -> None:
    days = [make_day(day) for day in range(6)]
    new = {"colour": np.where(np.arange(400) % 4, days[0].X["colour"], "mauve")}
    for day in (1, 4, 5):
        days[day] = days[day]._replace(X=days[day].X.assign(**new))
    report = tell(*days)
    (line,) = [line for line in report["lines"] if "mauve" in line]
    assert line.endswith(f"since {(FIRST + 4 * DAY).astype('datetime64[D]')}")


def test_windows_that_cannot_be_judged_say_nothing_of_when_it_began() -> None:
    for between, since in ((make_day(3, 40), 0), (make_day(3), 4)):
        report = tell(*CHAMPION, between, *[make_day(day, **MOVED) for day in (4, 5)])
        start = str((FIRST + since * DAY).astype("datetime64[D]"))
        columns = {one["name"]: one for one in report["versions"][0]["columns"]}
        assert (columns["weight"]["since"], columns["seeds"]["since"]) == (start, None)
        assert report["alarm_since"] == start
        lines = [one for one in report["lines"] if "weight" in one]
        assert {line.rpartition("since ")[2] for line in lines} == {start}


def test_what_stands_longest_is_told_however_windows_are_called() -> None:
    days = [make_day(day, 1000, **(MOVED if day > 1 else {})) for day in range(13)]
    days[10:] = [day._replace(predictions=day.predictions + 10) for day in days[10:]]
    report = tell(*days, by="rows")
    assert {one["name"]: one["since"] for one in report["versions"][0]["columns"]} == {
        "weight": "rows 2,001 to 3,000",
        "prediction": "rows 10,001 to 11,000",
        "seeds": None,
        "colour": None,
    }
    assert report["alarm_since"] == "rows 2,001 to 3,000"
    assert "An alarm stands since <span" in render_page(report, live=False)


def test_an_alarm_of_rows_that_are_refused_ends_when_no_more_are() -> None:
    days = [make_day(day) for day in range(4)]
    refused = [refuse(day, rows) for day, rows in zip(days, (400, 20, 0, 0), strict=True)]
    (judgement,) = look(*refused[:2])
    assert [one.text for one in judgement.alarms] == [
        "5.0% of the rows are refused, none in training"
    ]
    assert [slot.find_state() for slot in judgement.slots] == ["moved", "alarm"]
    assert look(*refused)[0].alarms == []


def test_that_no_row_is_refused_does_not_make_a_window_fine() -> None:
    watched = watch()
    contract, profile, *_ = watched.references.find(SUBJECT)
    tables = {name: np.ones((9, scale.size + 1), int) for name, scale in profile.scales.items()}
    profile = make_profile(blocks=Blocks("group", tables))
    watched.references.reference = Reference(contract, profile)
    watched.add(make_day(0)._replace(groups=np.repeat(["ann", "ben"], 200).astype("object")))
    (judgement,) = judge(watched, MonitorParams(), {}, Nothing())
    findings = chain.from_iterable(judgement.slots[0].findings.values())
    assert {one.state for one in findings} == {"too few", "fine"}
    assert (judgement.slots[0].find_state(), judgement.state) == ("too few", "unsure")


def test_of_few_rows_is_told_how_many_are_asked_for() -> None:
    assert tell(make_day(0, 1))["lines"] == [
        "1.0.0: nobody can say yet, of 1 row: "
        "no window has the 100 that monitor.least_rows asks for"
    ]
    watched = watch(make_day(0))
    watched.references.reference = None
    options = {"source": "requests", "since": None, "stages": {}, "gauge": Nothing()}
    assert make_report(watched, MonitorParams(), **options)["lines"] == [
        "1.0.0: nobody can say, since there is nothing to hold its 400 rows against"
    ]


def test_without_rows_the_page_names_the_project_all_the_same() -> None:
    report = tell()
    assert (report["model"], report["lines"]) == ("fruit", ["no rows came"])
    assert "<h1>fruit, watched</h1>" in render_page(report, live=False)


def test_what_has_moved_once_is_the_headline_though_it_is_no_alarm() -> None:
    report = tell(make_day(0), make_day(1, **MOVED))
    assert report["state"] == "fine"
    page = render_page(report, live=False)
    assert '<p class="said">Something moved, once so far</p>' in page
    page = render_page(tell(make_day(0), make_day(1)), live=False)
    assert '<p class="said">All is well</p>' in page


def test_a_column_that_may_move_is_called_ignored() -> None:
    report = tell(*CHAMPION, ignore=("weight", "prediction"))
    states = {one["name"]: one["state"] for one in report["versions"][0]["columns"]}
    assert states == dict.fromkeys(("seeds", "colour"), "fine") | dict.fromkeys(
        ("weight", "prediction"), "ignored"
    )
    assert '<span class="state ignored">ignored</span>' in render_page(report, live=False)
