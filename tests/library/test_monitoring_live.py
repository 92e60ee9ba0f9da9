"""The process that watches the requests beside the server, and what the server tells of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import make_project
from lockstep.core.project import Project
from lockstep.serving import monitoring_process
from lockstep.serving.errors import Busy
from lockstep.serving.monitoring_process import MonitoringProcess, Shown
from lockstep.serving.request_database import RequestDatabase
from test_monitoring_requests import line

pytestmark = pytest.mark.usefixtures("importable")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "project").mkdir()
    return make_project(tmp_path / "project")


def write(project: Project, *requests: str) -> None:
    with closing(RequestDatabase(project.root / ".serve" / "requests.sqlite")) as database:
        database.write([line(request) for request in requests])


async def wait_for(monitoring: MonitoringProcess, is_so: Callable[[dict[str, Any]], bool]) -> Shown:
    for _ in range(600):
        with suppress(Busy):
            shown = await monitoring.tell(0.1)
            if is_so(json.loads(shown.report)):
                return shown
        await asyncio.sleep(0.1)
    raise AssertionError("it is not told")


def has_rows(count: int) -> Callable[[dict[str, Any]], bool]:
    def is_so(report: dict[str, Any]) -> bool:
        windows = [window for one in report["versions"] for window in one["windows"]]
        return sum(window["rows"] for window in windows) == count

    return is_so


def read_time(shown: Shown) -> datetime:
    return datetime.fromisoformat(json.loads(shown.report)["read"])


def list_children() -> set[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    return {*map(int, children.read_text(encoding="ascii").split())}


def test_the_server_shows_what_has_come_since(project: Project) -> None:
    async def watch() -> None:
        before = list_children()
        monitoring = MonitoringProcess(project, None)
        assert monitoring.alarms == ()
        shown = await wait_for(monitoring, lambda report: "no such file" in str(report["trouble"]))
        assert b"Not all requests are read: .serve/requests.sqlite: no such file" in shown.page
        assert json.loads(shown.report)["read"] is None
        write(project, "r-1", "r-2")
        shown = await wait_for(monitoring, has_rows(2))
        shown = await wait_for(monitoring, lambda report: report["trouble"] is None)
        assert datetime.now(UTC) - read_time(shown) < timedelta(minutes=3)
        assert b'The requests were last read at <span class="brief">2' in shown.page
        assert shown.page.startswith(b"<!DOCTYPE html>")
        assert [*map(tuple, monitoring.alarms)] == [("fruit", "1.0.0", "answer", 0)]
        write(project, "r-3")
        await wait_for(monitoring, has_rows(3))
        await monitoring.stop()
        assert list_children() == before

    asyncio.run(watch())


@pytest.mark.matrix
def test_a_process_that_died_is_started_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(monitoring_process, "FIRST_PAUSE", 0.1)

    async def watch() -> None:
        before = list_children()
        monitoring = MonitoringProcess(project, None)
        await wait_for(monitoring, lambda _: True)
        (child,) = list_children() - before
        os.kill(child, signal.SIGKILL)
        write(project, "r-1")
        await wait_for(monitoring, has_rows(1))
        await monitoring.stop()

    asyncio.run(watch())
    assert "serve: the process that reads the requests has died; " in capfd.readouterr().err


FAILING = r"""
from lockstep.monitoring import live

class Failing(live.Monitor):
    def look(self):
        if hasattr(self, "report"):
            raise ValueError("on two\nlines")
        self.report = None
        return super().look()

live.Monitor, live.PAUSE = Failing, 0.1
live.main()
"""


@pytest.mark.matrix
def test_of_a_process_that_fails_the_log_and_what_is_shown_tell_in_a_line(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (project.root / "failing.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.setattr(monitoring_process, "WATCHER", "failing")
    write(project, "r-1")

    async def watch() -> Shown:
        monitoring = MonitoringProcess(project, None)
        shown = await wait_for(monitoring, lambda report: "failed" in str(report["trouble"]))
        await monitoring.stop()
        return shown

    shown = asyncio.run(watch())
    fault = "the process that reads the requests has failed: ValueError: on two lines (failing.py"
    report = json.loads(shown.report)
    assert report["trouble"].startswith(fault)
    assert "it is started again at" in report["trouble"]
    assert has_rows(1)(report), "what was known is still shown"
    assert f'<p class="note doubt" role="status">Not all requests are read: {fault}' in str(
        shown.page, "utf-8"
    )
    when = f'What is shown is of <span class="brief">{read_time(shown):%Y-%m-%d %H:%M} UTC</span>.'
    assert when in str(shown.page, "utf-8")
    assert capfd.readouterr().err.splitlines() == [f"serve: {report['trouble']}"]


def test_what_dies_again_and_again_is_started_ever_more_seldom(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(pause: float) -> None:
        pauses.append(pause)
        if len(pauses) == 9:
            raise asyncio.CancelledError

    async def follow(_: MonitoringProcess) -> str:
        return "has died"

    monkeypatch.setattr(MonitoringProcess, "_follow", follow)
    monkeypatch.setattr(monitoring_process.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(MonitoringProcess(project, None)._keep_following())
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]


def test_before_anything_is_known_people_are_told_to_come_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MonitoringProcess, "start", lambda _: None)
    monitoring = MonitoringProcess(project, None)
    with pytest.raises(Busy, match="being read"):
        asyncio.run(monitoring.tell(0.01))
    monitoring = MonitoringProcess(project, None)
    monitoring._trouble = "it has died"
    with pytest.raises(Busy, match="it has died"):
        asyncio.run(monitoring.tell(0.01))
