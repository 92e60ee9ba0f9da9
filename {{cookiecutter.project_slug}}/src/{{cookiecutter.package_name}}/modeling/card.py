"""The model card: what the champion is, how it was chosen and what it is not for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..params import Params

if TYPE_CHECKING:
    import pandas as pd

    from .saved import SavedModel


def model_card(
    params: Params,
    champion: SavedModel,
    leaderboard: pd.DataFrame,
    metrics: dict[str, Any],
    figures: Iterable[str],
) -> str:
    """The card as Markdown.

    After Mitchell et al., "Model Cards for Model Reporting", 2019.

    Args:
        params: All of params.yaml.
        champion: The model that the card is about.
        leaderboard: Scores of every candidate, as `train` writes them.
        metrics: Scores on the test rows, as `evaluate` writes them.
        figures: Names of the pictures in reports/figures, without extension.
    """
    contract, primary = champion.contract, params.train.metric
    names = [name for name in metrics["baseline"] if not name.endswith(("_low", "_high"))]
    share = f"{100 * params.split.test_fraction:g}"
    coverage = f"{100 * params.evaluate.confidence:g}%"
    return "\n".join(
        [
            f"# Model card: {champion.candidate} for {contract.target}",
            "",
            f"Predicts `{contract.target}` ({contract.columns[contract.target].meaning}) from "
            f"{len(contract.features)} features: a {params.kind}.",
            "",
            "## Data",
            "",
            f"{contract.title}. Source: {contract.source}. Licence: {contract.licence}.",
            "",
            f"{metrics['test_rows']} rows, as near to {share}% as whole rows allow, were "
            "set apart before any model was fitted; only the figures below come from them.",
            "",
            "## How the champion was chosen",
            "",
            f"By the mean {primary} over {params.train.folds} cross-validation folds of the train "
            "rows; a tie goes to the candidate listed first.",
            "",
            *_table(
                ["candidate", f"{primary} mean", "standard deviation over folds"],
                (
                    [
                        row["candidate"],
                        _number(row[f"{primary}_mean"]),
                        _number(row[f"{primary}_std"]),
                    ]
                    for _, row in leaderboard.iterrows()
                ),
            ),
            "",
            "## On the test rows",
            "",
            *_table(
                ["metric", champion.candidate, "baseline"],
                (
                    [name, _number(metrics[name]), _number(metrics["baseline"][name])]
                    for name in names
                ),
            ),
            "",
            f"{coverage} bootstrap interval of {primary}: {_bounds(metrics, primary)} for "
            f"{champion.candidate}, {_bounds(metrics['baseline'], primary)} for the baseline.",
            "",
            *(f"![{name.replace('_', ' ')}](figures/{name}.png)" for name in figures),
            "",
            "## Limits",
            "",
            "The figures hold for rows like those in the data set. Rows outside the ranges of "
            "`references/schema.yaml` are refused, not predicted. Nothing here shows that a "
            "feature causes the outcome.",
            "",
        ]
    )


def _table(header: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _number(value: float) -> str:
    return f"{value:.4f}"


def _bounds(metrics: dict[str, float], name: str) -> str:
    return f"{_number(metrics[f'{name}_low'])} to {_number(metrics[f'{name}_high'])}"
