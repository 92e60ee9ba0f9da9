"""The curves and the graph of each network, where TensorBoard is installed to look at them."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import UserError
from ..core.paths import Paths
from ..core.runtime import import_keras
from .fit_names import fit_name

if TYPE_CHECKING:
    import keras
else:
    keras = import_keras()


def follow(network: keras.Model, learning_rate: float) -> list[keras.callbacks.Callback]:
    """What writes the curves of a fit of `network` below `logs`, if it has a name and a reader.

    The fit `mlp, trial 12, fold 3` is written to `logs/mlp/trial-12/fold-3`, in place of what was
    there.
    """
    if not fit_name() or find_spec("tensorboard") is None:
        return []
    try:
        logs = Paths.find().logs
    except UserError:  # not in a project
        return []
    parts = [part.replace(" ", "-") for part in fit_name().split(", ")]
    return [Curves(logs.joinpath(*parts), network, learning_rate)]


class Curves(keras.callbacks.Callback):
    """Appends the figures of each epoch to a file of events, of which TensorBoard reads the latest.

    It is for both trainings of a fit: the one that watches rows, and the one on all rows.
    """

    def __init__(self, folder: Path, network: keras.Model, learning_rate: float) -> None:
        super().__init__()
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.mkdir(parents=True)
        self.path = folder / f"events.out.tfevents.{time.time_ns()}"
        self.learning_rate = learning_rate
        self._append([{"file_version": "brain.Event:2"}, {"graph_def": _make_graph(network)}])

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Write the losses and the learning rate."""
        if "val_loss" in logs:
            rate = logs.get("learning_rate", self.learning_rate)
            figures = {"loss": logs["loss"], "val_loss": logs["val_loss"], "learning_rate": rate}
        else:
            figures = {"loss_on_all_rows": logs["loss"]}
        self._append([{"step": epoch + 1, "summary": _summarise_figures(figures)}])

    def _append(self, events: list[dict[str, Any]]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        # On a full disk there is a curve less to look at, and no reason to end the fit.
        with suppress(OSError), self.path.open("ab") as file:
            writer = RecordWriter(file)
            for event in events:
                writer.write(Event(wall_time=time.time(), **event).SerializeToString())


def _summarise_figures(figures: dict[str, float]) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
    return Summary(value=values)


def _make_graph(network: keras.Model) -> bytes:
    """The layers as TensorBoard's page of graphs shows operations, whatever Keras computes with."""
    from tensorboard.compat.proto.attr_value_pb2 import AttrValue
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef()
    above: list[str] = []
    for layer in json.loads(network.to_json())["config"].get("layers", []):
        config, name = layer["config"], layer["config"]["name"]
        # Layers in a row do not say what they take in.
        inputs = _find_inputs(layer["inbound_nodes"]) if "inbound_nodes" in layer else above
        plain = {key: value for key, value in config.items() if not isinstance(value, dict | None)}
        attributes = {key: AttrValue(s=str(value).encode()) for key, value in plain.items()}
        graph.node.add(name=name, op=layer["class_name"], input=inputs, attr=attributes)
        above = [name]
    serialized: bytes = graph.SerializeToString()
    return serialized


def _find_inputs(config: Any) -> list[str]:
    """The layers whose outputs are among what a layer is called with."""
    if isinstance(config, list):
        return [name for part in config for name in _find_inputs(part)]
    if not isinstance(config, dict):
        return []
    if config.get("class_name") == "__keras_tensor__":
        return [config["config"]["keras_history"][0]]
    return _find_inputs([*config.values()])
