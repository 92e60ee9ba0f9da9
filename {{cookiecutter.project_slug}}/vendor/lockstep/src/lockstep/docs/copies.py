"""The executed notebooks and the decisions: files of the project that become pages, in order."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path

from ..core.errors import UserError
from ..core.paths import Paths
from ..reporting.markdown import code, directive

DECISION = re.compile(r"\d{4}-.+\.md")
NO_DECISIONS = ("README.md", "template.md")
LINK_TARGET = re.compile(r"(?<=\]\()[^)\s]+")


def notebook_pages(paths: Paths) -> dict[str, str]:
    """The executed notebooks and a page that lists them, by their names below docs."""
    names = sorted(path.name for path in paths.notebooks.glob("*.ipynb"))
    available = [name for name in names if (paths.executed_notebooks / name).exists()]
    pages = {}
    for name in available:
        path = paths.executed_notebooks / name
        try:
            notebook = json.loads(path.read_text(encoding="utf-8"))
            cells = notebook["cells"]
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"{paths.name(path)}: not a notebook; `make notebooks` writes it anew"
            ) from error
        for cell in cells:
            if cell["cell_type"] == "markdown":
                cell["source"] = _move_links("".join(cell["source"]), paths, paths.notebooks, names)
        pages[f"notebooks/{name}"] = json.dumps(notebook, ensure_ascii=False)
    text = "# Notebooks\n\n"
    if waiting := [code(name) for name in names if name not in available]:
        text += f"Not run yet: {', '.join(waiting)}; `make notebooks` runs them.\n\n"
    if pages:
        text += f"As `make notebooks` last ran them, from top to end.\n\n{_toctree(available)}"
    if not names:
        text += "There are none.\n"
    return {"notebooks/index.md": text, **pages}


def decision_pages(paths: Paths) -> dict[str, str]:
    """The decisions and a page that lists them, by their names below docs."""
    files = sorted(path for path in paths.decisions.glob("*.md") if path.name not in NO_DECISIONS)
    names = [path.name for path in files]
    pages = {}
    for path in files:
        text = _read_decision(path, paths.name(path))
        pages[f"decisions/{path.name}"] = _move_links(text, paths, paths.decisions, names)
    text = "# Decisions\n\nWhy things are as they are, from `references/decisions/`.\n\n"
    return {
        "decisions/index.md": text + (_toctree(names) if names else "There are none yet.\n"),
        **pages,
    }


def _read_decision(path: Path, name: str) -> str:
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


def _move_links(text: str, paths: Paths, home: Path, pages: Collection[str]) -> str:
    """Markdown of the folder `home` in which links to its files also lead there from docs/X/.

    Those to `pages` come along with it and are left as they are.
    """

    def follow(link: re.Match[str]) -> str:
        is_elsewhere = link[0] not in pages and (home / link[0]).is_file()
        return f"../../{paths.name(home)}/{link[0]}" if is_elsewhere else link[0]

    return LINK_TARGET.sub(follow, text)


def _toctree(names: list[str]) -> str:
    return directive("toctree", "", ":maxdepth: 1", "", *(Path(name).stem for name in names)) + "\n"
