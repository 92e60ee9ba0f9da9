"""Writing the pages that are made into docs/, where git ignores them."""

from __future__ import annotations

from pathlib import Path

from ..config import Project
from ..reproducibility.artifacts import write_text
from . import copies, dictionary, parameters, pipeline, results

FOLDERS = ("notebooks", "decisions")


def write_pages(root: Path) -> None:
    """Make the pages of the project at `root` as it is now, and remove those that it has no more.

    One that is as it was is left alone: Sphinx reads a page anew when its file is written.
    """
    project = Project(root)
    docs = root / "docs"
    pages = {
        "data_dictionary.md": dictionary.page(project),
        "parameters.md": parameters.page(),
        "pipeline.md": pipeline.page(project),
        "results.md": results.page(project),
        **copies.notebooks(project),
        **copies.decisions(project),
    }
    for name, text in pages.items():
        path = docs / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(text, path)
    for folder in FOLDERS:
        for path in (docs / folder).iterdir():
            if f"{folder}/{path.name}" not in pages:
                path.unlink()
