"""What validation rows teach about using a model: when to say yes, how far a number may be off."""

from __future__ import annotations

from pydantic import FiniteFloat

from ..core.params import Fraction
from ..core.validation import Strict


class Postprocessing(Strict):
    """How a model's probabilities become decisions, and its numbers intervals."""

    threshold: FiniteFloat | None = None
    """Probability of the second of two classes from which on it is the decision; without one the
    most probable class is."""
    coverage: Fraction | None = None
    """Share of rows like the train rows whose target the interval is to hold."""
    margins: tuple[FiniteFloat, FiniteFloat] | None = None
    """What the interval's ends are away from the predicted number, in the target's unit."""


NONE = Postprocessing()
"""The most probable class, and a number alone."""
