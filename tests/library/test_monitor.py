"""The command `monitor`, on files and requests of a project whose champion has a profile."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import enter_copy, make_fruit, make_project, write_params
from history import commit_run, run_git
from lockstep.commands.cli import main
from lockstep.core.files import sha256
from lockstep.core.project import Project
from lockstep.modeling.model import Model
from lockstep.monitoring import references
from lockstep.monitoring.batches import Subject
from lockstep.monitoring.references import References
from lockstep.serving.request_database import RequestDatabase, as_json
from wheels import train_champion


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("project"))
    train = {"metric": "log_loss", "folds": 2, "candidates": {"baseline": {}, "linear": {}}}
    write_params(project, train=train)
    make_fruit(600).to_csv(project.root / "data" / "raw" / "fruit.csv", index=False)
    return train_champion(project)


@pytest.fixture
def project(trained: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return enter_copy(trained.root, tmp_path / "project", monkeypatch)


def write_rows(project: Project, rows: pd.DataFrame) -> str:
    path = project.root / "later.csv"
    rows.to_csv(path, index=False)
    return str(path)


def read_report(project: Project) -> dict[str, Any]:
    path = project.reports / "monitoring" / "monitoring.json"
    return json.loads(path.read_text(encoding="utf-8"))


LATER = make_fruit(1400)[600:].reset_index(drop=True)
"""Rows like those that the champion has learnt from."""


def test_rows_like_before_are_fine(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", write_rows(project, LATER)]) == 0
    output = capsys.readouterr().out.splitlines()
    assert output == [
        "monitor: workspace: nothing has moved that matters, in 800 rows",
        "monitor: reports/monitoring/index.html shows it all",
    ]
    report = read_report(project)
    assert [window["name"] for window in report["versions"][0]["windows"]] == [
        *("rows 1 to 400", "rows 401 to 800")
    ]
    page = (project.reports / "monitoring" / "index.html").read_text(encoding="utf-8")
    assert "nothing has moved that matters" in page


def test_rows_that_have_moved_are_an_alarm(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = LATER.assign(weight=LATER["weight"] - 60)
    assert main(["monitor", write_rows(project, rows)]) == 1
    quality, drift, *_ = capsys.readouterr().out.splitlines()
    assert quality.startswith("monitor: workspace: log_loss turned out to be ")
    assert drift.startswith("monitor: workspace: weight: ")
    assert drift.endswith(", since rows 1 to 400")
    report = read_report(project)
    assert (report["state"], report["versions"][0]["columns"][0]["name"]) == ("alarm", "weight")


def test_of_few_rows_nobody_can_say(project: Project) -> None:
    assert main(["monitor", write_rows(project, LATER[:50])]) == 2
    assert read_report(project)["state"] == "unsure"


def test_the_same_rows_make_the_same_bytes_whatever_their_file_is_called(project: Project) -> None:
    folder, bytes_ = project.reports / "monitoring", []
    for name in ("later.csv", "other.csv"):
        (project.root / name).write_bytes(Path(write_rows(project, LATER)).read_bytes())
        main(["monitor", name])
        bytes_.append([file.read_bytes() for file in sorted(folder.iterdir())])
    assert len(bytes_[0]) == 2
    assert bytes_[0] == bytes_[1]


def test_rows_that_break_the_contract_are_counted_by_column(project: Project) -> None:
    rows = LATER.assign(weight=LATER["weight"].where(LATER.index % 5 > 0, -1.0))
    main(["monitor", write_rows(project, rows)])
    (version,) = read_report(project)["versions"]
    assert [window["refused"] for window in version["windows"]] == [80, 80]
    (weight,) = [column for column in version["columns"] if column["name"] == "weight"]
    assert [window["breaches"] for window in weight["windows"]] == [80, 80]


def test_a_column_that_no_longer_comes_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitor", write_rows(project, LATER.drop(columns="weight"))]) == 1
    assert capsys.readouterr().out.splitlines()[0] == (
        "monitor: workspace: weight: missing in every row, as if the column no longer came, "
        "since rows 1 to 400"
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["later.csv", "--since", "7d"], "--since: no column says when a row"),
        (["later.csv", "--by", "day"], "--by day: no column says when a row"),
        (["later.csv", "--requests", "x"], "--requests: either files are looked at or requests"),
        (["nothing.csv"], "nothing.csv: no such file"),
        ([], "requests.sqlite: no such file; it is made by `serve`"),
        (["--since", "soon"], "--since: found 'soon'"),
    ],
)
def test_what_cannot_be_looked_at_is_told_in_a_line(
    project: Project, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(project, LATER)
    assert main(["monitor", *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error


def test_a_column_to_ignore_that_there_is_not_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, known = write_rows(project, LATER), ["colour", "fruit", "probability_melon"]
    write_params(project, monitor={"ignore": known})
    assert main(["monitor", rows]) == 0
    write_params(project, monitor={"ignore": [*known, "weigt", "prediction"]})
    assert main(["monitor", rows]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: params.yaml: monitor.ignore: weigt: no such column; did you mean weight? allowed: "
        "weight, seeds, colour, fruit, prediction, probability_apple, probability_melon"
    ]


def keep_requests(
    project: Project, rows: pd.DataFrame, days: int, end: int = 0, **other: Any
) -> None:
    """Let the champion have answered rows, spread over so many days up to `end` days ago."""
    model = Model.load(project.champion)
    answers = model.predict(rows).drop(columns="reason").to_dict(orient="records")
    contents = json.loads(rows[model.contract.features].to_json(orient="records"))
    start = datetime.now(UTC) - timedelta(days=days + end)
    usual = {
        "model": "fruit",
        "version": "1.0.0",
        "run": sha256(project.record),
        "role": "answer",
        "status": 200,
        "row": 0,
        "seconds": 0.01,
        "outcome": None,
        "outcome_time": None,
    }
    with closing(RequestDatabase(project.root / ".serve" / "requests.sqlite")) as database:
        database.write(
            [
                {
                    **usual,
                    "request": f"request-{place}",
                    "time": start + timedelta(days=days) * (place / len(rows)),
                    "content": as_json(content),
                    "answer": as_json(answer),
                    **other,
                }
                for place, (content, answer) in enumerate(zip(contents, answers, strict=True))
            ]
        )


def test_requests_are_watched_by_day_and_by_version(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = LATER.assign(weight=LATER["weight"] - 60)
    keep_requests(project, LATER, days=4, version="1.1.0", role="shadow")
    keep_requests(project, pd.concat([LATER, moved], ignore_index=True), days=4)
    assert main(["monitor"]) == 1
    assert "weight: " in capsys.readouterr().out
    report = read_report(project)
    assert [(one["version"], one["role"], one["state"]) for one in report["versions"]] == [
        *(("1.0.0", "answer", "alarm"), ("1.1.0", "shadow", "fine"))
    ]
    assert main(["monitor", "--since", "2d", "--by", "rows"]) == 1
    (first, *_) = read_report(project)["versions"][0]["windows"]
    assert 390 <= first["rows"] <= 410


@pytest.mark.matrix
def test_what_was_retired_raises_no_alarm(project: Project) -> None:
    moved = LATER.assign(weight=LATER["weight"] - 60)
    keep_requests(project, moved, days=4, end=4)
    assert main(["monitor"]) == 1
    keep_requests(project, LATER, days=3, version="1.1.0")
    assert main(["monitor"]) == 0
    assert [one["state"] for one in read_report(project)["versions"]] == ["fine", "alarm"]


SUBJECT = Subject("fruit", "1.0.0", "", "answer")


def test_a_champion_that_was_trained_since_is_no_reference_of_the_run(project: Project) -> None:
    run = sha256(project.record)
    assert find(project, run) is not None
    file = project.champion / "model.json"
    file.write_text(file.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert find(project, run) is None


def find(project: Project, run: str) -> references.Reference | None:
    return References(project).find(SUBJECT._replace(run=run))


def test_the_reference_of_a_version_is_found_wherever_its_model_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, kept = sha256(project.record), project.root / "kept"
    assert find(project, run).profile.rows == 434
    assert find(project, "0" * 64) is None
    commit = commit_run(project)
    run_git(project.root, "tag", "champion@v1.0.0", commit, "-m", "Register champion v1.0.0")
    shutil.move(project.champion, kept)
    project.record.write_text(project.record.read_text() + " ")
    assert find(project, run) is None

    def fetch_output(_: object, revision: str, name: str, folder: Path) -> None:
        assert (revision, name) == (commit, "models/champion")
        shutil.copytree(kept, folder)

    monkeypatch.setattr(references, "fetch_output", fetch_output)
    assert find(project, run).profile.rows == 434
    monkeypatch.undo()
    package = project.root / ".serve" / "cache" / "models" / "1" / "fruit_model"
    shutil.copytree(kept, package / "champion")
    (package / "package.json").write_text(json.dumps({"run": run}))
    assert find(project, run).profile.rows == 434


def test_a_model_that_was_nowhere_is_looked_for_again_when_told_to(project: Project) -> None:
    references, kept = References(project), project.root / "kept"
    subject = SUBJECT._replace(run=sha256(project.record))
    shutil.move(project.champion, kept)
    assert references.find(subject) is None
    assert not references.look_again()
    shutil.move(kept, project.champion)
    assert references.find(subject) is None
    assert references.look_again()
    assert references.find(subject).profile.rows == 434
    assert not references.look_again(), "nothing is lacking any more"


def test_a_version_without_a_profile_is_told(project: Project) -> None:
    keep_requests(project, LATER, days=4)
    package = project.root / ".serve" / "cache" / "models" / "1" / "fruit_model"
    file = shutil.copytree(project.champion, package / "champion") / "model.json"
    (package / "package.json").write_text(json.dumps({"run": sha256(project.record)}))
    shutil.rmtree(project.champion)
    description = json.loads(file.read_text(encoding="utf-8"))
    del description["sha256"]["profile.json"]
    file.write_text(json.dumps(description), encoding="utf-8")
    assert main(["monitor"]) == 2
    report = read_report(project)
    assert report["notes"][0].startswith("1.0.0: it was trained before profiles were written")
    assert sum(window["rows"] for window in report["versions"][0]["windows"]) == 800


def test_a_profile_that_is_not_what_was_saved_is_told(project: Project) -> None:
    keep_requests(project, LATER, days=4)
    profile = project.champion / "profile.json"
    profile.write_text(profile.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert main(["monitor"]) == 2
    assert read_report(project)["notes"][0] == (
        "1.0.0: models/champion: profile.json is not the file that was saved; train again; only "
        "volume and time are shown"
    )


@pytest.mark.parametrize("has_record", [True, False])
def test_a_champion_that_no_record_tells_of_yet_is_watched(
    project: Project, has_record: bool
) -> None:
    if has_record:  # of the champion before
        record = json.loads(project.record.read_text(encoding="utf-8"))
        record["model"]["files"]["models/champion/model.json"] = "0" * 64
        project.record.write_text(json.dumps(record), encoding="utf-8")
    else:
        project.record.unlink()
    assert main(["monitor", write_rows(project, LATER)]) == 0
    assert read_report(project)["notes"] == []


@pytest.mark.parametrize("options", [[], ["--debug"]])
def test_a_crash_is_no_alarm(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("of a part")

    monkeypatch.setattr(Model, "load", crash)
    assert main([*options, "monitor", write_rows(project, LATER)]) == 2
    assert "Traceback" in (error := capsys.readouterr().err)
    assert "ZeroDivisionError: of a part" in error


def test_columns_that_the_server_does_not_keep_are_told(project: Project) -> None:
    keep_requests(project, LATER, days=4)
    write_params(project, serve={"keep": {"columns": ["weight"]}})
    assert main(["monitor"]) == 0
    assert read_report(project)["notes"] == [
        "1.0.0: the server does not keep seeds, colour, so they are not watched"
    ]


def test_what_has_moved_in_one_window_is_told_and_is_no_alarm(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = LATER.assign(weight=LATER["weight"] - 60)
    rows = pd.concat([LATER[:400], moved[:400]], ignore_index=True)
    assert main(["monitor", write_rows(project, rows.drop(columns="fruit"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    news = [line for line in lines if line.startswith("monitor: workspace: weight: ")]
    assert news
    assert all(line.endswith("; in one window so far, so it is no alarm yet") for line in news)
    assert "nothing has moved" not in "".join(lines)
