"""Since when, as a person says it."""

from datetime import UTC, datetime, timedelta

import pytest
from lockstep.core.errors import UserError
from lockstep.core.since import parse_since


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-03", datetime(2026, 11, 3, tzinfo=UTC)),
        ("2026-11-03T14:30", datetime(2026, 11, 3, 14, 30, tzinfo=UTC)),
        ("2026-11-03T14:30+02:00", datetime(2026, 11, 3, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_in_utc_unless_it_says_otherwise(text: str, time: datetime) -> None:
    since = parse_since(text)
    # As SQLite compares it, which knows no time zones.
    assert (since.replace(tzinfo=None), since.tzinfo) == (time.replace(tzinfo=None), UTC)


def test_days_are_counted_back_from_now() -> None:
    earliest, now = parse_since("7d"), datetime.now(UTC)
    assert timedelta(days=7) <= now - earliest < timedelta(days=7, minutes=5)


@pytest.mark.parametrize(
    "text", ["yesterday", "7", "-7d", "", "99999999d", "2026-13-01", "0001-01-01T00:00+02:00"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(UserError, match=r"--since: found .*; a date such as 2026-11-03"):
        parse_since(text)
