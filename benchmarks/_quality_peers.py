"""NannyML on the windows that `_quality.py` has written; quality.py runs it.

    python benchmarks/_quality_peers.py FOLDER

CBPE and DLE with their defaults, which learn from what models predicted of rows held out. Its
bounds are three standard errors away; 1.96 of them are shown beside.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
os.environ["NML_DISABLE_USAGE_LOGGING"] = "true"  # or each step tells its maker, and waits for it

import nannyml  # noqa: E402

CLASSES = {"accuracy": "accuracy", "roc_auc": "roc_auc"}
NUMBERS = {"rmse": "rmse", "mae": "mae"}


def make_estimator(table: pd.DataFrame, names: list[str], size: int):
    """CBPE or DLE, as the target asks for."""
    of_classes = table["score"].between(0, 1).all() and set(table["actual"]) <= {0, 1}
    common = {"y_true": "actual", "chunk_size": size}
    if of_classes:
        return CLASSES, nannyml.CBPE(
            y_pred_proba="score",
            y_pred="decision",
            problem_type="classification_binary",
            metrics=[*CLASSES],
            **common,
        )
    return NUMBERS, nannyml.DLE(
        feature_column_names=names,
        y_pred="score",
        metrics=[*NUMBERS],
        hyperparameters={"verbosity": -1},  # its defaults but for what it prints
        **common,
    )


def measure(name: str, window: pd.DataFrame) -> float:
    """A metric of a window."""
    actual, score = window["actual"], window["score"]
    if name == "accuracy":
        return float((window["decision"] == actual).mean())
    if name == "roc_auc":
        ranks, positives = score.rank(), actual.sum()
        pairs = positives * (len(actual) - positives)
        return float((ranks[actual == 1].sum() - positives * (positives + 1) / 2) / pairs)
    errors = score - actual
    return float(np.sqrt((errors**2).mean()) if name == "rmse" else errors.abs().mean())


def main(folder: Path) -> None:
    """Print the table."""
    cells = defaultdict(list)
    for file in sorted(folder.glob("*.parquet")):
        model, rows = file.stem.rsplit(", ", 2)[:2]
        table = pd.read_parquet(file)
        table["decision"] = (table["score"] >= 0.5).astype(int)
        names = [column for column in table if column.startswith("x")]
        parts = dict(list(table.groupby(["setting", "size"], sort=False)))
        reference = parts.pop(("reference", 0)).reset_index(drop=True)
        for (setting, size), window in parts.items():
            window = window.reset_index(drop=True)
            metrics, estimator = make_estimator(table, names, min(size, len(reference) // 2))
            estimator.fit(reference)
            estimator.chunker = nannyml.chunk.SizeBasedChunker(size)
            result = estimator.estimate(window).filter(period="analysis").to_df().iloc[0]
            for metric in metrics:
                figure, error = result[metric, "value"], result[metric, "sampling_error"]
                truth = measure(metric, window)
                off = figure - truth
                held = (abs(off) <= 3 * error, abs(off) <= 1.96 * error)
                cells[model, int(rows), metric, setting, size].append((*held, off, truth))
    settings = [*dict.fromkeys(key[3:] for key in cells)]
    print("\nNannyML: percent within 3 standard errors, within 1.96, and how far it is off.\n")
    print(f"| model | learnt from | metric | {' | '.join(f'{s}, {n}' for s, n in settings)} |")
    print("| --- " * (3 + len(settings)) + "|")
    for model, rows, metric in dict.fromkeys(key[:3] for key in cells):
        texts = []
        for setting in settings:
            wide, narrow, off, truth = np.array(cells[(model, rows, metric, *setting)]).T
            share = 100 * off.mean() / truth.mean()
            texts.append(f"{100 * wide.mean():.0f}, {100 * narrow.mean():.0f} ({share:+.1f})")
        print(f"| {model} | {rows} | {metric} | {' | '.join(texts)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
