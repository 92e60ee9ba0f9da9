"""What the types of columns in SQL are in Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    import sqlalchemy

EXACT_DIGITS = 15
"""Of a decimal number that come back from the nearest float."""
WHOLE_DIGITS = 18
"""Of a whole number that fits into 64 bits."""


def choose_type(kind: sqlalchemy.types.TypeEngine[Any]) -> pa.DataType | None:
    """What the cells of a column are in Arrow; nothing where they are no cells."""
    import sqlalchemy as sql

    match kind:
        case sql.Boolean():
            return pa.bool_()
        case sql.Integer():
            return pa.int64()
        case sql.Float():
            return pa.float64()
        case sql.Numeric(precision=int(digits), scale=0) if digits <= WHOLE_DIGITS:
            return pa.int64()
        case sql.Numeric(precision=int(digits)) if digits <= EXACT_DIGITS:
            return pa.float64()
        case sql.DateTime(timezone=True):
            return pa.timestamp("us", "UTC")
        case sql.DateTime() | sql.Date():
            return pa.timestamp("us")
        case sql.Numeric() | sql.String() | sql.Uuid() | sql.Time():
            return pa.large_string()
    return None
