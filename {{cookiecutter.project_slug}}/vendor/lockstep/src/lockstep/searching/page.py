"""The page of a search, as the template beside this file lays it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from ..core.project import Project
from ..reporting.facts import describe_validation
from ..reporting.figures import RESOLUTION
from ..reporting.pages import encode_pictures, render
from .figures import View
from .gains import Gain, count, describe_losses, format_figures
from .search import Search
from .trials import Trial, as_text, find_best

MOST_TRIALS = 10
"""Of all candidates, in the table of the best."""
PAGE_RESOLUTION = 96
"""Pixels per inch that a browser assumes."""


def render_page(
    project: Project,
    search: Search,
    gains: Sequence[Gain],
    captions: Mapping[str, str],
    figures: Path,
) -> str:
    """A search as one HTML page that needs no other file.

    Args:
        project: What was searched.
        search: What was tried.
        gains: What it brought.
        captions: Those of the pictures, by their names.
        figures: The folder that has the pictures.
    """
    metric = search.metric
    complete = [trial for trial in search.trials if trial.state == "complete"]
    ranking = sorted(complete, key=lambda trial: -metric.sign * trial.mean)
    return render(
        "search.html.jinja",
        Path(__file__).with_name("templates"),
        project=project,
        search=search,
        gains=gains,
        better=[gain for gain in gains if gain.is_better],
        clearly=sum(gain.is_clear for gain in gains),
        former=find_best([gain.before for gain in gains], metric),
        validation=describe_validation(project.params),
        losses=describe_losses(search.trials),
        best=ranking[:MOST_TRIALS],
        charts=_draw_charts(search, gains),
        captions=captions,
        pictures=encode_pictures(figures, captions),
        widths={name: _measure_width(figures / f"{name}.png") for name in captions},
        as_text=as_text,
        count=count,
        format_figures=format_figures,
    )


def _measure_width(picture: Path) -> int:
    """In the pixels of a page, such that the letters of all pictures are of one size."""
    with Image.open(picture) as image:
        return image.width * PAGE_RESOLUTION // RESOLUTION


def _draw_charts(search: Search, gains: Sequence[Gain]) -> dict[str, dict[str, list[float]]]:
    """What there was before and the best one of each candidate, with their standard errors.

    All are on one line from 0 to 100; those that are far worse than the others are at its end.
    """
    points = [trial for gain in gains for trial in (gain.before, gain.best) if trial is not None]
    view = View.of(points, search.metric)

    def place(trial: Trial) -> list[float]:
        error = trial.standard_error if trial.standard_error >= 0 else 0.0
        ends = (trial.mean, trial.mean - error, trial.mean + error)
        return [
            round(100 * (view.clip(end) - view.low) / (view.high - view.low), 2) for end in ends
        ]

    return {
        gain.candidate: {"before": place(gain.before)}
        | ({"after": place(gain.best)} if gain.best is not None and gain.is_better else {})
        for gain in gains
    }
