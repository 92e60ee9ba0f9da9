"""Which columns have moved, by a rule that is to deserve belief.

A column has moved in a window if chance alone would hardly make it differ as much, all that is
shown considered, *and* it differs by enough to matter. Where that is so twice running, it is an
alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from scipy.stats import false_discovery_control

from ..core.params import MonitorParams
from ..modeling.profile import Profile
from .checks import Check, Trace, What, check_column, check_refusals, count_blocks
from .permutation import FEWEST_BLOCKS
from .windows import Window

LEVEL = 0.01
"""At most this share of what is said to have moved has not. All windows are held against the same
train rows, whose chance moves them together, so that it is smaller than the usual twentieth."""
State = Literal["fine", "moved", "alarm", "too few"]


class Finding(NamedTuple):
    """What was looked at of a column in a window, and what came of it."""

    column: str
    """Empty of whole rows."""
    window: int
    """Its place."""
    what: What
    effect: float | None
    """How far it is from training, in standard deviations; None of too few rows."""
    floor: float
    """From which on that matters."""
    p_value: float | None
    """How likely chance makes as much; None where there is nothing that chance could make."""
    q_value: float | None
    """The same for all that is shown (Benjamini and Hochberg, 1995)."""
    state: State
    text: str


def find_drift(
    profile: Profile, windows: Sequence[Window], settings: MonitorParams
) -> list[Finding]:
    """What has moved in the windows of a version.

    Args:
        profile: What the version was trained on.
        windows: In their order.
        settings: The section `monitor` of params.yaml.
    """
    findings: list[Finding] = []
    checks: list[Check] = []
    for name in profile.scales:
        if name in settings.ignore:
            continue
        counted = {place: one for place, one in enumerate(windows) if name in one.tallies}
        for place, window in counted.items():
            if reason := _find_lack(name, profile, window, settings.least_rows):
                findings.append(_make_lack(name, place, reason, settings.floor))
        enough = {
            place: one
            for place, one in counted.items()
            if one.tallies[name].rows >= settings.least_rows
        }
        checks += check_column(Trace(name, profile, enough))
    whole = {place: one for place, one in enumerate(windows) if one.rows >= settings.least_rows}
    checks += check_refusals(profile, whole)
    return [*findings, *_judge(checks, settings.floor)]


def _find_lack(name: str, profile: Profile, window: Window, least_rows: int) -> str:
    """Why there is too little to judge a column by; empty if there is not."""
    rows = window.tallies[name].rows
    if rows < least_rows:
        return f"{rows} rows are too few, monitor.least_rows asks for {least_rows}"
    count = count_blocks(name, profile, window)
    if profile.blocks is None or count is None or count >= FEWEST_BLOCKS:
        return ""
    by = profile.blocks.by
    few = f"{count} {by}{' is' if count == 1 else 's are'} too few"
    advice = ", so look by week" if (by, count) == ("day", 1) else ""
    return f"rows of one {by} are alike, and {few}{advice}"


def _make_lack(name: str, place: int, reason: str, floor: float) -> Finding:
    text = f"{name}: {reason}"
    return Finding(name, place, "distribution", None, floor, None, None, "too few", text)


def _judge(checks: Sequence[Check], floor: float) -> Iterator[Finding]:
    """What came of each check; those of a column are in the order of the windows."""
    p_values = [check.p_value for check in checks if check.p_value is not None]
    q_values = iter(false_discovery_control(p_values).tolist() if p_values else [])
    formers: dict[tuple[str, What], int | None] = {}
    for check in checks:
        q_value = None if check.p_value is None else next(q_values)
        has_moved = q_value is not None and q_value <= LEVEL and check.effect >= floor
        key = check.column, check.what
        state: State = "fine"
        if has_moved:
            former = formers.get(key)
            is_same = former is not None and former * check.direction >= 0
            state = "alarm" if is_same else "moved"
        formers[key] = check.direction if has_moved else None
        if q_value is not None or check.what in ("distribution", "refused"):
            yield Finding(
                *(check.column, check.window, check.what, check.effect, floor),
                *(check.p_value, q_value, state, check.text),
            )
