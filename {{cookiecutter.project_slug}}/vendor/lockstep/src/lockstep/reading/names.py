"""What the columns of a table are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..core.errors import UserError


def name_columns(first: Sequence[str], file: str, *, header: bool) -> list[str]:
    """The names that a header gives; a column without a name is called by its place."""
    cells = [cell.strip() for cell in first] if header else [""] * len(first)
    names = [cell or f"column_{place}" for place, cell in enumerate(cells, start=1)]
    require_distinct(names, file)
    return names


def require_distinct(names: Sequence[str], file: str) -> None:
    """Check that no two columns of a file have one name."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{file}: the column name {twice!r} stands there twice; rename one")
