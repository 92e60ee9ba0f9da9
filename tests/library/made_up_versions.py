"""A project in git whose runs were made up, and which of them are versions that stand in stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from lockstep.registry.stages import assign
from lockstep.registry.versions import Registry, read_registry
from made_up_runs import History


def make_history(top: Path, monkeypatch: pytest.MonkeyPatch, folder: str = "") -> History:
    """One whose only commit holds a run."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(top.parent / "no-config"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(top.parent / "no-config"))
    history = History(top, folder)
    history.git("config", "user.name", "Ada")
    history.git("config", "user.email", "ada@example.org")
    history.commit("first", model={"files": {"models/champion/model.json": "1" * 64}})
    monkeypatch.chdir(history.root)
    return history


def commit_other_model(history: History, digit: int, **changes: object) -> str:
    files = {"models/champion/model.json": str(digit) * 64}
    return history.commit(f"model {digit}", model={"files": files}, **changes)


def list_tags(history: History) -> list[str]:
    return history.git("tag", "--list").splitlines()


def put(history: History, version: str, stage: str, action: str = "promote") -> None:
    """Put a version into a stage without a gate."""
    registry = read_registry(history.repository)
    commit = registry.find_version(version).commit
    assign(history.repository, registry, commit, stage, {"action": action})


def read_versions(history: History) -> Registry:
    return read_registry(history.repository)


def find_present(history: History, stage: str = "production") -> str | None:
    registry = read_versions(history)
    tag = registry.find_present(stage)
    return registry.name_commit(tag.commit) if tag else None
