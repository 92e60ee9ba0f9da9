"""How candidates do with options: from the journal or, where it does not know, by validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, nan

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline, make_pipeline

from ..core.errors import UserError
from ..core.project import Project
from ..data.folds import make_folds
from ..modeling.candidates import CANDIDATES, make_candidate
from ..modeling.compare import STANDARD_ERROR, Validation, summarise_scores, try_candidates
from ..modeling.cost import estimate_compiling, estimate_cost
from ..modeling.features import make_features
from ..modeling.metrics import primary_metric
from ..modeling.postprocessing import require_fitting_decision
from ..modeling.problem import Problem
from ..modeling.train_rows import TrainRows
from .fingerprint import fingerprint
from .journal import Figures, Journal
from .space import Options

EPOCHS = "max_epochs"
"""The option of a network, by which it is told from other candidates."""


@dataclass(frozen=True)
class Request:
    """A candidate with all its options, which are to be tried."""

    label: str
    """What messages call it."""
    candidate: str
    options: Options
    pipeline: Pipeline | None
    """Features and estimator; None where the candidate refuses these options together."""
    refusal: str = ""
    epochs: int | None = None
    """The most that it learns for, if it is a network."""
    cost: float = 0.0
    """Seconds, as of `estimate_cost`, to try it on all folds."""


class Evaluator:
    """Tries candidates on the folds that the leaderboard is made of, and writes down how they do.

    Attributes:
        cost: Of all requests so far; it is the same in each run.
        fresh_cost: Of those that the journal did not know.
        outlook: Of all that is to come, roughly; it decides whether workers are worth starting.
    """

    def __init__(self, project: Project, problem: Problem) -> None:
        self._params, self._contract, self._problem = project.params, project.examples, problem
        self.metric = primary_metric(self._params)
        self._rows = TrainRows.load(project)
        self._folds = make_folds(self._rows.table, self._contract, self._params)
        require_fitting_decision(self._params, self._contract)
        # Only now, since a mistake in the settings must not cost what was found for right ones.
        self._journal = Journal(project, fingerprint(project))
        self.cost = self.fresh_cost = self.outlook = 0.0

    def prepare(self, label: str, candidate: str, options: Options, share: int = 1) -> Request:
        """What is to be tried, with a network's epochs divided by `share`."""
        try:
            estimator = make_candidate(candidate, options, self._problem)
            epochs = _read_epochs(candidate, options, estimator)
            if epochs and share > 1:
                epochs = ceil(epochs / share)
                options = options | {EPOCHS: epochs}
                estimator = make_candidate(candidate, options, self._problem)
        except UserError as error:
            return Request(label, candidate, options, None, _strip(error, candidate))
        features = make_features(candidate, self._params, self._contract)
        pipeline = make_pipeline(features, estimator)
        learn, _ = self._folds[-1]
        fit = estimate_cost(pipeline, self._contract, len(learn))
        cost = len(self._folds) * fit + estimate_compiling(pipeline)
        return Request(label, candidate, options, pipeline, epochs=epochs, cost=cost)

    def evaluate(self, requests: Sequence[Request]) -> Iterator[Figures]:
        """The figures of each, in their order, as they become known."""
        memory: dict[str, Figures] = {}
        for request in requests:
            figures = self._journal.get(request.candidate, request.options)
            if request.pipeline is None:
                figures = Figures(nan, nan, request.refusal)
            if figures:
                memory[request.label] = figures
        pipelines = {
            request.label: request.pipeline
            for request in requests
            if request.pipeline and request.label not in memory
        }
        outcomes = try_candidates(pipelines, self._rows, self._folds, cost=self.outlook)
        for request in requests:
            figures = memory.get(request.label)
            if figures is None:
                _, outcome = next(outcomes)
                figures = self._summarise(outcome, request)
                self._journal.add(request.candidate, request.options, figures)
                self.fresh_cost += request.cost
            self.cost += request.cost
            yield figures

    def _summarise(self, outcome: Validation | UserError, request: Request) -> Figures:
        """The primary metric, as a line of the leaderboard has it."""
        if isinstance(outcome, UserError):
            return Figures(nan, nan, _strip(outcome, request.label))
        line = summarise_scores(outcome.scores, self.metric)
        mean = float(line[f"{self.metric.name}_mean"])
        if not isfinite(mean):
            return Figures(nan, nan, f"{self.metric.name} is not defined")
        return Figures(mean, float(line[STANDARD_ERROR]))


def has_epochs(candidate: str) -> bool:
    """Whether it is a network."""
    return EPOCHS in CANDIDATES.options(candidate)


def _read_epochs(candidate: str, options: Options, estimator: BaseEstimator) -> int | None:
    """The most that a network learns for, also where its estimator is within another."""
    if not has_epochs(candidate):
        return None
    default = CANDIDATES.schema(candidate)["properties"][EPOCHS].get("default")
    epochs: int | None = getattr(estimator, EPOCHS, options.get(EPOCHS, default))
    return epochs


def _strip(error: UserError, label: str) -> str:
    """The reason alone, in a line: that it is this candidate of params.yaml is known."""
    reason = "; ".join(str(error).splitlines())
    return reason.removeprefix(f"params.yaml: train.candidates.{label}: ")
