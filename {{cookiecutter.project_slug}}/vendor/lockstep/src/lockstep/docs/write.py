"""Writing the pages that are made into docs/, where git ignores them."""

from __future__ import annotations

from pathlib import Path

from ..core.files import update_text, write_text
from ..core.project import Project
from . import copies, dictionary, pipeline, results

FOLDERS = ("notebooks", "decisions")
PACKAGE = Path(__file__).parents[1]


def write_pages(root: Path) -> None:
    """Make the pages of the project at `root` as it is now, and remove those that it has no more.

    One that is as it was is left alone: Sphinx reads a page anew when its file is written.
    """
    project = Project(root)
    docs = root / "docs"
    pages = {
        "data_dictionary.md": dictionary.page(project),
        "pipeline.md": pipeline.page(project),
        "results.md": results.page(project),
        **copies.notebooks(project),
        **copies.decisions(project),
    }
    for name, text in pages.items():
        update_text(text, docs / name)
    if _older(docs / "parameters.md", [*PACKAGE.rglob("*.py"), root / "uv.lock"]):
        from . import parameters  # here, for it imports scikit-learn to ask what it takes

        write_text(parameters.page(), docs / "parameters.md")
    for folder in FOLDERS:
        for path in (docs / folder).iterdir():
            if path.is_file() and f"{folder}/{path.name}" not in pages:
                path.unlink()


def _older(page: Path, sources: list[Path]) -> bool:
    """Whether one of the sources has been written after the page."""
    return not page.exists() or any(
        source.stat().st_mtime_ns > page.stat().st_mtime_ns for source in sources if source.exists()
    )
