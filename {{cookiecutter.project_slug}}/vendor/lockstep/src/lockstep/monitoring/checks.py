"""What is looked at of a column in each window: how far it is from training, by chance or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from ..core.errors import shorten
from ..modeling.profile import Profile, find_new
from ..modeling.scales import Scale
from ..modeling.tallies import Tally
from .effects import measure_angle, measure_far, measure_shift
from .p_values import (
    compare_cells,
    compare_excesses,
    compare_novelties,
    compare_orders,
    compare_shares,
)
from .permutation import (
    FEWEST_BLOCKS,
    Measure,
    compare_blocks,
    compare_with_blocks,
    measure_cell_gap,
    measure_order_gap,
)
from .windows import Window
from .wording import format_edge, format_share

What = Literal["distribution", "missing", "new", "outside", "contract", "stale", "refused"]
ALL = ""
"""The column of what is looked at of whole rows."""
FEW_VALUES = 5
"""Of a number with so few, each is a cell: Kolmogorov's and Smirnov's test sees less of them."""
LIKELY = 0.05
"""From this p-value on there is no need to see whether dependent rows make it larger still."""
FAR = 0.1
"""From this share on, rows far away make a distance too small, which counts them as nearer."""
MOST_TEXTS, LONGEST_TEXT = 3, 40
MISSING_BAR, LAST_BAR, FIRST_BAR = -1, -2, 0
"""In the blocks of a column."""


class Check(NamedTuple):
    """What was looked at of a column in a window."""

    column: str
    window: int
    """Its place."""
    what: What
    effect: float
    p_value: float | None
    """None where nothing came that could be told from training."""
    text: str
    direction: int = 0
    """Of a number 1 where it is higher, -1 where it is lower, 0 where nobody can say."""


@dataclass(frozen=True)
class Trace:
    """A column in the windows that have enough rows of it."""

    name: str
    profile: Profile
    windows: Mapping[int, Window]
    """By their places."""

    @property
    def scale(self) -> Scale:
        """How its values are told apart."""
        return self.profile.scales[self.name]

    @property
    def reference(self) -> Tally:
        """The train rows."""
        return self.profile.tallies[self.name]

    @cached_property
    def tallies(self) -> list[Tally]:
        """The rows of each window."""
        return [window.tallies[self.name] for window in self.windows.values()]

    @cached_property
    def counts(self) -> np.ndarray:
        """(n_windows, n_places)."""
        return np.stack([tally.counts for tally in self.tallies])

    @cached_property
    def rows(self) -> np.ndarray:
        """(n_windows,) with a value or without."""
        return np.array([tally.rows for tally in self.tallies])

    @cached_property
    def breaches(self) -> np.ndarray:
        """(n_windows,) values that break the contract."""
        return np.array([window.breaches[self.name] for window in self.windows.values()])

    @cached_property
    def unreadable(self) -> np.ndarray:
        """(n_windows,) how many of these are missing for that."""
        return np.array([window.unreadable[self.name] for window in self.windows.values()])

    @cached_property
    def has_blocks(self) -> np.ndarray:
        """(n_windows,) whether there are enough blocks, where rows depend on each other."""
        return np.array([count is None or count >= FEWEST_BLOCKS for count in self.blocks])

    @cached_property
    def blocks(self) -> list[int | None]:
        """(n_windows,) how many blocks there are; None where rows do not depend on each other."""
        windows = self.windows.values()
        return [count_blocks(self.name, self.profile, window) for window in windows]

    @property
    def is_any(self) -> np.ndarray:
        """(n_windows,) true: what is judged whatever chance may do."""
        return np.full(len(self.windows), True)

    def check(
        self,
        what: What,
        effects: np.ndarray,
        p_values: np.ndarray,
        texts: Sequence[str],
        is_judged: np.ndarray,
        directions: np.ndarray | None = None,
    ) -> Iterator[Check]:
        """What was looked at of the windows that can be judged; nan p-values stand for none."""
        places = [*self.windows]
        if directions is None:
            directions = np.zeros(len(places))
        for one in np.flatnonzero(is_judged).tolist():
            p_value = None if np.isnan(p_values[one]) else float(p_values[one])
            text = f"{self.name}: {texts[one]}"
            effect, direction = float(effects[one]), int(directions[one])
            yield Check(self.name, places[one], what, effect, p_value, text, direction)


def count_blocks(name: str, profile: Profile, window: Window) -> int | None:
    """How many blocks a window has of a column; None where rows do not depend on each other.

    Where nobody knows, they are taken to be as large as those of training.
    """
    table = profile.blocks.counts.get(name) if profile.blocks else None
    if table is None:
        return None
    own = window.blocks.counts.get(name) if window.blocks else None
    if own is not None:
        return len(own)
    return int(window.tallies[name].rows * len(table) / max(table.sum(), 1))


def check_column(trace: Trace) -> Iterator[Check]:
    """All that is looked at of a column."""
    if trace.windows:
        yield from _check_distribution(trace)
        yield from _check_missing(trace)
        yield from _check_contract(trace)
        yield from _check_stale(trace)
        # Of scores the profile knows those of models that learnt from fewer rows, whose
        # probabilities do not go as far.
        if trace.scale.edges and trace.name not in trace.profile.scores:
            yield from _check_outside(trace)
        if trace.scale.categories:
            yield from _check_new(trace)


def _check_distribution(trace: Trace) -> Iterator[Check]:
    """The values that training saw, or their order."""
    scale, reference, counts = trace.scale, trace.reference.counts, trace.counts
    is_seen = reference > 0
    if scale.is_number and is_seen.sum() > FEW_VALUES:
        p_values, measure = compare_orders(reference, counts), measure_order_gap
    else:
        p_values = compare_cells(reference[is_seen], counts[:, is_seen])
        measure = measure_cell_gap
    directions = None
    if len(scale.edges) > 1:
        spread = trace.profile.spreads[trace.name]
        edges = np.array(scale.edges)
        effects, gains = measure_shift(reference, counts, edges, spread)
        directions = np.where(np.abs(gains) < effects / 2, 0, np.sign(gains))
        is_capped = measure_far(reference, counts, edges, spread) >= FAR
        texts = [*map(_tell_shift, effects, directions, is_capped.tolist())]
    else:
        effects = measure_angle(reference[is_seen], counts[:, is_seen])
        tell = _tell_words if trace.name in trace.profile.words else _tell_shares
        texts = [tell(scale, reference, one) for one in counts]
    p_values = np.where(counts.sum(axis=1) > 0, p_values, np.nan)
    p_values = _permute(trace, p_values, slice(0, MISSING_BAR), measure)
    yield from trace.check("distribution", effects, p_values, texts, trace.has_blocks, directions)


def _tell_shift(effect: float, direction: float, is_capped: bool) -> str:
    distance = f"{'more than ' * is_capped}{effect:.2f} standard deviations"
    if not direction:
        return f"spread otherwise than in training, by {distance}"
    return f"{distance} {'higher' if direction > 0 else 'lower'} than in training"


def _tell_shares(scale: Scale, reference: np.ndarray, counts: np.ndarray) -> str:
    before, now = (one / max(one.sum(), 1) for one in (reference, counts))
    gaps = np.abs(now - before).round(9)
    place = int(np.lexsort((before, -gaps))[0])  # of two shares both change alike: the rarer one
    names = [*map(_quote, scale.categories), "any other"]
    shares = format_share(now[place]), format_share(before[place])
    return f"{names[place]} in {shares[0]} of rows, {shares[1]} in training"


def _tell_words(scale: Scale, reference: np.ndarray, counts: np.ndarray) -> str:
    """The words that have become more, and those that have become less."""
    before, now = (one / max(one.sum(), 1) for one in (reference, counts))
    gains = (now - before)[:-1]
    order = np.argsort(-gains, kind="stable").tolist()
    parts = []
    for word, places in (("more", order[:MOST_TEXTS]), ("less", order[::-1][:MOST_TEXTS])):
        told = [
            f"{_quote(scale.categories[place])} ({format_share(before[place])} to "
            f"{format_share(now[place])})"
            for place in places
            if gains[place] * (1 if word == "more" else -1) > 0
        ]
        parts += [f"{word} than in training {', '.join(told)}"] if told else []
    return "; ".join(parts) or "other words than in training"


def _check_missing(trace: Trace) -> Iterator[Check]:
    """Rows without a value, but for those whose value cannot be read."""
    events = np.array([tally.missing for tally in trace.tallies]) - trace.unreadable
    before, rows = trace.reference.missing, trace.reference.rows
    p_values = compare_shares(before, rows, events, trace.rows)
    is_gone = events == trace.rows
    permuted = _permute(trace, p_values, MISSING_BAR)
    shares = [format_share(share) for share in events / trace.rows]
    texts = [
        "missing in every row, as if the column no longer came"
        if is_all
        else f"missing in {share} of rows, {format_share(before / rows)} in training"
        for share, is_all in zip(shares, is_gone, strict=True)
    ]
    p_values, is_judged = np.where(is_gone, p_values, permuted), trace.has_blocks | is_gone
    yield from _check_events("missing", trace, before, events, p_values, texts, is_judged)


def _check_contract(trace: Trace) -> Iterator[Check]:
    """Values that the contract does not allow, of which training has seen none."""
    rows = np.array([window.rows for window in trace.windows.values()])
    texts = [
        f"{format_share(share)} of rows break the contract{_name_texts(tally.others)}"
        for share, tally in zip(trace.breaches / rows, trace.tallies, strict=True)
    ]
    effects, p_values = _find_breaches(trace.profile, trace.breaches, rows)
    yield from trace.check("contract", effects, p_values, texts, trace.is_any)


def check_refusals(profile: Profile, windows: Mapping[int, Window]) -> Iterator[Check]:
    """Rows that got no prediction, whatever is known of their values; training has none."""
    rows, refused = (
        np.array([getattr(window, name) for window in windows.values()], dtype="int64")
        for name in ("rows", "refused")
    )
    effects, p_values = _find_breaches(profile, refused, rows)
    for place, share, effect, p_value in zip(
        windows, refused / rows, effects.tolist(), p_values.tolist(), strict=True
    ):
        text = f"{format_share(share)} of the rows are refused, none in training"
        yield Check(ALL, place, "refused", effect, None if np.isnan(p_value) else p_value, text)


def _find_breaches(
    profile: Profile, events: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n_windows,) effects and p-values of what training has no row of; nan where it is not."""
    effects = measure_angle(np.array([0, profile.rows]), np.stack([events, rows - events], axis=1))
    p_values = compare_excesses(0, profile.rows, events, rows)
    return effects, np.where(events > 0, p_values, np.nan)


def _check_outside(trace: Trace) -> Iterator[Check]:
    """Values below or above all that training saw, on the side where that is less likely."""
    counts, edges, rows = trace.counts, trace.scale.edges, trace.counts.sum(axis=1)
    total = int(trace.reference.counts.sum())
    sides = (
        (0, FIRST_BAR, f"below {format_edge(edges[0])}, the least"),
        (-1, LAST_BAR, f"above {format_edge(edges[-1])}, the greatest"),
    )
    p_values = np.stack(
        [
            _permute(trace, compare_excesses(0, total, counts[:, place], rows), bar)
            for place, bar, _ in sides
        ]
    )
    side = p_values.argmin(axis=0)
    events = np.choose(side, [counts[:, place] for place, *_ in sides])
    texts = [
        f"{format_share(event / max(row, 1))} of rows are {sides[one][2]} that training saw"
        for one, event, row in zip(side, events, rows, strict=True)
    ]
    p_values = np.minimum(1, len(sides) * p_values.min(axis=0))
    yield from _check_events(
        *("outside", trace, 0, events, p_values, texts, trace.has_blocks, 2 * side - 1)
    )


def _check_new(trace: Trace) -> Iterator[Check]:
    """Categories that training never saw or, where there are too many of them, the rare ones."""
    reference, rows = trace.reference.counts, trace.counts.sum(axis=1)
    is_new = find_new(trace.reference)
    events, before = trace.counts[:, is_new].sum(axis=1), int(reference[-1])
    p_values = compare_novelties(reference[:-1], before, events, rows)
    p_values = _permute(trace, p_values, LAST_BAR)
    texts = [
        f"{format_share(event / max(row, 1))} of rows have a value that training "
        f"{'saw seldom or ' if before else ''}never saw{_list_new(trace, tally)}"
        for event, row, tally in zip(events, rows, trace.tallies, strict=True)
    ]
    yield from _check_events("new", trace, before, events, p_values, texts, trace.has_blocks)


def _list_new(trace: Trace, tally: Tally) -> str:
    """The most frequent ones."""
    reference = trace.reference
    new = tally.others.copy()
    parts = zip(trace.scale.categories, reference.counts, tally.counts, strict=False)
    new.update({text: int(count) for text, before, count in parts if count and not before})
    return _name_texts({text: new[text] for text in new if text not in reference.others})


def _name_texts(texts: Mapping[str, int]) -> str:
    """The most frequent ones, after a colon; nothing without any."""
    order = sorted(texts, key=lambda text: (-texts[text], text))[:MOST_TEXTS]
    return ": " * bool(order) + ", ".join(f"{_quote(text)} ({texts[text]:,})" for text in order)


def _check_stale(trace: Trace) -> Iterator[Check]:
    """The same value in every row, where training had several."""
    reference = trace.reference.counts
    rows, places = trace.counts.sum(axis=1), trace.counts.argmax(axis=1)
    has_several = np.count_nonzero(reference) > 1 and not _is_of_days(trace)
    is_stale = np.array(
        [has_several and window.is_constant(trace.name) for window in trace.windows.values()]
    )
    share = reference.max() / max(reference.sum(), 1)
    # Where rows depend on each other, those of a block may well have the same value.
    draws = [row if count is None else count for row, count in zip(rows, trace.blocks, strict=True)]
    p_values = np.where(is_stale, share ** np.array(draws), np.nan)
    texts = [f"the same value in all of {row:,} rows" for row in rows]
    others = reference.sum() - reference[places]
    effects = np.where(is_stale, 2 * np.arcsin(np.sqrt(others / max(reference.sum(), 1))), 0)
    yield from trace.check("stale", effects, p_values, texts, trace.has_blocks)


def _is_of_days(trace: Trace) -> bool:
    """Whether no day of training shows that rows of a day differ, as none does of months.

    Days on end may then have one value, and nobody knows how many: the profile has no order.
    """
    blocks = trace.profile.blocks
    if blocks is None or blocks.by != "day" or trace.name not in blocks.counts:
        return False
    values = blocks.counts[trace.name][:, :MISSING_BAR]
    return bool((np.count_nonzero(values, axis=1) < 2).all())


def _check_events(
    what: What,
    trace: Trace,
    before: int,
    events: np.ndarray,
    p_values: np.ndarray,
    texts: Sequence[str],
    is_judged: np.ndarray,
    directions: np.ndarray | None = None,
) -> Iterator[Check]:
    """Rows of a kind, `before` of them in training."""
    effects = measure_angle(
        np.array([before, trace.reference.rows - before]),
        np.stack([events, trace.rows - events], axis=1),
    )
    p_values = np.where(events + before > 0, p_values, np.nan)
    yield from trace.check(what, effects, p_values, texts, is_judged, directions)


def _permute(
    trace: Trace,
    p_values: np.ndarray,
    bars: slice | int,
    measure: Measure = measure_cell_gap,
) -> np.ndarray:
    """The p-values where rows depend on each other, by the bars of whole blocks."""
    blocks, name, p_values = trace.profile.blocks, trace.name, p_values.copy()
    if blocks is None or name not in blocks.counts:
        return p_values
    reference = _select(blocks.counts[name], bars)
    for place, window in enumerate(trace.windows.values()):
        if not p_values[place] < LIKELY:
            continue
        own = window.blocks.counts.get(name) if window.blocks else None
        if own is not None:
            p_value = compare_blocks(reference, _select(own, bars), measure)
        else:
            count = count_blocks(name, trace.profile, window) or 0
            own = _join_bars(trace, window.tallies[name])
            p_value = compare_with_blocks(reference, _select(own, bars)[0], count, measure)
        p_values[place] = max(p_values[place], p_value)
    return p_values


def _join_bars(trace: Trace, tally: Tally) -> np.ndarray:
    """(1, n_bars) counts of the places of each bar, and of missing values."""
    bars = trace.profile.block_bars[trace.name]
    return np.bincount(bars, np.append(tally.counts, tally.missing))[None]


def _select(table: np.ndarray, bars: slice | int) -> np.ndarray:
    """Some bars of each block, or one bar and all others."""
    if isinstance(bars, slice):
        return table[:, bars]
    one = table[:, bars]
    return np.stack([one, table.sum(axis=1) - one], axis=1)


def _quote(text: str) -> str:
    return repr(shorten(text, LONGEST_TEXT))
