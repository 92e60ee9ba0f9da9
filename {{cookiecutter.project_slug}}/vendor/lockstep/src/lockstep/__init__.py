"""What a Lockstep project runs on; the names below are all that its owner needs.

Importing the library settles what numeric libraries read from the environment (threads, Keras'
backend), so import it before numpy, Keras and their kin. Each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .core.runtime import pin

pin()

if TYPE_CHECKING:
    from .core.contract import Column as Column
    from .core.contract import Contract as Contract
    from .core.errors import UserError as UserError
    from .core.files import write_json as write_json
    from .core.params import Params as Params
    from .core.project import Project as Project
    from .core.stage import run_stage as run_stage
    from .core.table import Table as Table
    from .core.table import write_csv as write_csv
    from .data.examples import make_examples as make_examples
    from .data.folds import make_folds as make_folds
    from .data.split import make_split as make_split
    from .modeling.baselines import BASELINES as BASELINES
    from .modeling.candidates import CANDIDATES as CANDIDATES
    from .modeling.candidates import candidate as candidate
    from .modeling.candidates import make_candidate as make_candidate
    from .modeling.clusterer import Density as Density
    from .modeling.compare import Leaderboard as Leaderboard
    from .modeling.compare import cross_validate as cross_validate
    from .modeling.compare import learning_curve as learning_curve
    from .modeling.compare import warn_of_rare_classes as warn_of_rare_classes
    from .modeling.convolutions import RandomConvolutions as RandomConvolutions
    from .modeling.derived import derived as derived
    from .modeling.detectors import Ecod as Ecod
    from .modeling.detectors import PcaError as PcaError
    from .modeling.exponential_smoothing import ExponentialSmoothing as ExponentialSmoothing
    from .modeling.features import make_features as make_features
    from .modeling.forecasters import BySteps as BySteps
    from .modeling.forecasters import Drift as Drift
    from .modeling.forecasters import LastValue as LastValue
    from .modeling.forecasters import SeasonalNaive as SeasonalNaive
    from .modeling.keras import keras as keras
    from .modeling.layers import RandomFlip as RandomFlip
    from .modeling.layers import RandomShift as RandomShift
    from .modeling.layers import make_embedding as make_embedding
    from .modeling.metrics import metric as metric
    from .modeling.model import Model as Model
    from .modeling.naive_bayes import make_naive_bayes as make_naive_bayes
    from .modeling.networks import Training as Training
    from .modeling.ordinal import OrdinalRegression as OrdinalRegression
    from .modeling.problem import Problem as Problem
    from .modeling.problem import make_problem as make_problem
    from .modeling.profile import make_profile as make_profile
    from .modeling.series import Series as Series
    from .modeling.smoothing import SmoothForest as SmoothForest
    from .modeling.smoothing import SmoothNeighbours as SmoothNeighbours
    from .modeling.smoothing import SmoothTree as SmoothTree
    from .modeling.steps import Scope as Scope
    from .modeling.steps import step as step
    from .modeling.tokens import TokenShape as TokenShape
    from .modeling.train_rows import TrainRows as TrainRows
    from .modeling.weighted import StandardisedTarget as StandardisedTarget
    from .modeling.weighted import WeightedNeighbours as WeightedNeighbours
    from .reading.check import check_raw as check_raw
    from .records.frames import tabulate_changes as tabulate_changes
    from .records.frames import tabulate_gains as tabulate_gains
    from .records.frames import tabulate_runs as tabulate_runs
    from .reporting.measure import measure as measure
    from .reporting.measure import measure_subgroups as measure_subgroups
    from .reporting.measure import predict_all as predict_all
    from .reporting.report import Report as Report

ROOMS = {
    "core.contract": ("Column", "Contract"),
    "core.errors": ("UserError",),
    "core.files": ("write_json",),
    "core.params": ("Params",),
    "core.project": ("Project",),
    "core.stage": ("run_stage",),
    "core.table": ("Table", "write_csv"),
    "data.examples": ("make_examples",),
    "data.folds": ("make_folds",),
    "data.split": ("make_split",),
    "modeling.candidates": ("CANDIDATES", "candidate", "make_candidate"),
    "modeling.baselines": ("BASELINES",),
    "modeling.clusterer": ("Density",),
    "modeling.compare": ("Leaderboard", "cross_validate", "learning_curve", "warn_of_rare_classes"),
    "modeling.convolutions": ("RandomConvolutions",),
    "modeling.derived": ("derived",),
    "modeling.detectors": ("Ecod", "PcaError"),
    "modeling.exponential_smoothing": ("ExponentialSmoothing",),
    "modeling.features": ("make_features",),
    "modeling.forecasters": ("BySteps", "Drift", "LastValue", "SeasonalNaive"),
    "modeling.keras": ("keras",),
    "modeling.layers": ("RandomFlip", "RandomShift", "make_embedding"),
    "modeling.metrics": ("metric",),
    "modeling.model": ("Model",),
    "modeling.naive_bayes": ("make_naive_bayes",),
    "modeling.networks": ("Training",),
    "modeling.ordinal": ("OrdinalRegression",),
    "modeling.problem": ("Problem", "make_problem"),
    "modeling.profile": ("make_profile",),
    "modeling.series": ("Series",),
    "modeling.smoothing": ("SmoothForest", "SmoothNeighbours", "SmoothTree"),
    "modeling.steps": ("Scope", "step"),
    "modeling.tokens": ("TokenShape",),
    "modeling.train_rows": ("TrainRows",),
    "modeling.weighted": ("StandardisedTarget", "WeightedNeighbours"),
    "reading.check": ("check_raw",),
    "records.frames": ("tabulate_changes", "tabulate_gains", "tabulate_runs"),
    "reporting.measure": ("measure", "measure_subgroups", "predict_all"),
    "reporting.report": ("Report",),
}
"""The names at the door, by the module that holds them; what is not among them is private."""
_MODULE_OF = {name: module for module, names in ROOMS.items() for name in names}
__all__ = sorted(_MODULE_OF)  # the lines for type checkers above are held to it


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
