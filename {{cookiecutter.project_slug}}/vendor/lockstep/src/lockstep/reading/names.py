"""What the columns of a table are called."""

from __future__ import annotations

from collections.abc import Sequence

from ..data.conformity import require_distinct


def name_columns(first: Sequence[str], file: str, *, header: bool) -> list[str]:
    """The names that a header gives; a column without a name is called by its place."""
    cells = [cell.strip() for cell in first] if header else [""] * len(first)
    names = [cell or f"column_{place}" for place, cell in enumerate(cells, start=1)]
    require_distinct(names, file)
    return names
