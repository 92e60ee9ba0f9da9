"""The figures of several labels, and the tables that they are drawn from."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..modeling.outcome import Outcome
from . import curves, figures, label_figures
from .gallery import Gallery, Picture
from .labels import count_together, list_frequent, tabulate_together

MOST_BARS, MOST_SQUARES = 20, 20
"""Labels in a figure, the most frequent ones."""


def show_labels(outcome: Outcome, lines: list[dict[str, Any]]) -> Gallery:
    """How well labels are told, which come together, and how far probabilities can be trusted.

    Args:
        outcome: Of the test rows.
        lines: What metrics.json says of each label.
    """
    count = len(lines)
    many = f", the {MOST_BARS} most frequent of {count}" if count > MOST_BARS else ""
    order = sorted(lines, key=lambda line: -line["rows"])[:MOST_BARS]
    frequent = list_frequent(outcome, figures.MOST_CURVES)
    traced, averages = curves.precision_recall(outcome.take_labels(frequent.tolist()))
    calibration = curves.calibration(outcome)
    shown = list_frequent(outcome, MOST_SQUARES)
    squares = {
        "actual": count_together(outcome.actual[:, shown]),
        "predicted": count_together(outcome.decisions[:, shown]),
    }
    names = [outcome.labels[place] for place in shown]
    pictures = {
        "labels": Picture(
            label_figures.label_bars(order, f"Precision and recall of each label{many}"),
            "Of the rows that are given a label the share that has it (precision), and of those "
            "that have it the share that is found (recall); in brackets how many test rows have "
            "it.",
        ),
        "precision_recall": Picture(
            figures.precision_recall_curves(traced, averages),
            "How many of the rows given a label have it, over how many of its rows are found, for "
            "the most frequent labels; best is the upper right corner.",
        ),
        "calibration": Picture(
            figures.calibration(calibration, "a label"),
            "How often a label is there, over its predicted probability, for all labels together; "
            "on the dotted line probabilities are right.",
        ),
        "labels_together": Picture(
            label_figures.labels_together(squares, names),
            "How often labels come together, in the test rows and in what was predicted of them: "
            "of the rows with the label on the left, the share that has the one below, too.",
        ),
    }
    tables = {
        "labels": pd.DataFrame(lines),
        "precision_recall": traced,
        "calibration": calibration,
        "labels_together": tabulate_together(outcome),
    }
    return Gallery(pictures, tables)
