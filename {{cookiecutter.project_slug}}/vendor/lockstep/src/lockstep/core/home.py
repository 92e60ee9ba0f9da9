"""Where this copy of the library is: in a project, or in the package of a model, which has its own.

There it is called `fruit_model.lockstep`, so that the libraries of two models never meet.
"""

from __future__ import annotations

LIBRARY = __name__.removesuffix(".core.home")
"""What it is called here."""
HOME = LIBRARY.rpartition(".")[0]
"""The package of the model; empty in a project."""
