"""The executed notebooks and the decisions: files of the project, taken over as pages in order."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..core.project import Project
from ..reporting.markdown import code, directive

DECISION = re.compile(r"\d{4}-.+\.md")
NO_DECISIONS = ("README.md", "template.md")
TARGET = re.compile(r"(?<=\]\()[^)\s]+")


def notebooks(project: Project) -> dict[str, str]:
    """The executed notebooks and a page that lists them, by their names below docs.

    Raises:
        UserError: One cannot be read.
    """
    names = sorted(path.name for path in project.notebooks.glob("*.ipynb"))
    executed = [name for name in names if (project.executed_notebooks / name).exists()]
    pages = {}
    for name in executed:
        notebook = _notebook(project, project.executed_notebooks / name)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = _moved("".join(cell["source"]), project, project.notebooks, names)
        pages[f"notebooks/{name}"] = json.dumps(notebook, ensure_ascii=False)
    text = "# Notebooks\n\n"
    missing = [name for name in names if name not in executed]
    if missing:
        text += f"Not run yet: {', '.join(map(code, missing))}; `make notebooks` runs them.\n\n"
    if pages:
        text += f"As `make notebooks` last ran them, from top to end.\n\n{_toctree(pages)}"
    if not names:
        text += "There are none.\n"
    return {"notebooks/index.md": text, **pages}


def decisions(project: Project) -> dict[str, str]:
    """The decisions and a page that lists them, by their names below docs.

    Raises:
        UserError: One is not named as decisions are, has no title or cannot be read.
    """
    paths = sorted(path for path in project.decisions.glob("*.md") if path.name not in NO_DECISIONS)
    names = [path.name for path in paths]
    pages = {}
    for path in paths:
        text = _decision(path, project.name(path))
        pages[f"decisions/{path.name}"] = _moved(text, project, project.decisions, names)
    text = "# Decisions\n\nWhy things are as they are, from `references/decisions/`.\n\n"
    return {"decisions/index.md": text + _toctree(pages), **pages}


def _decision(path: Path, name: str) -> str:
    if not DECISION.fullmatch(path.name):
        raise UserError(
            f"{name}: a decision is named by its number and its title, such as 0002-more-rows.md"
        )
    others = [other.name for other in path.parent.glob(f"{path.name[:4]}-*.md") if other != path]
    if others:
        raise UserError(f"{name}: {others[0]} has the same number; give one of them the next")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{name}: not UTF-8; save it as that") from error
    if not text.startswith("# "):
        raise UserError(f"{name}: its first line must be its title, such as `# 0002: more rows`")
    return text


def _notebook(project: Project, path: Path) -> dict[str, Any]:
    try:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"]
    except (ValueError, TypeError, KeyError) as error:
        name = project.name(path)
        raise UserError(f"{name}: not a notebook; `make notebooks` writes it anew") from error
    return notebook


def _moved(text: str, project: Project, home: Path, pages: Collection[str]) -> str:
    """Markdown of the folder `home` in which links to its files also lead there from docs/X/.

    Those to `pages` come along with it and are left as they are.
    """

    def follow(link: re.Match[str]) -> str:
        there = link[0] not in pages and (home / link[0]).is_file()
        return f"../../{project.name(home)}/{link[0]}" if there else link[0]

    return TARGET.sub(follow, text)


def _toctree(pages: dict[str, str]) -> str:
    names = [Path(name).stem for name in pages]
    if not names:
        return "There are none yet.\n"
    return directive("toctree", "", ":maxdepth: 1", "", *names) + "\n"
