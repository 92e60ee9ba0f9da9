"""The whole way round: what moved is told, learnt, promoted, and quiet again.

The server's processes are left out here, as is what rebuilds a commit; `tests/test_watching.py` has
them, in a generated project.
"""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_project, run_stages, write_params
from history import commit_run, write_pipeline
from lockstep.commands import cli
from lockstep.core.files import sha256, write_json
from lockstep.core.project import Project
from lockstep.modeling.model import Model
from lockstep.records.repository import Repository
from lockstep.registry import gate, later_rows
from lockstep.serving.entries import make_entries
from lockstep.serving.messages import Reply
from lockstep.serving.request_database import FILE, RequestDatabase, as_json
from lockstep.standalone.answers import Answerer, Query

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
FIRST_DAY = NOON - timedelta(days=9)
DAY = timedelta(days=1)
FINE = (
    "monitor: {}: nothing has moved that matters, in {} rows\n"
    "monitor: reports/monitoring/index.html shows it all\n"
)
CONTRACT = {
    "title": "Made-up customers",
    "source": "a seeded generator",
    "licence": "none",
    "target": "churned",
    "columns": {
        "age": {"type": "numeric", "unit": "years", "range": [0, 120], "meaning": "age"},
        "visits": {"type": "integer", "range": [0, None], "meaning": "visits", "nullable": True},
        "churned": {"type": "binary", "categories": ["no", "yes"], "meaning": "who left"},
    },
}


def make_people(rows: int, age: float, seed: int) -> pd.DataFrame:
    """The young leave, and the old; those between stay."""
    rng = np.random.default_rng(seed)
    ages = rng.normal(age, 5, rows).clip(18, 100).round(1)
    chance = 1 / (1 + np.exp(ages - 37)) + 1 / (1 + np.exp(52 - ages))
    return pd.DataFrame(
        {
            "age": ages,
            "visits": rng.integers(0, 30, rows),
            "churned": np.where(rng.random(rows) < chance, "yes", "no"),
        }
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in git that has learnt from the young."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path.parent / "no-config"))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    monkeypatch.chdir(tmp_path)
    project = make_project(tmp_path)
    write_json(CONTRACT, project.contract_file)
    write_pipeline(project)
    train = {
        "metric": "log_loss",
        "folds": 2,
        "candidates": {"baseline": {}, "tree": {"min_samples_leaf": 20}},
    }
    write_params(project, data={"raw": "data/raw", "max_rejected": 0}, train=train)
    (project.raw / "fruit.csv").unlink()
    make_people(500, 38, seed=0).to_csv(project.raw / "customers.csv", index=False)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    return project


def register(project: Project, folder: Path) -> None:
    """Run the stages, commit what they wrote, keep it as DVC would, and give it a version."""
    run_stages()
    commit = commit_run(project)
    for path in (project.champion, project.train, project.test):
        copy = folder / commit / project.name(path)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, make_parent(copy))
    assert cli.main(["register"]) == 0


def make_parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def ask(project: Project, version: str, people: pd.DataFrame, day: int) -> str:
    """Have the champion answer on a day, and keep it as the server does; the request's id."""
    request, time = f"of day {day}", FIRST_DAY + day * DAY
    rows = people.drop(columns="churned").to_dict("records")
    columns = [*CONTRACT["columns"]]
    model = Model.load(project.champion)
    (raw,) = Answerer(model, resize=False).answer([Query("rows", rows, b"")], columns, len(rows))
    run = sha256(project.record)
    reply = Reply(project.title, version, run, raw["answers"], raw["rows"], 0.02)
    lines = [entry._asdict() for entry in make_entries(request, time, reply, "answer")]
    kept = [line | {name: as_json(line[name]) for name in ("content", "answer")} for line in lines]
    database = RequestDatabase(project.root / FILE)
    database.write(kept)
    database.close()
    return request


def tell_outcomes(project: Project, request: str, people: pd.DataFrame) -> None:
    """Tell the server, a day after the last request, what became true."""
    database = RequestDatabase(project.root / FILE)
    outcomes = [(request, row, outcome) for row, outcome in enumerate(people["churned"])]
    database.add_outcomes(outcomes, FIRST_DAY + 5 * DAY)
    database.close()


@pytest.mark.matrix
def test_what_moved_is_told_learnt_promoted_and_quiet_again(
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = tmp_path_factory.mktemp("kept")

    def fetch_output(_: Repository, commit: str, name: str, to: Path) -> None:
        source = kept / commit / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, to)

    monkeypatch.setattr(gate, "require_verified", lambda *_: None)
    monkeypatch.setattr(later_rows, "fetch_output", fetch_output)

    def say(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = cli.main(arguments)
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    register(project, kept)
    status, printed = say("promote", "v1.0.0", "--to", "production")
    assert status == 0, printed
    # Those who come are like those who were learnt from, and then older.
    asked = {}
    for day, age in enumerate((38, 38, 46, 46)):
        people = make_people(1000 if age > 40 else 300, age, seed=day + 1)
        asked[ask(project, "1.0.0", people, day)] = people
        if day == 1:
            assert say("monitor") == (0, FINE.format("1.0.0", "600"))
    status, printed = say("monitor")
    assert status == 1
    assert "monitor: 1.0.0: age: " in printed
    for request, people in asked.items():
        tell_outcomes(project, request, people)
    status, printed = say("use", "--from-requests")
    assert (status, "use: 2,600 rows, with outcomes" in printed) == (0, True)
    register(project, kept)
    status, printed = say("promote", "v1.1.0", "--to", "production")
    assert (status, " of which the present model never saw" in printed) == (0, True), printed
    # Some are young, as of those who have been learnt from by now.
    for day in (4, 5):
        people = pd.concat([make_people(165, 38, seed=day), make_people(300, 46, seed=day)])
        ask(project, "1.1.0", people, day)
    status, printed = say("monitor")
    assert (status, printed.splitlines()[0]) == (0, FINE.format("1.1.0", "930").splitlines()[0])
