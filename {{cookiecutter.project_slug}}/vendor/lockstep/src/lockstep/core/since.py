"""Since when, as a person says it on the command line."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from .errors import UserError

DAYS = re.compile(r"(\d{1,5})d")


def parse_since(text: str) -> datetime:
    """The time in UTC that `2026-11-03`, `2026-11-03T14:00` or `7d`, seven days ago, says.

    One without a time zone is in UTC already, as the times of requests are.

    Raises:
        UserError: It says none.
    """
    if days := DAYS.fullmatch(text):
        return datetime.now(UTC) - timedelta(days=int(days[1]))
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UserError(
            f"--since: found {text!r}; a date such as 2026-11-03 was expected, or days such as 7d"
        ) from error
