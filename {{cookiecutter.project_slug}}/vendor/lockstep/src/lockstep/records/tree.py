"""What files a project had at a commit."""

from __future__ import annotations

from .repository import Repository
from .run import Run


class Tree:
    """The files and folders of a project at a commit: those in git, and those that DVC keeps."""

    def __init__(self, repository: Repository, run: Run) -> None:
        assert run.commit is not None
        sha, prefix = run.commit.sha, repository.prefix
        command = ("ls-tree", "-r", "-z", "--full-tree", "--name-only", sha)
        printed = repository.git(*command, *([prefix] if prefix else []))
        names = {name.removeprefix(prefix) for name in printed.split("\0") if name}
        # DVC has a file beside each of its targets; there a folder's digest has this end.
        inputs = run.record["inputs"]
        targets = [name for name in inputs if f"{name}.dvc" in names]
        texts = repository.read_many([(sha, f"{name}.dvc") for name in targets])
        folders = {
            name for name, text in zip(targets, texts, strict=True) if b".dir" in (text or b"")
        }
        parts = {name for name in inputs if any(f"{above}.dvc" in names for above in _climb(name))}
        files = {*names, *targets, *parts, *run.record["outputs"]} - folders
        self.folders = folders | {above for name in files for above in _climb(name)}
        self.files = files - self.folders

    def __contains__(self, name: str) -> bool:
        return name in self.files or name in self.folders


def _climb(name: str) -> list[str]:
    """The folders that a file is in."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]
