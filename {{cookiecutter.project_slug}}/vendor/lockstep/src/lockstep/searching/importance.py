"""Which options a candidate's best trials have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..core.params import Space
from ..modeling.metrics import Metric
from .study import import_optuna, remake_study
from .trials import Trial

BEST_SHARE, FEWEST_TRIALS = 0.25, 20
"""What counts as the best of the trials; of fewer trials nothing can be said."""


def measure_importance(
    trials: Sequence[Trial], space: Space, metric: Metric
) -> dict[str, float] | None:
    """The share of each coordinate of `space` in what sets the best quarter of the trials apart.

    By PED-ANOVA (Watanabe et al., 2023), which compares how these and all trials are spread over
    an option. It heeds their order only, which networks that were dropped early have too: they are
    behind all that went on. None where the trials are too few, or have a single option.
    """
    if len(trials) < FEWEST_TRIALS or len(space) < 2:
        return None
    states = ("complete", "dropped", "failed")

    def rank(trial: Trial) -> tuple[int, int, float]:
        return states.index(trial.state), -(trial.epochs or 0), -metric.sign * trial.mean

    ranking = [
        replace(trial, state="complete", mean=-metric.sign * place)
        for place, trial in enumerate(sorted(trials, key=rank))
    ]
    importance = import_optuna().importance
    evaluator = importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
    study = remake_study(space, ranking, metric)
    shares: dict[str, float] = importance.get_param_importances(study, evaluator=evaluator)
    return shares
