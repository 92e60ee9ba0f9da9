"""Which figures an evaluation of sequences has, with captions."""

from __future__ import annotations

from typing import Any

from . import signal_figures as figures
from .figures import abbreviate
from .gallery import Gallery, Picture, join, name_some
from .signals import MOST_MISTAKES, MOST_PARTS, Signals

FEW = "For a set that a single row has, or none, stand the rows that have its labels among others."


def show_signals(signals: Signals, target: str) -> Gallery:
    """What sequences of each class look like, and the worst mistakes.

    Args:
        signals: Those of the test rows.
        target: What is predicted.
    """
    outcome = signals.outcome
    part = "class" if outcome.classes else "set of labels" if outcome.labels else "third"
    channels, parts = signals.shown_channels, signals.shown_parts
    caption = f"The mean of each point over the test rows of a {part}"
    if part == "third":
        caption += f" by {target}"
    if len(parts) <= figures.MOST_BANDS:
        caption += ", with a band of one standard deviation"
    caption += "; the channel in which they differ most comes first."
    if len(channels) < len(signals.channels):
        caption += f" {len(channels)} of {len(signals.channels)} channels are shown."
    if outcome.labels:
        caption += f" {FEW}"
    if len(signals.parts) > MOST_PARTS:
        several = "classes" if outcome.classes else "sets"
        caption += f" The {MOST_PARTS} {several} with most rows are shown."
    table = signals.tabulate_means()
    title = f"Mean signals of each {part}, test rows"
    picture = Picture(figures.mean_signals(table, title), caption)
    return join(Gallery({"signals": picture}, {"signals": table}), _show_mistakes(signals, part))


def _show_mistakes(signals: Signals, part: str) -> Gallery:
    """The sequences that the model is most wrong about."""
    mistakes = signals.tabulate_mistakes()
    tables = {"mistakes": mistakes}
    top = mistakes.head(MOST_MISTAKES)
    if top.empty:
        return Gallery({}, tables)
    titles = [_name(line) for line in top.itertuples()]
    means = (f"mean of its {part}", f"mean of the predicted {part}")
    caption = (
        f"The {name_some(len(titles), 'test row')} that the champion is most wrong about, in the "
        "channel that tells most of what a row is and what it was taken for."
    )
    if signals.outcome.labels:
        caption += f" {FEW}"
    picture = Picture(figures.signal_mistakes(signals.trace_mistakes(), titles, means), caption)
    return Gallery({"signal_mistakes": picture}, tables)


def _name(mistake: Any) -> str:
    name = abbreviate(mistake.sequence, 40)
    if isinstance(mistake.actual, str):
        actual, predicted = (abbreviate(one, 16) for one in (mistake.actual, mistake.predicted))
        sure = f" ({mistake.probability:.0%})" if hasattr(mistake, "probability") else ""
        return f"{name}\nis {actual}, taken for {predicted}{sure}"
    return f"{name}\nis {mistake.actual:.4g}, predicted {mistake.predicted:.4g}"
