"""The record of a run as a run in MLflow, beside those of other projects."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import chdir
from typing import TYPE_CHECKING, Any

from ..core.errors import UserError, shorten
from ..core.paths import Paths
from .changes import flatten
from .repository import Commit
from .run import Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

DATABASE = "sqlite:///mlflow.db"
"""In the project's folder."""
TAG = "lockstep.run"
"""What a run is known by, so that it is entered once."""
KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Which pages MLflow shows of an experiment: not those for language models."""
UNFIT = re.compile(r"[^\w. -]")
"""What MLflow takes in no name, and `/`, which it takes for a folder."""
LONGEST_REASON = 300
"""MLflow says at its end what to do."""
LONGEST_DIGEST = 36
"""As many signs of a digest as MLflow takes."""


def track_run(paths: Paths, run: Run) -> str:
    """Enter a run into the project's own database of MLflow, or where MLFLOW_TRACKING_URI says.

    A run is entered once: the next time, what is there is completed.

    Returns:
        Where it is, and how to look at it.

    Raises:
        UserError: MLflow is not installed, or cannot write there.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise UserError(
            f"MLflow is not installed; `{paths.command.replace('run', 'run --extra mlflow', 1)} "
            "record --as mlflow` brings it"
        ) from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    address = os.environ.get("MLFLOW_TRACKING_URI")
    place = "at MLFLOW_TRACKING_URI" if address else "in mlflow.db"
    try:
        with chdir(paths.root):
            _enter(mlflow.MlflowClient(address or DATABASE), paths.title, run)
    except (mlflow.MlflowException, SQLAlchemyError) as error:
        reason = shorten(str(error), LONGEST_REASON)
        raise UserError(f"record: MLflow cannot enter the run {place}: {reason}") from error
    line = f"record: run {run.id[:8]} of {run.name} is {place}, in experiment {paths.title}"
    if address:
        return line  # without the address, which may hold a password
    return f"{line}; `uvx mlflow@{mlflow.__version__} ui --backend-store-uri {DATABASE}` shows it"


def _enter(client: MlflowClient, title: str, run: Run) -> None:
    from mlflow.entities import Metric, Param, RunTag

    assert run.commit is not None
    present = client.get_experiment_by_name(title)
    experiment = present.experiment_id if present else client.create_experiment(title, tags=KIND)
    entries = client.search_runs([experiment], f"tags.`{TAG}` = '{run.id}'", max_results=1)
    time = round(run.commit.date.timestamp() * 1000)
    entry = entries[0] if entries else client.create_run(experiment, time, {TAG: run.id})
    name, time = entry.info.run_id, entry.info.start_time
    client.log_batch(
        name,
        params=[Param(*each) for each in _list_params(run.record)],
        metrics=[Metric(*each, timestamp=time, step=0) for each in _list_metrics(run.record)],
        tags=[RunTag(*each) for each in _list_tags(run, run.commit).items()],
    )
    client.log_inputs(name, _list_datasets(run.record["inputs"]))
    client.set_terminated(name, end_time=time)


def _list_params(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    values = flatten({"environment": record["environment"]} | record["parameters"])
    for name, value in values.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield UNFIT.sub(lambda sign: f"-{ord(sign[0]):x}-", name), text


def _list_metrics(record: dict[str, Any]) -> Iterator[tuple[str, float]]:
    metrics = record["metrics"]
    groups = {"validation": record["validation"], "test": metrics, "baseline": metrics["baseline"]}
    for group, figures in groups.items():
        for name, value in figures.items():
            if isinstance(value, int | float):
                yield f"{group}/{name}", value
        yield from _list_ends(group, figures.get("intervals", {}))
    yield from _list_ends("gain", metrics["gain"])


def _list_ends(group: str, intervals: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for name, ends in intervals.items():
        for end, value in zip(("low", "high"), ends or (), strict=False):
            yield f"{group}/{name}.{end}", value


def _list_tags(run: Run, commit: Commit) -> dict[str, str]:
    return {
        "mlflow.runName": commit.short,
        "mlflow.note.content": commit.subject,
        "mlflow.source.git.commit": commit.sha,
        "mlflow.user": commit.author,
        "lockstep.candidate": run.candidate,
        "lockstep.contract": next(iter(run.record["contract"].values())),
        "lockstep.test": run.record["test"]["sha256"],
    }


def _list_datasets(inputs: dict[str, str]) -> list[DatasetInput]:
    from mlflow.entities import Dataset, DatasetInput

    return [
        DatasetInput(Dataset(name, digest[:LONGEST_DIGEST], "local", json.dumps({"uri": name})))
        for name, digest in inputs.items()
    ]
