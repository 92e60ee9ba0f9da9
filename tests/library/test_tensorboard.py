"""What TensorBoard shows of the networks, where it is installed."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import TEMPLATE, run_stage, write_params
from lockstep.core.project import Project
from lockstep.modeling import tensorboard
from lockstep.modeling.fit_names import naming
from lockstep.modeling.networks import NetworkRegressor
from owner.models.common import perceptron
from owner.models.tables import linear_beside_perceptron
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef

X = np.random.default_rng(0).normal(size=(40, 3))
CODES = np.random.default_rng(0).integers(0, 3, 40)


def read_run(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder)).Reload()


def read_curve(folder: Path, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in read_run(folder).Scalars(tag)}


def read_graph(folder: Path) -> dict[str, tuple[str, list[str]]]:
    graph: GraphDef = read_run(folder).Graph()
    return {node.name: (node.op, list(node.input)) for node in graph.node}


def fit(epochs: int = 2) -> None:
    options = {"hidden_units": (4,), "dropout": 0.5}
    NetworkRegressor(build=perceptron, options=options, max_epochs=epochs).fit(X, X[:, 0])


@pytest.fixture
def prepared(project: Project) -> Project:
    training = {"metric": "log_loss", "folds": 2, "training_sizes": [0.5, 1.0]}
    options = {"max_epochs": 4, "schedule": "cosine", "learning_rate": 0.1}
    write_params(project, train={**training, "candidates": {"baseline": {}, "mlp": options}})
    run_stage("ingest")
    run_stage("preprocess")
    return project


@pytest.mark.matrix
def test_curves_of_each_fold_and_of_the_champion_are_logged_and_change_no_result(
    prepared: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stage("train")
    runs = {file.parent.relative_to(prepared.logs).as_posix() for file in files(prepared.logs)}
    assert runs == {"mlp/fold-1", "mlp/fold-2", "mlp/all"}
    history = pd.read_csv(prepared.history)
    for number, fold in history.groupby("fold"):
        folder = prepared.logs / f"mlp/fold-{number}"
        for tag in ("loss", "val_loss"):
            curve = read_curve(folder, tag)
            assert list(curve) == fold["epoch"].tolist()
            np.testing.assert_allclose([*curve.values()], fold[tag], rtol=1e-6)
        rates = read_curve(folder, "learning_rate")
        assert rates[1] == pytest.approx(0.1)
        assert sorted(rates.values(), reverse=True) == [*rates.values()]
        best = fold["val_loss"].argmin() + 1
        assert len(read_curve(folder, "loss_on_all_rows")) == best

    logged = read_outputs(prepared)
    shutil.rmtree(prepared.logs)
    monkeypatch.setattr(tensorboard, "find_spec", {}.get)
    run_stage("train")
    assert read_outputs(prepared) == logged
    assert not prepared.logs.exists()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def read_outputs(project: Project) -> dict[Path, bytes]:
    outputs = project.outputs["train"]
    paths = [file for path in outputs for file in ([path] if path.is_file() else files(path))]
    return {path: path.read_bytes() for path in paths}


def test_the_latest_fit_of_a_name_takes_the_place_of_earlier_ones(project: Project) -> None:
    for epochs in (3, 2):
        with naming("mlp, trial 12, fold 3"):
            fit(epochs)
    folder = project.logs / "mlp/trial-12/fold-3"
    assert files(project.logs) == [*folder.iterdir()]
    assert len(files(folder)) == 1
    assert list(read_curve(folder, "loss")) == [1, 2]
    assert read_curve(folder, "learning_rate") == {1: pytest.approx(0.01), 2: pytest.approx(0.01)}


def test_a_fit_without_a_name_or_outside_of_a_project_is_not_logged(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    with naming("mlp, all"):
        fit()
    assert not project.logs.exists()
    assert [*elsewhere.iterdir()] == []


def test_the_graph_of_layers_in_a_row_is_a_chain(project: Project) -> None:
    with naming("mlp, all"):
        fit()
    graph = read_graph(project.logs / "mlp/all")
    assert [op for op, _ in graph.values()] == ["InputLayer", "Dense", "Dropout", "Dense"]
    names = [*graph]
    assert [inputs for _, inputs in graph.values()] == [[], *([name] for name in names[:-1])]


@pytest.mark.matrix
def test_the_graph_of_parts_side_by_side_shows_what_each_layer_takes_in(project: Project) -> None:
    options = {"hidden_units": (4,), "dropout": 0.0, "embedding": 2, "categories": (3,)}
    network = NetworkRegressor(build=linear_beside_perceptron, options=options, max_epochs=1)
    with naming("wide_and_deep, all"):
        network.fit(np.column_stack([CODES, X]), X[:, 0])
    graph = read_graph(project.logs / "wide_and_deep/all")
    assert {name for _, inputs in graph.values() for name in inputs} <= {*graph}
    (joined,) = [inputs for op, inputs in graph.values() if op == "Concatenate"]
    assert sorted(graph[name][0] for name in joined) == ["Embedding", "GetItem"]
    assert [name for name, (_, inputs) in graph.items() if not inputs] == ["input_layer"]


def test_git_leaves_the_logs_out(tmp_path: Path) -> None:
    shutil.copy(TEMPLATE / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    command = ["git", "check-ignore", "--quiet", "logs/mlp/all/events.out.tfevents.1"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
