"""The process that watches the requests beside the server, and what the server tells of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import closing, suppress
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
            shown = await monitoring.tell()
            if is_so(json.loads(shown.report)):
                return shown
        await asyncio.sleep(0.1)
    raise AssertionError("it is not told")


def has_rows(count: int) -> Callable[[dict[str, Any]], bool]:
    def is_so(report: dict[str, Any]) -> bool:
        windows = [window for one in report["versions"] for window in one["windows"]]
        return sum(window["rows"] for window in windows) == count

    return is_so


def list_children() -> set[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    return {*map(int, children.read_text(encoding="ascii").split())}


def test_the_server_shows_what_has_come_since(project: Project) -> None:
    async def watch() -> None:
        before = list_children()
        monitoring = MonitoringProcess(project, None)
        assert monitoring.alarms == ()
        shown = await wait_for(monitoring, lambda report: "no such file" in str(report["notes"]))
        assert b"no such file" in shown.page
        write(project, "r-1", "r-2")
        shown = await wait_for(monitoring, has_rows(2))
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
    monkeypatch.setattr(monitoring_process, "SECONDS_TO_MEND", 0.0)

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
    assert "serve: what watches the requests has died" in capfd.readouterr().err


def test_before_anything_is_known_people_are_told_to_come_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring_process, "SECONDS_TO_TELL", 0.01)
    monkeypatch.setattr(MonitoringProcess, "start", lambda _: None)
    with pytest.raises(Busy, match="being read"):
        asyncio.run(MonitoringProcess(project, None).tell())
