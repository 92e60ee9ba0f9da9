"""What the last run of the pipeline computed, and the commit that it stands at."""

from __future__ import annotations

import csv

from ..core.decimals import count_decimals
from ..core.errors import UserError
from ..core.paths import Paths
from ..core.programs import read_output
from ..reporting.markdown import directive, plain, table

REPORT = "{download}`the report <../reports/index.html>`"
NOTHING_YET = """\
Nothing has been computed yet. After `uv run dvc repro` the model card, the figures and the
leaderboard stand here.
"""


def results_page(paths: Paths) -> str:
    """The model card and the whole leaderboard, or a sentence while there are none."""
    if not (paths.model_card.exists() and paths.report.exists()):
        return f"# Results\n\n{NOTHING_YET}"
    return f"""\
# Results

{_describe_commit(paths)}The same for everybody, as one page to send or to print: {REPORT}.

{directive("include", "../reports/model_card.md", ":heading-offset: 1", ":relative-images:")}

## Leaderboard

The mean over the folds and, where there are several, the standard deviation.

{_leaderboard(paths)}
"""


def _describe_commit(paths: Paths) -> str:
    """Where the project stands in git; nothing if git does not know."""
    commit = read_output(["git", "rev-parse", "--short", "HEAD"], paths.root)
    changes = read_output(["git", "status", "--porcelain"], paths.root)
    if commit is None or changes is None:
        return ""
    return f"At commit `{commit}`{', with changes since then' if changes else ''}. "


def _leaderboard(paths: Paths) -> str:
    with paths.leaderboard.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, restkey="", restval=""))
    if not lines or not {"candidate", "champion"} <= lines[0].keys():
        name = paths.name(paths.leaderboard)
        raise UserError(f"{name}: not a leaderboard that `train` has written")
    metrics = [name.removesuffix("_mean") for name in lines[0] if name.endswith("_mean")]
    rows = []
    for line in lines:
        candidate = plain(line["candidate"])
        means = [_format_mean(line[f"{name}_mean"], line[f"{name}_std"]) for name in metrics]
        rows.append([f"**{candidate}**" if line["champion"] == "True" else candidate, *means])
    return table(["candidate", *map(plain, metrics)], rows)


def _format_mean(mean: str, spread: str) -> str:
    if not mean:
        return "undefined"
    form = f".{count_decimals(float(mean))}f"
    return f"{float(mean):{form}}" + (f" ± {float(spread):{form}}" if spread else "")
