"""What numeric libraries read from the environment, settled before they are imported."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from ..errors import UserError

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
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}


def pin() -> None:
    """Set the environment as the project's params.yaml asks; without a project, strictly.

    `reproducibility: strict` overrules what the user has set, since the promise of equal bytes
    rests on it; `fast` leaves threads alone.
    """
    params = _peek()
    if params.get("reproducibility", "strict") == "strict":
        os.environ |= ONE_THREAD
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if backend := params.get("keras_backend"):
        os.environ["KERAS_BACKEND"] = str(backend)


def import_keras() -> ModuleType:
    """Keras, on the library that params.yaml names.

    Raises:
        UserError: That library is not installed.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if find_spec(backend) is None:
        raise UserError(
            f"params.yaml: keras_backend: {backend} is not installed; "
            f"`uv add {backend}` installs it, or name the one that is"
        )
    return import_module("keras")


def _peek() -> dict[str, object]:
    """params.yaml as it stands, or nothing: a mistake in it is told by the command that runs."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from ..config import Project

    try:
        text = Project.find().params_file.read_text(encoding="utf-8")
        content = YAML(typ="safe", pure=True).load(text)
    except (UserError, OSError, UnicodeDecodeError, YAMLError):
        return {}
    return content if isinstance(content, dict) else {}
