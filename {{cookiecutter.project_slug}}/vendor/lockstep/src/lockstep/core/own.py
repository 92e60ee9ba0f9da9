"""The owner's package, which the library knows by its name in pyproject.toml only."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .errors import UserError
from .paths import Paths


def import_own(paths: Paths, name: str) -> ModuleType:
    """Import a module of the owner's package.

    To import `train` registers the candidates, steps and metrics that params.yaml can name, in
    whatever files of the package they are.

    Args:
        paths: The project.
        name: The module, such as `train`.

    Raises:
        UserError: pyproject.toml does not name the package, or there is no such module.
    """
    module = f"{paths.package}.{name}"
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in (paths.package, module):
            raise  # the module is there, and lacks something itself
        raise UserError(
            f"src/{module.replace('.', '/')}.py: cannot be imported; pyproject.toml names the "
            "package under tool.lockstep.package, and `uv sync` installs it"
        ) from error
