"""The page that shows what `monitoring.json` tells, as the templates beside it lay it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..core.errors import shorten
from ..records.wording import format_number
from ..reporting.pages import render
from ..serving.monitoring_process import FRESHNESS, format_time
from . import charts
from .windows import LATEST_WINDOWS
from .wording import format_effect, format_seconds, format_share, name_places

STATIC = Path(__file__).parents[1] / "serving" / "static"
STYLES = ("page.css", "monitoring.css")
MOST_COLUMNS = 20
"""That are in sight at once, unless more of them moved."""
FLOORS = charts.Axis(0, 4)
"""Of the bars that tell how far a column moved; those of what moved farther are cut."""
LONGEST = 60
"""Letters of a category."""
MOVED = {"moved", "alarm"}
Record = Mapping[str, Any]


def render_page(content: Record, *, live: bool) -> str:
    """One HTML page in which nothing that was in the rows is markup.

    Args:
        content: What `make_report` gives.
        live: Whether the server sends it, which has its styles and its script; else the page needs
            no other file.
    """
    return render(
        "monitoring.html.jinja",
        Path(__file__).with_name("templates"),
        content=content,
        versions=[_cut(version) for version in content["versions"]],
        live=live,
        style=""
        if live
        else "".join((STATIC / name).read_text(encoding="utf-8") for name in STYLES),
        charts=charts,
        floors=FLOORS,
        freshness=FRESHNESS.decode(),
        count_shown=_count_shown,
        find_figure=_find_figure,
        find_last=_find_last,
        format_effect=format_effect,
        format_number=format_number,
        format_seconds=format_seconds,
        format_share=format_share,
        format_count="{:,}".format,
        format_time=_format_time,
        hide_states=_hide_states,
        list_ends=_list_ends,
        longest=LONGEST,
        name_key=_name_key,
        name_places=name_places,
        pick=_pick,
        shorten=shorten,
    )


def _cut(version: Record) -> Record:
    """A version with no more windows than are drawn."""
    last, quality = slice(-LATEST_WINDOWS, None), version["quality"]
    if quality:
        metrics = {
            name: metric | {"windows": metric["windows"][last]}
            for name, metric in quality["metrics"].items()
        }
        quality = quality | {"metrics": metrics, "labels": quality["labels"][last]}
    return {
        **version,
        "windows": version["windows"][last],
        "columns": [each | {"windows": each["windows"][last]} for each in version["columns"]],
        "quality": quality,
        "earlier": max(0, len(version["windows"]) - LATEST_WINDOWS),
    }


def _find_last(parts: Sequence[Record]) -> int | None:
    """The place of the last window that could be judged."""
    places = [place for place, part in enumerate(parts) if part["state"] in {"fine", *MOVED}]
    return places[-1] if places else None


def _find_figure(metric: Record, windows: Sequence[Record], name: str) -> tuple[Record | None, str]:
    """The last estimate or measured figure, and the name of its window."""
    pairs = zip(reversed(metric["windows"]), reversed(windows), strict=True)
    known = ((part[name], window["name"]) for part, window in pairs if part[name])
    return next(known, (None, ""))


def _count_shown(columns: Sequence[Record]) -> int:
    """How many of the first columns are in sight, so that none that moved is out of it."""
    moved = [place + 1 for place, column in enumerate(columns) if column["state"] in MOVED]
    return max([MOST_COLUMNS, *moved])


def _pick(parts: Sequence[Any], *names: Any) -> list[Any]:
    """Of each part what stands below these names, or None where one of them is not known."""
    values = [*parts]
    for name in names:
        values = [value[name] if value else None for value in values]
    return values


def _hide_states(states: Sequence[str]) -> list[str]:
    """For bars that tell of something else; but a gap is one of any chart."""
    return [state if state == "gap" else "plain" for state in states]


def _list_ends(metric: Record, windows: Sequence[Record]) -> list[float | None]:
    """A metric's figures and the ends of their intervals, but for those of too few rows."""
    pairs = zip(metric["windows"], windows, strict=True)
    parts = [part for part, window in pairs if window["state"] != "too few"] or metric["windows"]
    intervals = [part[name] for part in parts for name in ("estimate", "realised")]
    return [end for one in (metric["expected"], *intervals) if one for end in one.values()]


def _name_key(version: Record, name: str = "") -> str:
    """By which the page finds again what its reader has opened."""
    return quote(f"{version['version']}/{version['run']}/{version['role']}/{name}")


def _format_time(text: str) -> str:
    return format_time(datetime.fromisoformat(text).astimezone(UTC))
