"""What the columns of a table are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..core.errors import UserError


def named(cells: Sequence[str]) -> list[str]:
    """The names of columns as a header gives them; one without a name is called by its place."""
    return [cell.strip() or f"column_{place}" for place, cell in enumerate(cells, start=1)]


def numbered(many: int) -> list[str]:
    """The names of columns of a table without a header."""
    return named([""] * many)


def require_distinct(names: Sequence[str], name: str) -> None:
    """Check that no two columns have one name.

    Raises:
        UserError: Two have.
    """
    twice = next((one for one, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{name}: the column name {twice!r} stands there twice; rename one")
