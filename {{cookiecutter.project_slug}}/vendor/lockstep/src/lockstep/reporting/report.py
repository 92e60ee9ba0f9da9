"""The report of an evaluation: its figures, their tables, the model card and the page."""

from __future__ import annotations

import json
from typing import Any

import matplotlib.style
import pandas as pd

from ..core.files import replacing_directory, write_text
from ..core.project import Project
from ..core.table import Table, write_csv
from ..data.sample import sample_rows
from ..data.split import has_given_split
from ..modeling.model import Model
from ..modeling.outcome import Outcome
from . import gallery
from .facts import Facts
from .pages import render_model_card, render_report

PLOT_ROWS = 50_000
"""Test rows that a figure or a table is made of."""


class Report:
    """What `evaluate` writes besides the metrics, and the lines that it prints.

    Args:
        project: What the other stages have written, and where the report belongs.
        champion: The model.
        test: All test rows.
        rows: (n_rows, n_columns) what they are told apart by, as `predict_all` gives it.
        outcome: The champion's, of the same rows.
        metrics: What metrics.json says.

    Raises:
        UserError: An earlier stage has not run.
    """

    def __init__(
        self,
        project: Project,
        champion: Model,
        test: Table,
        rows: pd.DataFrame,
        outcome: Outcome,
        metrics: dict[str, Any],
    ) -> None:
        self.project, self.champion, self.test = project, champion, test
        self.rows, self.outcome, self.metrics = rows, outcome, metrics
        leaderboard, self.history, self.training_sizes = (
            pd.read_csv(project.require(path))
            for path in (project.leaderboard, project.history, project.training_sizes)
        )
        self.facts = Facts(
            champion,
            project.params,
            leaderboard,
            metrics,
            json.loads(project.require(project.ingest_report).read_text(encoding="utf-8")),
            len(project.table(project.train)),
            has_given_split(rows, champion.contract),
        )

    def write(self) -> None:
        """Write reports/figures, reports/plots, the model card and the page."""
        project, champion, metric = self.project, self.champion, self.facts.primary
        contract, seed = champion.contract, project.params.seed
        rows, places = sample_rows(self.test, None, PLOT_ROWS, seed)
        outcome = self.outcome.take(places)
        parts = (
            gallery.show_classes(outcome)
            if champion.kind == "classification"
            else gallery.show_numbers(outcome, contract.target),
            gallery.show_mistakes(champion, rows, outcome)
            if contract.images
            else gallery.show_importance(champion, rows, metric, seed),
            gallery.show_training(self.history, self.training_sizes, champion.candidate, metric),
        )
        pictures = {name: each for part in parts for name, each in part.pictures.items()}
        tables = {name: each for part in parts for name, each in part.tables.items()}
        tables["predictions"] = champion.apply(rows).assign(actual=rows[contract.target])
        # As in figures.py, nothing of the user's own settings of matplotlib counts; and a file does
        # not say which version of matplotlib drew it.
        with replacing_directory(project.figures) as directory, matplotlib.style.context("default"):
            for name, picture in pictures.items():
                path = directory / f"{name}.png"
                picture.figure.savefig(path, dpi=144, metadata={"Software": None})
        with replacing_directory(project.plots) as directory:
            for name, table in tables.items():
                write_csv(table, directory / f"{name}.csv")
        captions = {name: picture.caption for name, picture in pictures.items()}
        write_text(render_model_card(self.facts, captions), project.model_card)
        page = render_report(self.facts, captions, project.figures, project.package)
        write_text(page, project.report)

    def warnings(self) -> list[str]:
        """What stands in the way of an honest evaluation, a line each."""
        if self.champion.kind == "regression":
            return []
        classes = {*self.rows[self.champion.contract.target].unique()}
        missing = " or ".join(sorted(classes - {*self.champion.pipeline.classes_}))
        if not missing:
            return []
        return [
            f"no train row is {missing}, which the test rows hold; the champion never predicts it"
        ]

    def scores(self) -> str:
        """The metrics of champion and baseline as a table of text."""
        lines = [["", self.champion.candidate, "baseline"]]
        for score in self.facts.scores:
            lines.append([score.metric.name, str(score.champion), str(score.baseline)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def summary(self) -> list[str]:
        """What was measured, whether to believe it and where it stands, a line each."""
        project, lines = self.project, []
        if is_nearly_perfect(self.metrics):
            lines.append(
                "nearly perfect on rows that it has not seen: make sure that no feature is known "
                "only once the target is"
            )
        return [
            *lines,
            f"{self.champion.candidate} on {len(self.rows)} test rows, figures with their "
            f"{self.facts.confidence} intervals -> {project.name(project.metrics)}",
            f"all of it as a page to read -> {project.name(project.report)}",
        ]


def is_nearly_perfect(metrics: dict[str, Any]) -> bool:
    """Whether a champion is better than one that has learnt from honest features mostly is."""
    log_loss, r2 = metrics.get("log_loss"), metrics.get("r2")
    return bool((log_loss is not None and log_loss < 0.005) or (r2 is not None and r2 > 0.9999))
