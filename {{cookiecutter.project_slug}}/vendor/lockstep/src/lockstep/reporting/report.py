"""The report of an evaluation: its figures, their tables, the model card and the page."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from ..core.files import replacing_directory, write_text
from ..core.params import predicts_numbers
from ..core.project import Project
from ..core.table import Table, write_csv
from ..data.row_names import digest_names, name_rows
from ..data.sample import sample_rows
from ..data.split import has_given_split
from ..modeling.metrics import RATES, primary_metric
from ..modeling.model import Model
from ..modeling.outcome import FORECAST, SUBGROUP, Outcome
from . import figures, gallery
from .anomalies import find_oddest
from .anomaly_gallery import show_anomalies
from .cluster_facts import list_clusters
from .cluster_gallery import show_clusters
from .clusters import describe_clusters, measure_sizes
from .facts import Facts, describe_test_size
from .forecast_facts import describe_gaps
from .forecast_gallery import show_forecasts
from .forecasts import Forecasts
from .label_gallery import show_labels
from .ordered import show_order
from .pages import render_model_card, render_report
from .rates import show_rates
from .record import write_record
from .signal_gallery import show_signals
from .signals import Signals
from .slices import measure_slices, row_losses
from .words import tabulate_mistakes, tell_words, weigh_words

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
        baseline: The baseline's.
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
        baseline: Outcome,
        metrics: dict[str, Any],
    ) -> None:
        self.project, self.champion = project, champion
        self.rows, self.metrics = rows, metrics
        self.sample, places = sample_rows(test, None, PLOT_ROWS, project.params.seed)
        self.outcome, self.baseline = outcome.take(places), baseline.take(places)
        self.sizes, self.profiles, lines = pd.DataFrame(), [], None
        if champion.contract.clusters:
            self.sizes = measure_sizes(champion.clusters, outcome)
            self.profiles = describe_clusters(champion, self.sample, self.outcome)
            lines = list_clusters(self.profiles, self.sizes)
        self.forecasts: Forecasts | None = None
        if champion.contract.forecasts:
            tables = (project.table(project.train), test)
            metric = primary_metric(project.params)
            self.forecasts = Forecasts(champion.contract, metric, rows, outcome, baseline, *tables)
        leaderboard, self.history, self.training_sizes = (
            pd.read_csv(project.require(path))
            for path in (project.leaderboard, project.history, project.training_sizes)
        )
        self.words: dict[str, pd.DataFrame] = {}
        word_facts = None
        if champion.contract.texts:
            weights = weigh_words(champion, self.sample, project.params.seed)
            mistakes = tabulate_mistakes(self.outcome)
            self.words = {"words": weights, "mistakes": mistakes}
            word_facts = tell_words(champion, self.sample, weights, mistakes)
        self.facts = Facts(
            champion,
            project.params,
            leaderboard,
            metrics,
            json.loads(project.require(project.ingest_report).read_text(encoding="utf-8")),
            len(project.table(project.train)),
            has_given_split(rows, champion.contract),
            self._measure_slices(),
            project.title,
            describe_test_size(rows, champion.contract),
            find_oddest(champion, self.sample, self.outcome)
            if champion.contract.anomalies
            else None,
            lines,
            word_facts,
        )

    def _measure_slices(self) -> pd.DataFrame:
        contract, outcome = self.champion.contract, self.outcome
        if not contract.is_supervised:  # what is not known of a row is no loss
            return pd.DataFrame()
        return measure_slices(contract, self.sample, row_losses(outcome), outcome.groups)

    def write(self) -> None:
        """Write reports/figures, reports/plots, the model card, the page and the run's record."""
        project, (pictures, tables) = self.project, self._show()
        tables |= self.words
        predictions = self.champion.apply(self.sample)
        tables["predictions"] = pd.concat([predictions, self._describe_rows()], axis=1)
        if self.facts.has_slices:
            tables["slices"] = self.facts.slices
        with replacing_directory(project.figures) as directory:
            for name, picture in pictures.items():
                figures.save(picture.figure, directory / f"{name}.png")
        with replacing_directory(project.plots) as directory:
            for name, table in tables.items():
                write_csv(table, directory / f"{name}.csv")
        captions = {name: picture.caption for name, picture in pictures.items()}
        write_text(render_model_card(self.facts, captions), project.model_card)
        page = render_report(self.facts, captions, project.figures, project.command)
        write_text(page, project.report)
        write_record(project, self.champion, self.metrics, digest_names(self.rows.index))

    def _describe_rows(self) -> pd.DataFrame:
        """What is true of the rows of the sample, and what another run needs to be paired with."""
        contract = self.facts.contract
        groups, injected = self.outcome.groups, self.outcome.injected
        return pd.concat(
            [
                self.sample[contract.target].rename("actual"),
                pd.DataFrame() if injected is None else injected.reset_index(drop=True),
                self.outcome.tabulate_clusters(),
                self.sample[FORECAST if contract.forecasts else []],
                name_rows(self.sample, contract),
                pd.DataFrame({} if groups is None else {"group": groups}, self.sample.index),
                self.sample[[*contract.subgroups]].add_prefix(SUBGROUP),
            ],
            axis=1,
        )

    def _show(self) -> gallery.Gallery:
        """The figures that suit the problem."""
        facts, champion, seed = self.facts, self.champion, self.project.params.seed
        target, coverage = facts.contract.target, champion.postprocessing.coverage
        history, sizes = self.history, self.training_sizes
        training = gallery.show_training(history, sizes, champion.candidate, facts.primary)
        if facts.contract.anomalies:
            outcomes = self.outcome, self.baseline
            return gallery.join(show_anomalies(champion, self.sample, *outcomes, seed), training)
        if facts.contract.clusters:
            told = self.sizes, self.profiles
            clusters = show_clusters(champion, self.sample, self.outcome, *told, seed)
            return gallery.join(clusters, training)
        parts = []
        if self.forecasts is not None:
            parts.append(show_forecasts(self.forecasts, self.metrics))
        if champion.kind == "classification":
            parts.append(gallery.show_classes(self.outcome))
        elif champion.kind == "multilabel":
            parts.append(show_labels(self.outcome, self.metrics["labels"]))
        else:
            parts.append(gallery.show_numbers(self.outcome, target))
        if facts.contract.is_ordered:
            parts.append(show_order(self.outcome))
        if facts.primary.name in RATES:
            is_whole = facts.target.type == "integer"
            exposure = facts.contract.exposure
            parts.append(show_rates(self.outcome, target, exposure, is_whole=is_whole))
        if len(self.outcome.classes) == 2:
            parts.append(gallery.show_decisions(self.outcome, self.baseline))
        if coverage is not None and self.forecasts is None:
            parts.append(gallery.show_intervals(self.outcome, target, coverage))
        if facts.contract.points is not None:
            parts.append(show_signals(Signals(champion, self.sample, self.outcome), target))
        if facts.contract.images:
            parts.append(gallery.show_mistakes(champion, self.sample, self.outcome))
        if facts.has_columns:
            parts.append(gallery.show_features(champion, self.sample, facts.primary, seed))
        return gallery.join(*parts, training)

    def warnings(self) -> list[str]:
        """What stands in the way of an honest evaluation, a line each."""
        if predicts_numbers(self.champion.kind):
            return describe_gaps(self.metrics)
        contract = self.champion.contract
        if contract.clusters and not self.metrics["structureless"]["is_exceeded"]:
            return self.facts.structure[:1]
        if contract.labels or not contract.is_supervised:
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
        if self.facts.is_baseline:
            lines = [line[:-1] for line in lines]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def summary(self) -> list[str]:
        """What was measured, whether to believe it and where it stands, a line each."""
        project, lines = self.project, []
        if not self.facts.is_better_than_baseline:
            lines.append(self.facts.verdict)
        if is_nearly_perfect(self.metrics):
            lines.append(
                "nearly perfect on rows that it has not seen: make sure that no feature is known "
                "only once the target is"
            )
        return [
            *lines,
            f"{self.champion.candidate} on {self.facts.test_size}, figures with their "
            f"{self.facts.confidence} intervals -> {project.name(project.metrics)}",
            f"all of it as a page to read -> {project.name(project.report)}",
        ]


def is_nearly_perfect(metrics: dict[str, Any]) -> bool:
    """Whether a champion is better than one that has learnt from honest features mostly is."""
    log_loss, mase, r2 = (metrics.get(name) for name in ("log_loss", "mase", "r2"))
    return bool(
        (log_loss is not None and log_loss < 0.005)
        or (mase is not None and mase < 0.02)
        or (r2 is not None and r2 > 0.9999)
    )
