"""What the columns of a table are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..core.errors import UserError


def name_columns(header: Sequence[str]) -> list[str]:
    """The names that a header gives; a column without a name is called by its place."""
    return [cell.strip() or f"column_{place}" for place, cell in enumerate(header, start=1)]


def number_columns(count: int) -> list[str]:
    """The names of so many columns without a header."""
    return name_columns([""] * count)


def require_distinct(names: Sequence[str], name: str) -> None:
    """Check that no two columns of the file `name` have one name.

    Raises:
        UserError: Two have.
    """
    twice = next((column for column, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{name}: the column name {twice!r} stands there twice; rename one")
