"""Keras, imported on first use: that takes seconds, and many a run trains no network."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..core.runtime import import_keras


class _KerasOnDemand(ModuleType):
    """Stands for Keras until a name of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(import_keras(), name)


if TYPE_CHECKING:
    import keras as keras
else:
    keras = _KerasOnDemand("keras", "Keras, on the library that params.yaml names.")
