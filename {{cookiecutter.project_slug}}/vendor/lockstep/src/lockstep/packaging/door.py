"""The few lines of the package of a model that are its own."""

from __future__ import annotations

INIT = '''"""The model {title} {version}: `predict(frame)` predicts the rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lockstep.core.errors import UserError
from .lockstep.standalone.model_package import ModelPackage, open_package

if TYPE_CHECKING:
    import pandas as pd

__version__ = "{version}"
__all__ = ["ModelPackage", "UserError", "__version__", "load", "predict"]


def load() -> ModelPackage:
    """The model with its contract, record and card, ready to predict."""
    package = open_package()
    _ = package.model
    return package


def predict(frame: pd.DataFrame) -> pd.DataFrame:
    """Predict rows, each held against the contract by itself: see `ModelPackage.predict`."""
    return open_package().predict(frame)
'''
MAIN = '''"""The model as a program."""

import sys

from .lockstep.standalone.main import main

sys.exit(main())
'''


def make_door(title: str, version: str) -> dict[str, str]:
    """What stands in these files, by their names below the package.

    Args:
        title: What the model is called.
        version: Such as 1.2.0.
    """
    return {
        "__init__.py": INIT.format(title=title, version=version),
        "__main__.py": MAIN,
        "py.typed": "",
    }
