"""What to try next, learnt from the trials before by Optuna."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..core.errors import UserError
from ..core.params import Domain, Space
from ..modeling.metrics import Metric
from .space import LENGTH, Options, decode, encode, label
from .trials import Trial

if TYPE_CHECKING:
    from optuna import Study

STARTUP_TRIALS = 8
"""Trials before which there is too little to learn from, and options are drawn at random."""
ATTEMPTS = 8
"""How often at most, for each trial wanted, the sampler is asked for options not tried before."""


def import_optuna() -> Any:
    """Optuna, which keeps to itself what it logs.

    Raises:
        UserError: It is not installed.
    """
    try:
        optuna = import_module("optuna")
    except ModuleNotFoundError as error:
        raise UserError(
            "tune: it needs optuna, which is not installed; `uv add --dev optuna` installs it"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def ask(
    space: Space, trials: Sequence[Trial], metric: Metric, count: int, seed: str
) -> list[Options]:
    """So many options to try at the same time, none of which was tried before, or fewer.

    They depend on the arguments only: the sampler, a tree-structured Parzen estimator over all
    options at once (Bergstra et al., 2011; Falkner et al., 2018), is made anew for each call. It
    takes what it has proposed for the worst until more is known, and so spreads its proposals.

    Args:
        space: What may be tried.
        trials: What is known, in the order in which it was asked for.
        metric: What the trials were measured by.
        count: How many options are wanted.
        seed: A text.
    """
    optuna = import_optuna()
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    sampler = optuna.samplers.TPESampler(
        seed=number, multivariate=True, constant_liar=True, n_startup_trials=STARTUP_TRIALS
    )
    study = remake_study(space, trials, metric, sampler)
    distributions = _make_distributions(space)
    labels = {label(trial.options) for trial in trials}
    proposals: list[Options] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(count * ATTEMPTS):
            options = decode(space, study.ask(distributions).params)
            if label(options) not in labels:
                labels.add(label(options))
                proposals.append(options)
            if len(proposals) == count:
                break
    return proposals


def remake_study(
    space: Space, trials: Sequence[Trial], metric: Metric, sampler: Any = None
) -> Study:
    """A study of Optuna that has the trials within the space, of one candidate.

    A dropped trial is pruned after its epochs; a failed one is pruned before any, which makes it
    the worst of all: Optuna would forget a failure.
    """
    optuna = import_optuna()
    study: Study = optuna.create_study(
        direction="maximize" if metric.higher_is_better else "minimize", sampler=sampler
    )
    distributions, states = _make_distributions(space), optuna.trial.TrialState
    for trial in trials:
        coordinates = encode(space, trial.options)
        if coordinates is None:
            continue
        is_complete = trial.state == "complete"
        study.add_trial(
            optuna.trial.create_trial(
                params=coordinates,
                distributions=distributions,
                state=states.COMPLETE if is_complete else states.PRUNED,
                value=trial.mean if is_complete else None,
                intermediate_values=(
                    {trial.epochs: trial.mean} if trial.state == "dropped" and trial.epochs else {}
                ),
            )
        )
    return study


def _make_distributions(space: Space) -> dict[str, Any]:
    """Of each coordinate, as `encode` names them."""
    optuna = import_optuna()
    distributions: dict[str, Any] = {}
    for name, domain in space.items():
        distributions[name] = _make_distribution(domain)
        if domain.length and not domain.choices:
            length = optuna.distributions.IntDistribution(*domain.length)
            distributions[LENGTH.format(name)] = length
    return distributions


def _make_distribution(domain: Domain) -> Any:
    of = import_optuna().distributions
    if domain.choices:
        return of.CategoricalDistribution([label(choice) for choice in domain.choices])
    distribution = of.IntDistribution if domain.is_whole else of.FloatDistribution
    return distribution(domain.low, domain.high, log=domain.log)
