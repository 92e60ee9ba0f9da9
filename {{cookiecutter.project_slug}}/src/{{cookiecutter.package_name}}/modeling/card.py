"""The model card: what the champion is, how it was chosen and what it is not for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..params import Kind, Params
from .metrics import METRICS, primary_metric

if TYPE_CHECKING:
    import pandas as pd

    from ..data.contract import Contract
    from .saved import SavedModel


def model_card(
    params: Params,
    champion: SavedModel,
    leaderboard: pd.DataFrame,
    metrics: dict[str, Any],
    figures: Iterable[str],
    *,
    given_split: bool,
) -> str:
    """The card as Markdown.

    After Mitchell et al., "Model Cards for Model Reporting", 2019.

    Args:
        params: All of params.yaml.
        champion: The model that the card is about.
        leaderboard: Scores of every candidate, as `train` writes them.
        metrics: Scores on the test rows, as `evaluate` writes them.
        figures: Names of the pictures in reports/figures, without extension.
        given_split: Whether somebody else has set the test rows apart.
    """
    contract = champion.contract
    primary = primary_metric(params.kind, params.train.metric).name
    names = [metric.name for metric in METRICS[params.kind]]
    many = len(champion.features)
    source = "an image" if contract.images else f"{many} feature{'s' if many > 1 else ''}"
    return "\n".join(
        [
            f"# Model card: {champion.candidate} for {contract.target}",
            "",
            f"Predicts `{contract.target}` ({contract.columns[contract.target].meaning}) from "
            f"{source}: a {params.kind}.",
            "",
            "## Data",
            "",
            f"{contract.title}. Source: {contract.source}. Licence: {contract.licence}.",
            "",
            f"{metrics['test_rows']} rows were set apart before any model was fitted, "
            f"{_split(params, contract, given_split)}; only the figures of "
            "the test rows come from them.",
            "",
            "## How the champion was chosen",
            "",
            f"By the mean {primary} {_compared_on(params)}; {_rule(params)}.",
            "",
            *_table(
                ["candidate", f"{primary} mean", "standard error"],
                (
                    [
                        f"**{row['candidate']}**" if row["champion"] else row["candidate"],
                        f"{row[f'{primary}_mean']:.4f}",
                        f"{row['standard_error']:.4f}",
                    ]
                    for _, row in leaderboard.iterrows()
                ),
            ),
            "",
            "## On the test rows",
            "",
            f"In brackets the {100 * params.evaluate.confidence:g}% bootstrap interval.",
            "",
            *_table(
                ["metric", champion.candidate, "baseline"],
                (
                    [
                        name,
                        *(with_interval(found, name) for found in (metrics, metrics["baseline"])),
                    ]
                    for name in names
                ),
            ),
            "",
            *_subgroups(metrics["subgroups"], primary),
            *(f"![{name.replace('_', ' ')}](figures/{name}.png)" for name in figures),
            "",
            "## Limits",
            "",
            *_limits(params.kind, metrics, primary),
            "",
        ]
    )


def _split(params: Params, contract: Contract, given: bool) -> str:
    if given:
        return f"those that `{contract.part}` calls test"
    share = f"{100 * params.split.test_fraction:g}%"
    match params.split.by:
        case "time":
            return f"the latest {share} by `{contract.time}`"
        case "group":
            return f"about {share}, every `{contract.group}` whole"
    return f"about {share}, each drawn by what it holds"


def _compared_on(params: Params) -> str:
    if params.train.holdout is not None:
        return f"on {100 * params.train.holdout:g}% of the train rows, held out"
    way = {
        "row": "cross-validation folds of the train rows",
        "group": "cross-validation folds of whole groups of the train rows",
        "time": "folds of the train rows, each learnt from what came before",
    }
    return f"over {params.train.folds} {way[params.split.by]}"


def _rule(params: Params) -> str:
    if params.train.one_standard_error:
        return "the first candidate within one standard error of the best is taken"
    return "a tie goes to the candidate listed first"


def _subgroups(lines: list[dict[str, Any]], primary: str) -> list[str]:
    if not lines:
        return []
    rows = (
        [line["column"], line["value"], str(line["test_rows"]), with_interval(line, primary)]
        for line in lines
    )
    return ["Told apart:", "", *_table(["column", "value", "test rows", primary], rows), ""]


def _limits(kind: Kind, metrics: dict[str, Any], primary: str) -> list[str]:
    baseline = metrics["baseline"]
    ends = [scores["intervals"][primary] for scores in (metrics, baseline)]
    apart = None not in ends and (ends[0][0] > ends[1][1] or ends[0][1] < ends[1][0])
    doubt = (
        f"- The intervals of champion and baseline overlap in {primary}: on "
        f"{metrics['test_rows']} rows the champion is not shown to be any better."
    )
    names = [
        metric
        for metric in METRICS[kind]
        if None not in (metrics[metric.name], baseline[metric.name])
    ]
    worse = [
        metric.name
        for metric in names
        if (metrics[metric.name] < baseline[metric.name]) == metric.higher_is_better
        and metrics[metric.name] != baseline[metric.name]
    ]
    return [
        *([] if apart else [doubt]),
        *([f"- The champion is worse than the baseline in {', '.join(worse)}."] if worse else []),
        "- The figures hold for rows like those in the data set.",
        "- Rows outside the ranges of `references/schema.yaml` are refused, not predicted.",
        "- Nothing here shows that a feature causes the outcome.",
    ]


def with_interval(scores: dict[str, Any], metric: str) -> str:
    """A figure and its interval, as `metrics.summary` gives them, for people."""
    if scores[metric] is None:
        return "undefined"
    low, high = scores["intervals"][metric]
    return f"{scores[metric]:.4f} ({low:.4f} to {high:.4f})"


def _table(header: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return [f"| {' | '.join(cells)} |" for cells in escaped]
