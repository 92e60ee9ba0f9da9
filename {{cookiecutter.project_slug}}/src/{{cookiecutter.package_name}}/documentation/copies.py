"""The executed notebooks and the decisions: files of the project, taken over as pages in order."""

from __future__ import annotations

from pathlib import Path

from ..config import Project
from ..markdown import code, directive

DECISION = "[0-9][0-9][0-9][0-9]-*.md"


def notebooks(project: Project) -> dict[str, str]:
    """The executed notebooks and a page that lists them, by their names below docs."""
    sources = sorted(path.name for path in project.notebooks.glob("*.ipynb"))
    executed = [project.executed_notebooks / name for name in sources]
    missing = [path.name for path in executed if not path.exists()]
    pages = {f"notebooks/{path.name}": _text(path) for path in executed if path.exists()}
    text = "# Notebooks\n\nAs `make notebooks` last ran them, from top to end.\n\n"
    if missing:
        text += f"Not run yet: {', '.join(map(code, missing))}.\n\n"
    return {"notebooks/index.md": text + _toctree(pages), **pages}


def decisions(project: Project) -> dict[str, str]:
    """The decisions and a page that lists them, by their names below docs."""
    pages = {
        f"decisions/{path.name}": _text(path) for path in sorted(project.decisions.glob(DECISION))
    }
    text = "# Decisions\n\nWhy things are as they are, from `references/decisions/`.\n\n"
    return {"decisions/index.md": text + _toctree(pages), **pages}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _toctree(pages: dict[str, str]) -> str:
    names = [Path(name).stem for name in pages]
    if not names:
        return "There are none yet.\n"
    return directive("toctree", "", ":maxdepth: 1", "", *names) + "\n"
