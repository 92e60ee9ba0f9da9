"""DVC and GTO read the registry that is written here."""

from pathlib import Path

import gto.api
import pytest
from dvc.repo.artifacts import Artifacts
from lockstep.registry import register as registration
from lockstep.registry.register import register
from lockstep.registry.rollback import roll_back
from made_up_runs import History
from made_up_versions import commit_other_model, find_present, make_history, put, read_versions

ARTIFACTS = "artifacts:\n  champion: {path: models/champion, type: model}\n"


@pytest.fixture(params=["", "teams/fruit"])
def history(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> History:
    """Three versions, all of which went into production within a second, and the way back."""
    monkeypatch.setattr(registration, "find_disagreements", lambda *_: [])
    history = make_history(tmp_path / "top", monkeypatch, request.param)
    (history.root / "dvc.yaml").write_text(ARTIFACTS)
    (history.root / ".dvc").mkdir()
    (history.root / ".dvc" / "config").touch()
    model = history.root / "models" / "champion" / "model.json"
    model.parent.mkdir(parents=True)
    for digit in (1, 2, 3):
        model.write_text(f"model {digit}")
        commit_other_model(history, digit + 3)
        register(None)
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        put(history, version, "production")
    put(history, "v1.2.0", "staging")
    roll_back("production")
    return history


def name(history: History) -> str:
    folder = history.repository.prefix.rstrip("/")
    return f"{folder}:champion" if folder else "champion"


def test_dvc_gets_a_version_and_what_stands_in_a_stage(history: History, tmp_path: Path) -> None:
    top = history.repository.top

    def get(**choice: str) -> str:
        """What `dvc artifacts get` fetches."""
        out = tmp_path / "-".join(choice.values())
        Artifacts.get(str(top), name(history), out=str(out), **choice)
        return (out / "model.json").read_text()

    assert get(version="v1.0.0") == "model 1"
    assert get(stage="production") == "model 2"
    assert find_present(history) == "v1.1.0"


def test_gto_shows_the_same_versions_and_stages(history: History) -> None:
    top, artifact = str(history.repository.top), name(history)
    versions = {
        version["version"]: {stage["stage"] for stage in version["stages"]}
        for version in gto.api.show(top, artifact)
    }
    assert versions == {"v1.0.0": set(), "v1.1.0": {"production"}, "v1.2.0": {"staging"}}


def test_what_gto_writes_is_read_here(history: History) -> None:
    top, artifact = str(history.repository.top), name(history)
    commit = commit_other_model(history, 8)
    gto.api.register(top, artifact, commit, version="v3.0.0")
    gto.api.assign(top, artifact, "canary", version="v3.0.0")
    assert read_versions(history).versions[-1].name == "v3.0.0"
    assert find_present(history, "canary") == "v3.0.0"
    gto.api.unassign(top, artifact, version="v3.0.0", stage="canary")
    assert find_present(history, "canary") is None
    gto.api.deregister(top, artifact, version="v3.0.0")
    assert read_versions(history).versions[-1].name == "v1.2.0"
    commit_other_model(history, 9)
    register(None)
    assert read_versions(history).versions[-1].name == "v3.1.0"
