"""Which figures there are of anomalies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..modeling.candidates import BASELINE
from ..modeling.model import Model
from ..modeling.outcome import Outcome
from . import anomaly_figures, curves, figures
from .anomalies import find_oddest, measure_importance, measure_ways, project_rows
from .gallery import Gallery, Picture


def show_anomalies(
    model: Model, rows: pd.DataFrame, outcome: Outcome, baseline: Outcome, seed: int
) -> Gallery:
    """How odd the test rows are, by what, and how well odd rows are told from others."""
    anomaly, learnt = outcome.classes[1], model.postprocessing
    scores = model.score(rows[model.contract.features])
    table = pd.DataFrame({"score": scores, "is_known": outcome.actual == 1})
    threshold = None
    if learnt.oddness is not None and learnt.threshold is not None:
        threshold = float(np.interp(learnt.threshold, learnt.oddness.shares, learnt.oddness.scores))
    pictures = {
        "scores": Picture(
            anomaly_figures.scores(table, threshold, anomaly),
            "Test rows by the score of the detector; the further right, the odder.",
        )
    }
    ways = measure_ways(outcome).rename(columns={"average_precision": "champion"})
    if model.candidate != BASELINE:
        ways["baseline"] = measure_ways(baseline)["average_precision"]
    if len(ways):
        pictures["injected"] = Picture(
            anomaly_figures.ways(ways),
            "How well test rows made odd on purpose are told from the same rows as they were: by "
            "one number far out, by half of the values from other rows, by half of the numbers at "
            "their lowest. True anomalies may be odd in other ways.",
        )
    pictures |= _show_labels(outcome)
    importance = measure_importance(model, rows, outcome)
    pictures["importance"] = Picture(
        anomaly_figures.importance(importance),
        "Which columns make the oddest test rows odd, in the mean over these.",
    )
    components = project_rows(model, rows, outcome, seed)
    if len(components):
        pictures["components"] = Picture(
            anomaly_figures.components(components, anomaly),
            "Test rows by the two leading principal components of their numbers; a row can be odd "
            "in a direction that these do not show.",
        )
    tables = {
        "scores": table,
        "injected": ways,
        "importance": importance,
        "oddest_rows": find_oddest(model, rows, outcome),
    }
    return Gallery(pictures, tables)


def _show_labels(outcome: Outcome) -> dict[str, Picture]:
    """How well known anomalies are told from rows known to be none; nothing without both."""
    known = outcome.take(outcome.actual >= 0)
    points, averages = curves.precision_recall(known)
    if not averages:
        return {}
    return {
        "precision_recall": Picture(
            figures.precision_recall_curves(points, averages),
            "Of the test rows with a label, how many of the oddest ones are anomalies, over how "
            "many of the anomalies are among them.",
        ),
        "confusion_matrix": Picture(
            figures.confusion_matrix(known),
            "Test rows with a label by what they are and what they are called.",
        ),
    }
