"""Runs below each other as a drawing: their metric, what changed, what stood in which stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..records.changes import Change
from ..records.repository import Commit
from ..records.run import Figure, Run
from ..records.wording import format_figure
from ..registry.moves import Move

LEFT, WIDTH, MARK, LANE = 104, 156, 12, 40
"""Where the axis begins and how long it is; from one mark, and from one stage, to the next."""
RUN, MOVE, TOP, AXIS, GAP = 28, 20, 66, 40, 12
"""Heights of both kinds of rows, of the stages' names, of an axis, and before another axis."""
SCALE = 1.6
"""Pixels on a large screen for each unit of the drawing."""
APART = 5
"""What the two figures of a run are above and below its middle."""
MARKS = {"P": ("parameters",), "D": ("data", "contract"), "C": ("code",), "E": ("environment",)}
"""The columns of marks, and the kinds of changes that they stand for."""
LONGEST_STAGE = 11
FENCE = 3
"""Interquartile ranges, or usual intervals, from the quartiles to what is too far off to be shown
(Tukey, 1977)."""


class Entry(NamedTuple):
    """A run in the history."""

    run: Run
    commit: Commit
    changes: Sequence[Change] | None
    """What sets it apart from the run before; None where that is not known."""
    summary: str
    """The same in a few words."""
    versions: Sequence[str]
    """Those that its commit was registered as."""


@dataclass(frozen=True)
class Axis:
    """What part of a metric is shown."""

    low: float
    high: float

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Axis:
        """All figures and intervals but for those that are far away from the others."""
        figures = [figure for run in runs for figure in (run.validated, run.tested)]
        points = np.array(
            [_find_ends(one) for one in figures if one.value is not None] or [[0.0] * 3]
        )
        _, lows, highs = points.T
        quarters, three_quarters = np.quantile(points, [0.25, 0.75], axis=0)
        reach = FENCE * np.maximum(three_quarters - quarters, np.median(highs - lows))
        is_near = (points >= quarters - reach) & (points <= three_quarters + reach)
        shown = points[is_near]
        margin = 0.04 * np.ptp(shown) or 0.01 * abs(shown[0]) or 0.01
        return cls(float(shown.min() - margin), float(shown.max() + margin))

    @property
    def ticks(self) -> list[float]:
        """Round numbers along it."""
        values = MaxNLocator(3).tick_values(self.low, self.high)
        return [float(value) for value in values if self.low <= value <= self.high]

    def place(self, value: float) -> float:
        """Where a figure is drawn; one that is too far off stands at the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(LEFT + WIDTH * share, 1)


def draw_timeline(items: Sequence[Entry | Move]) -> str:
    """The history as SVG, in the colours of the page around it.

    It goes down the page, so that it needs no more room on a phone, however many runs there are.

    Args:
        items: Runs, and what came into a stage or left it, newest first; at least one run.
    """
    return _Drawing(items).draw()


class _Row(NamedTuple):
    item: Entry | Move
    y: float
    """Of its middle."""


class _Drawing:
    def __init__(self, items: Sequence[Entry | Move]) -> None:
        self.runs = [item.run for item in items if isinstance(item, Entry)]
        moves = [item for item in items if isinstance(item, Move)]
        self.stages = [*dict.fromkeys(move.stage for move in reversed(moves))]
        self.marks = LEFT + WIDTH + 16
        self.lanes = self.marks + MARK * len(MARKS)
        self.width = self.lanes + LANE * len(self.stages)
        self.parts: list[list[_Row]] = []
        """Of one metric each, with an axis above them."""
        y = self.top = float(TOP if self.stages else 0)
        for part in _split_by_metric(items):
            y += AXIS + GAP * bool(self.parts)
            rows = []
            for item in part:
                height = RUN if isinstance(item, Entry) else MOVE
                rows.append(_Row(item, y + height / 2))
                y += height
            self.parts.append(rows)
        self.height = y + 4

    def draw(self) -> str:
        lines = [*self.draw_lanes()]
        for rows in self.parts:
            run = next(row.item.run for row in rows if isinstance(row.item, Entry))
            axis = Axis.of([one for one in self.runs if one.metric == run.metric])
            lines += self.draw_axis(axis, run, rows)
            for row in rows:
                lines += self.draw_row(axis, row)
        metrics = " and ".join(dict.fromkeys(run.metric for run in self.runs))
        label = (
            f"{metrics} of {len(self.runs)} runs, the newest on top; the tables below tell the same"
        )
        return (
            f'<svg class="history" viewBox="0 0 {self.width} {self.height:g}" role="img"'
            f' style="max-width: {SCALE * self.width:g}px" aria-label="{escape(label)}">'
            f"{''.join(lines)}</svg>"
        )

    def draw_axis(self, axis: Axis, run: Run, rows: Sequence[_Row]) -> Iterator[str]:
        """The metric's name, round numbers with lines down the rows, and what connects figures."""
        top, bottom = rows[0].y - _height(rows[0]) / 2, rows[-1].y + _height(rows[-1]) / 2
        better = "higher is better \u2192" if run.higher_is_better else "\u2190 lower is better"
        yield f'<text x="{LEFT}" y="{top - 26:g}" class="name">{escape(run.metric)}</text>'
        yield f'<text x="{LEFT + WIDTH}" y="{top - 26:g}" class="end soft">{better}</text>'
        for tick in axis.ticks:
            x = axis.place(tick)
            yield f'<path class="grid" d="M{x} {top:g} V{bottom:g}"/>'
            yield f'<text x="{x}" y="{top - 6:g}" class="middle soft">{tick:g}</text>'
        for place, letter in enumerate(MARKS):
            x = self.marks + MARK * place
            yield f'<text x="{x}" y="{top - 6:g}" class="middle soft">{letter}</text>'
        for name in ("validated", "tested"):
            line = " ".join(_connect(axis, name, rows))
            yield f'<path class="trend {name}" d="{line}"/>'

    def draw_row(self, axis: Axis, row: _Row) -> Iterator[str]:
        if isinstance(row.item, Move):
            yield from self.draw_move(row.item, row.y)
        else:
            yield from self.draw_entry(axis, row.item, row.y)

    def draw_entry(self, axis: Axis, entry: Entry, y: float) -> Iterator[str]:
        run, commit = entry.run, entry.commit
        date = commit.date.date().isoformat()
        about = (
            f"{commit.short}, {date}: {commit.subject}\n{run.candidate}, {run.metric} "
            f"{format_figure(run.validated)} validated, {format_figure(run.tested)} on the test"
        )
        if entry.changes is not None:
            about += f"\nchanged: {entry.summary}"
        yield f"<g><title>{escape(about)}</title>"
        yield f'<rect class="row" y="{y - RUN / 2:g}" width="{self.width}" height="{RUN}"/>'
        yield f'<text y="{y - 1:g}" class="code">{commit.short}</text>'
        yield f'<text y="{y + 10:g}" class="small soft">{date}</text>'
        versions = escape(", ".join(entry.versions))
        yield f'<text x="{LEFT - 8}" y="{y - 1:g}" class="end name">{versions}</text>'
        for name, figure in _place_figures(run):
            yield from _draw_figure(axis, figure, y + APART * SIDES[name], name)
        kinds = {change.kind for change in entry.changes or ()}
        for place, own in enumerate(MARKS.values()):
            if kinds & {*own}:
                yield f'<circle class="mark" cx="{self.marks + MARK * place}" cy="{y:g}" r="3.5"/>'
        yield "</g>"

    def draw_move(self, move: Move, y: float) -> Iterator[str]:
        text = f"{move.version or 'nothing'} in {_shorten(move.stage)} ({move.action})"
        yield f'<text y="{y + 3:g}" class="small soft">{move.tag.date[:10]}</text>'
        yield f'<text x="{LEFT}" y="{y + 3:g}" class="small">{escape(text)}</text>'

    def draw_lanes(self) -> Iterator[str]:
        """A bar for each version in a stage, from its row to that of the next, or to the top."""
        for place, stage in enumerate(self.stages):
            middle = self.lanes + LANE * place + LANE / 2
            end = self.top
            yield (
                f'<text class="name" transform="translate({middle + 4:g} {end - 6:g}) rotate(-90)">'
                f"{escape(_shorten(stage))}</text>"
            )
            for row in (row for rows in self.parts for row in rows):
                if isinstance(row.item, Move) and row.item.stage == stage:
                    yield from _draw_bar(row.item, middle, end, row.y)
                    end = row.y


SIDES = {"validated": -1, "tested": 1}
"""Of the middle of a row."""


def _split_by_metric(items: Sequence[Entry | Move]) -> list[list[Entry | Move]]:
    """Runs of one metric after each other, and the moves among them."""
    parts: list[list[Entry | Move]] = [[]]
    metric = ""
    for item in items:
        if isinstance(item, Entry):
            if metric and metric != item.run.metric:
                parts.append([])
            metric = item.run.metric
        parts[-1].append(item)
    return parts


def _shorten(stage: str) -> str:
    return stage if len(stage) <= LONGEST_STAGE else f"{stage[: LONGEST_STAGE - 1]}\u2026"


def _height(row: _Row) -> int:
    return RUN if isinstance(row.item, Entry) else MOVE


def _place_figures(run: Run) -> list[tuple[str, Figure]]:
    return [("validated", run.validated), ("tested", run.tested)]


def _find_ends(figure: Figure) -> list[float]:
    """The figure and the ends of what is drawn around it; nothing if it is not defined."""
    if figure.value is None:
        return []
    error = figure.standard_error or 0.0
    return [figure.value, *(figure.interval or (figure.value - error, figure.value + error))]


def _connect(axis: Axis, name: str, rows: Sequence[_Row]) -> Iterator[str]:
    """The way through the figures of all runs, interrupted where one is not defined."""
    command = "M"
    for row in rows:
        if isinstance(row.item, Entry):
            figure = row.item.run.validated if name == "validated" else row.item.run.tested
            if figure.value is None:
                command = "M"
                continue
            yield f"{command}{axis.place(figure.value)} {row.y + APART * SIDES[name]:g}"
            command = "L"


def _draw_figure(axis: Axis, figure: Figure, y: float, name: str) -> Iterator[str]:
    """A point and a line, which have arrows where they are farther off than shown."""
    if figure.value is None:
        return
    _, low, high = _find_ends(figure)
    yield f'<path class="{name}" d="M{axis.place(low)} {y:g} H{axis.place(high)}"/>'
    for end, out in ((low, -4), (high, 4)):
        if not axis.low <= end <= axis.high:
            x = axis.place(end)
            yield f'<path class="{name}" d="M{x} {y - 3:g} L{x + out} {y:g} L{x} {y + 3:g}"/>'
    yield f'<circle class="{name}" cx="{axis.place(figure.value)}" cy="{y:g}" r="3"/>'


def _draw_bar(move: Move, middle: float, top: float, bottom: float) -> Iterator[str]:
    if move.version is None:
        return
    about = f"{move.version} in {move.stage} since {move.tag.date}, by {move.tag.author}"
    yield f"<g><title>{escape(about)}</title>"
    yield (
        f'<rect class="lane" x="{middle - LANE / 2 + 2:g}" y="{top + 1:g}" width="{LANE - 4}"'
        f' height="{bottom - top - 2:g}" rx="4"/>'
    )
    version = escape(move.version)
    yield f'<text x="{middle:g}" y="{bottom - 6:g}" class="middle">{version}</text></g>'
