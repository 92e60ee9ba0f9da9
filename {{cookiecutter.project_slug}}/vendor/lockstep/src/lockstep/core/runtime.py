"""What numeric libraries read from the environment, settled before they are imported."""

from __future__ import annotations

import os
import sys
import time
import warnings
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from .errors import UserError
from .files import read_yaml
from .home import HOME
from .paths import Paths

STARTED = time.time_ns()
"""When this process began to read the code of a project, in nanoseconds of the system's clock."""
ONE_THREAD = {
    # The number of threads decides the order in which floating-point sums are taken.
    "OMP_NUM_THREADS": "1",  # scikit-learn, torch
    "OPENBLAS_NUM_THREADS": "1",  # numpy, scipy
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",  # numpy on macOS
    "PJRT_NPROC": "1",  # jax
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
SAME_PROCESSOR_CODE = {
    # Wider vectors sum in another order; AVX2 is what all processors of the last decade have.
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",  # torch
    "TF_ENABLE_ONEDNN_OPTS": "0",
}
STRICT = ONE_THREAD | SAME_PROCESSOR_CODE
ON_CPU = {
    # Each of the three takes a GPU unasked where it sees one.
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "-1",  # tensorflow
    "KERAS_TORCH_DEVICE": "cpu",
}
SAME_ON_GPU = {
    # Threads of a GPU add in the order in which they end, unless told otherwise.
    "XLA_FLAGS": f"{SAME_PROCESSOR_CODE['XLA_FLAGS']} --xla_gpu_deterministic_ops=true",
    "TF_DETERMINISTIC_OPS": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # torch
}
BACKENDS = ("jax", "tensorflow", "torch")
READERS = ("numpy", *BACKENDS)
OVERRULED = "REPRODUCIBILITY_OVERRULED"
"""Where a process tells those that it starts which settings of the user it has overruled."""


def pin() -> None:
    """Set the environment as the project's params.yaml asks; without a project, strictly.

    `reproducibility: strict` overrules what the user has set, since the promise of equal bytes
    rests on it; `fast` leaves the user's settings and the libraries' own defaults alone. In the
    package of a model, the process and its environment are the receiver's.
    """
    if HOME:
        return
    params = _peek()
    train = params.get("train")
    on_gpu = isinstance(train, dict) and train.get("device") == "gpu"
    backend = {"KERAS_BACKEND": str(params["keras_backend"])} if "keras_backend" in params else {}
    if params.get("reproducibility", "strict") == "strict":
        _overrule(STRICT | backend | (SAME_ON_GPU if on_gpu else {}))
    if on_gpu:
        _let_see_gpus()
    else:
        os.environ |= ON_CPU
    for name, value in (backend | {"TF_CPP_MIN_LOG_LEVEL": "2"}).items():
        os.environ.setdefault(name, value)


def pin_strictly(backend: str | None) -> None:
    """Set the environment so that a network on that backend, if any, gives the same bits again."""
    _overrule(STRICT | ({"KERAS_BACKEND": backend} if backend else {}))
    os.environ |= ON_CPU
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def is_on_cpu() -> bool:
    """Whether networks compute on the CPU here, also where there is a GPU."""
    return ON_CPU.items() <= os.environ.items()


def _let_see_gpus() -> None:
    """Take back what a process that started this one has settled for networks on the CPU."""
    for name, value in ON_CPU.items():
        if os.environ.get(name) == value:
            del os.environ[name]


def _overrule(settings: dict[str, str]) -> None:
    early = [name for name in READERS if name in sys.modules]
    if early and any(os.environ.get(name) != value for name, value in settings.items()):
        warnings.warn(
            f"{early[0]} was imported before lockstep and computes with the threads that it found; "
            "import the project's package first",
            stacklevel=1,
        )
    others = [
        f"{name}={os.environ[name]}"
        for name, value in settings.items()
        if os.environ.get(name, value) != value
    ]
    if others:
        os.environ[OVERRULED] = ", ".join(others)
    os.environ |= settings


def describe_runtime(reproducibility: str) -> list[str]:
    """What a user should know of how this process computes, in a line each."""
    if reproducibility == "fast":
        return ["reproducibility is fast: another run gives close results, not the same bytes"]
    overruled = os.environ.get(OVERRULED)
    return [f"reproducibility is strict: {overruled} is overruled"] if overruled else []


def import_keras() -> ModuleType:
    """Keras, on the library that params.yaml names, with its settings as they come.

    Outside of a project nothing names it, and the one that is installed is taken. In the package of
    a model, Keras and its settings are the receiver's, who has set them for all networks.
    """
    if HOME:
        return import_module("keras")
    installed = (name for name in BACKENDS if find_spec(name) is not None)
    backend = os.environ.setdefault("KERAS_BACKEND", next(installed, BACKENDS[0]))
    if find_spec(backend) is None:
        raise UserError(
            f"params.yaml: keras_backend: {backend} is not installed; "
            f"`uv add {backend}` installs it, or name the one that is"
        )
    keras = import_module("keras")
    # A keras.json in the user's home may say otherwise.
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    if SAME_ON_GPU.items() <= os.environ.items():
        if backend == "torch":
            import_module("torch").use_deterministic_algorithms(True)
        # Then it draws nothing without a seed, also what weights from a file will replace.
        elif backend == "tensorflow":
            import_module("tensorflow").random.set_seed(0)
    return keras


def _peek() -> dict[str, object]:
    """params.yaml as it stands, or nothing: a mistake in it is told by the command that runs."""
    try:
        content = read_yaml(Paths.find().params_file, "params.yaml")
    except UserError:
        return {}
    return content if isinstance(content, dict) else {}
