"""The executed notebooks and the decisions: files of the project, taken over as pages in order."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path

from ..config import Project
from ..markdown import code, directive

DECISION = "[0-9][0-9][0-9][0-9]-*.md"
TARGET = re.compile(r"(?<=\]\()[^)\s]+")


def notebooks(project: Project) -> dict[str, str]:
    """The executed notebooks and a page that lists them, by their names below docs."""
    names = sorted(path.name for path in project.notebooks.glob("*.ipynb"))
    executed = [name for name in names if (project.executed_notebooks / name).exists()]
    pages = {}
    for name in executed:
        notebook = json.loads((project.executed_notebooks / name).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = _moved("".join(cell["source"]), project, project.notebooks, names)
        pages[f"notebooks/{name}"] = json.dumps(notebook, ensure_ascii=False)
    text = "# Notebooks\n\nAs `make notebooks` last ran them, from top to end.\n\n"
    missing = [name for name in names if name not in executed]
    if missing:
        text += f"Not run yet: {', '.join(map(code, missing))}.\n\n"
    return {"notebooks/index.md": text + _toctree(pages), **pages}


def decisions(project: Project) -> dict[str, str]:
    """The decisions and a page that lists them, by their names below docs."""
    names = sorted(path.name for path in project.decisions.glob(DECISION))
    pages = {}
    for name in names:
        text = (project.decisions / name).read_text(encoding="utf-8")
        pages[f"decisions/{name}"] = _moved(text, project, project.decisions, names)
    text = "# Decisions\n\nWhy things are as they are, from `references/decisions/`.\n\n"
    return {"decisions/index.md": text + _toctree(pages), **pages}


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
