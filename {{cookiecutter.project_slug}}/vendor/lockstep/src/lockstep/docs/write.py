"""Writing the pages that are made into docs/, where git ignores them."""

from __future__ import annotations

from pathlib import Path

from ..core.files import update_text, write_text
from ..core.project import Project
from .copies import decision_pages, notebook_pages
from .dictionary import dictionary_page
from .pipeline import pipeline_page
from .results import results_page

FOLDERS = ("notebooks", "decisions")
LIBRARY = Path(__file__).parents[1]


def write_pages(root: Path) -> None:
    """Make the pages of the project at `root` as it is now, and remove those that it has no more.

    One that is as it was is left alone: Sphinx reads a page anew when its file is written.
    """
    project = Project(root)
    docs = root / "docs"
    pages = {
        "data_dictionary.md": dictionary_page(project),
        "pipeline.md": pipeline_page(project),
        "results.md": results_page(project),
        **notebook_pages(project),
        **decision_pages(project),
    }
    for name, text in pages.items():
        update_text(text, docs / name)
    sources = [*LIBRARY.rglob("*.py"), *(root / "src").rglob("*.py"), root / "uv.lock"]
    if _is_older(docs / "parameters.md", sources):
        from .parameters import parameters_page  # here, since it takes seconds to import

        write_text(parameters_page(project), docs / "parameters.md")
    for folder in FOLDERS:
        for path in (docs / folder).iterdir():
            if path.is_file() and f"{folder}/{path.name}" not in pages:
                path.unlink()


def _is_older(page: Path, sources: list[Path]) -> bool:
    """Whether one of the sources has been written after the page."""
    return not page.exists() or any(
        source.stat().st_mtime_ns > page.stat().st_mtime_ns for source in sources if source.exists()
    )
