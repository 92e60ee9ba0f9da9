"""Writing the pages that are made into docs/, where git ignores them."""

from __future__ import annotations

from pathlib import Path

from ..core.files import update_text, write_text
from ..core.project import Project
from .copies import decision_pages, notebook_pages
from .dictionary import dictionary_page
from .history import history_page
from .pipeline import pipeline_page
from .results import results_page

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
        "history.md": history_page(project),
        **notebook_pages(project),
        **decision_pages(project),
    }
    for name, text in pages.items():
        update_text(text, docs / name)
    parameters = docs / "parameters.md"
    sources = [*LIBRARY.rglob("*.py"), *(root / "src").rglob("*.py"), root / "uv.lock"]
    newest = max(source.stat().st_mtime_ns for source in sources if source.exists())
    if not parameters.exists() or parameters.stat().st_mtime_ns < newest:
        from .parameters import parameters_page  # here, since it takes seconds to import

        write_text(parameters_page(project), parameters)
    for folder in ("notebooks", "decisions"):
        for path in (docs / folder).iterdir():
            if path.is_file() and f"{folder}/{path.name}" not in pages:
                path.unlink()
