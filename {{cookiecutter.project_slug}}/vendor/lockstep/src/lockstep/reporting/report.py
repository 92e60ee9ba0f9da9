"""Stage 4: measure the champion on the test rows, which no other stage opens."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.batches import prefetch, progress
from ..core.contract import Contract
from ..core.errors import end, exit_status
from ..core.files import replacing_directory, write_json, write_text
from ..core.params import Kind, Params
from ..core.project import Project
from ..core.stage import run
from ..core.table import Table, write_csv
from ..data.sample import sample
from ..data.split import has_given_split
from ..modeling.metrics import METRICS, Outcome, against, outcome, primary_metric, summary
from .facts import Facts, figure_and_interval, in_one
from .figures import write_png

if TYPE_CHECKING:
    import pandas as pd

    from ..modeling.model import SavedModel
    from .gallery import Gallery


MOST_SHOWN = 50_000
"""Test rows that a figure or a table is made of."""


def summarise(params: Params, champion: Outcome, baseline: Outcome) -> dict[str, Any]:
    """All metrics of the champion with their intervals, beside those of the baseline."""
    scores = against(params.kind, champion, baseline, params.evaluate, params.seed)
    return {"test_rows": len(champion), **scores}


def by_subgroup(
    params: Params, contract: Contract, test: pd.DataFrame, champion: Outcome
) -> list[dict[str, Any]]:
    """All metrics of the champion for the rows of each value of the contract's subgroups."""
    lines: list[dict[str, Any]] = []
    for column in contract.subgroups:
        values = test[column].fillna("missing")
        for value in sorted(values.unique()):
            part = champion.only((values == value).to_numpy())
            scores = summary(params.kind, part, params.evaluate, params.seed)
            lines.append({"column": column, "value": value, "test_rows": len(part), **scores})
    return lines


def unlearnt(actual: pd.Series, champion: SavedModel) -> list[str]:
    """The classes of the test rows that the champion has not learnt."""
    if champion.kind == "regression":
        return []
    return sorted({*actual.unique()} - {*champion.pipeline.classes_})


def outcomes(test: Table, models: Sequence[SavedModel]) -> tuple[pd.DataFrame, list[Outcome]]:
    """What each model says of the test rows, which come in batches.

    Returns:
        Of each row the target and what rows are told apart by; and an outcome for each model.
    """
    import pandas as pd

    contract = models[0].contract
    needed = [contract.target, contract.group, contract.part, *contract.subgroups]
    columns = [name for name in dict.fromkeys(needed) if name is not None]
    told_apart = []
    parts: list[list[Outcome]] = [[] for _ in models]
    with progress("evaluate") as count:
        for batch in prefetch(test.batches()):
            told_apart.append(batch[columns])
            actual = batch[contract.target].to_numpy()
            for model, own in zip(models, parts, strict=True):
                own.append(outcome(actual, model.predict(batch), contract.classes))
            count(len(batch))
    rows = pd.concat(told_apart, ignore_index=True)
    groups = rows[contract.group] if contract.group else None
    return rows, [Outcome.joined(own, groups) for own in parts]


def shown(test: Table, found: Outcome, seed: int) -> tuple[pd.DataFrame, Outcome]:
    """The test rows that figures and tables are made of: all, or a sample where they are many."""
    rows, places = sample(test, None, MOST_SHOWN, seed)
    return rows, found.only(places)


def draw(
    params: Params,
    champion: SavedModel,
    test: pd.DataFrame,
    found: Outcome,
    history: pd.DataFrame,
    sizes: pd.DataFrame,
) -> Gallery:
    """All figures and tables of this kind of problem."""
    from . import gallery

    metric = primary_metric(params.kind, params.train.metric)
    parts = [
        gallery.of_classes(found)
        if params.kind == "classification"
        else gallery.of_numbers(found, champion.contract.target),
        gallery.of_images(champion, test, found)
        if champion.contract.images
        else gallery.of_features(champion, test, metric, params.seed),
        gallery.of_training(history, sizes, champion.candidate, metric),
    ]
    return gallery.Gallery(
        {name: picture for part in parts for name, picture in part.pictures.items()},
        {name: table for part in parts for name, table in part.tables.items()},
    )


def scores_as_text(kind: Kind, scores: dict[str, Any], champion: str) -> str:
    """The metrics of champion and baseline as lines of text."""
    lines = [["", champion, "baseline"]]
    for metric in METRICS[kind]:
        found = (scores, scores["baseline"])
        lines.append(
            [metric.name, *(in_one(*figure_and_interval(part, metric.name)) for part in found)]
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ([cell.ljust(wide) for cell, wide in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def nearly_perfect(metrics: dict[str, Any]) -> bool:
    """Whether a champion is better than one that has learnt from honest features mostly is."""
    log_loss, r2 = metrics.get("log_loss"), metrics.get("r2")
    return bool((log_loss is not None and log_loss < 0.005) or (r2 is not None and r2 > 0.9999))


def main() -> None:
    """Run the stage in the project around the working directory."""
    import pandas as pd

    from ..modeling.model import load
    from .pages import model_card, report

    project = Project.find()
    params = project.params
    champion, baseline = (
        load(project.require(path), project.name(path))
        for path in (project.champion, project.baseline)
    )
    leaderboard, history, sizes = (
        pd.read_csv(project.require(path))
        for path in (project.leaderboard, project.history, project.training_sizes)
    )
    test = Table(project.require(project.test), project.name(project.test))
    contract = champion.contract
    rows, (found, expected) = outcomes(test, (champion, baseline))
    if unknown := unlearnt(rows[contract.target], champion):
        print(
            f"evaluate: no train row is {' or '.join(unknown)}, which the test rows hold; "
            "the champion never predicts it",
            file=sys.stderr,
        )
    metrics = summarise(params, found, expected)
    metrics["subgroups"] = by_subgroup(params, contract, rows, found)
    table, part = shown(test, found, params.seed)
    drawn = draw(params, champion, table, part, history, sizes)
    captions = {name: picture.caption for name, picture in drawn.pictures.items()}
    facts = Facts(
        champion,
        params,
        leaderboard,
        metrics,
        json.loads(project.require(project.ingest_report).read_text(encoding="utf-8")),
        len(Table(project.require(project.train), project.name(project.train))),
        has_given_split=has_given_split(rows, contract),
    )
    write_json(metrics, project.metrics)
    with replacing_directory(project.figures) as directory:
        for name, picture in drawn.pictures.items():
            write_png(picture.figure, directory / f"{name}.png")
    with replacing_directory(project.plots) as directory:
        predictions = champion.predict(table).assign(actual=table[contract.target])
        write_csv(predictions, directory / "predictions.csv")
        for name, lines in drawn.tables.items():
            write_csv(lines, directory / f"{name}.csv")
    write_text(model_card(facts, captions), project.model_card)
    write_text(report(facts, captions, project.figures), project.report)
    print(scores_as_text(params.kind, metrics, champion.candidate))
    if nearly_perfect(metrics):
        print(
            "evaluate: nearly perfect on rows that it has not seen: make sure that no feature is "
            "known only once the target is"
        )
    print(
        f"evaluate: {champion.candidate} on {len(rows)} test rows, figures with their "
        f"{100 * params.evaluate.confidence:g}% intervals -> {project.name(project.metrics)}"
    )
    print(f"evaluate: all of it as a page to read -> {project.name(project.report)}")


if __name__ == "__main__":
    end(exit_status(lambda: run("evaluate", main)))
