"""The GPU of this machine, where networks are to compute on it."""

from __future__ import annotations

from importlib import import_module

from .cluster_client import VARIABLE, find_address
from .errors import UserError
from .runtime import import_keras

NEEDS = {
    "jax": '`uv add "jax[cuda13]"`',
    "tensorflow": '`uv add "tensorflow[and-cuda]"`',
    "torch": "a build of torch with CUDA",
}
"""What lets a backend compute on a GPU of NVIDIA's, by its manual."""


def require_gpu(backend: str) -> None:
    """Make sure that networks on this backend can compute on a GPU here.

    Raises:
        UserError: The backend sees none, or the work is done on a cluster.
    """
    where = "params.yaml: train.device: gpu"
    if find_address():
        raise UserError(
            f"{where}: it is this machine's, and {VARIABLE} in the environment has networks learn "
            "on a cluster; unset that, or say `device: cpu`"
        )
    import_keras()
    if not count_gpus(backend):
        raise UserError(
            f"{where}: {backend} sees none on this machine; for one of NVIDIA's it needs "
            f"{NEEDS[backend]}; `device: cpu` needs none"
        )


def count_gpus(backend: str) -> int:
    """How many GPUs a backend sees that is installed."""
    library = import_module(backend)
    if backend == "jax":
        return sum(device.platform != "cpu" for device in library.devices())
    if backend == "tensorflow":
        return len(library.config.list_physical_devices("GPU"))
    return int(library.accelerator.device_count())
