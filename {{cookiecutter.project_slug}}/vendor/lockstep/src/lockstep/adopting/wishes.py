"""What a person says of their data on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..core.kinds import Kind


@dataclass(frozen=True)
class Wishes:
    """What a person says of the data; the rest is guessed."""

    target: str | None = None
    kind: Kind | None = None
    identifiers: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    sequence: str | None = None
    """The column that tells which rows are points of one sequence."""
    series: str | None = None
    horizon: int | None = None
    """How many steps ahead the target is forecast; without it nothing is."""
    every: str | None = None
    future: tuple[str, ...] = ()
    """Columns that are known of times to come."""
    exposure: str | None = None
    """The column that says over how much each row adds up its target."""
    drop: tuple[str, ...] = ()
    sheet: str | None = None
    table: str | None = None

    @property
    def goal(self) -> Kind | None:
        """The kind of problem, if it is wished for; what adds up over an exposure is a number."""
        if self.horizon is not None:
            return "forecasting"
        return "regression" if self.kind is None and self.exposure is not None else self.kind

    @property
    def whole(self) -> tuple[str, ...] | None:
        """The columns by whose values rows belong together; None where each stands for itself."""
        if self.sequence is not None:
            return (self.sequence,)
        if self.horizon is not None:
            return () if self.series is None else (self.series,)
        return None

    def as_options(self) -> list[str]:
        """How a person says so on the command line."""
        options: dict[str, Sequence[str | int | None]] = {
            "--target": [self.target],
            "--kind": [self.kind],
            "--id": self.identifiers,
            "--group": [self.group],
            "--time": [self.time],
            "--sequence": [self.sequence],
            "--series": [self.series],
            "--horizon": [self.horizon],
            "--every": [self.every],
            "--future": self.future,
            "--exposure": [self.exposure],
            "--drop": self.drop,
            "--sheet": [self.sheet],
            "--table": [self.table],
        }
        pairs = ((option, word) for option, words in options.items() for word in words)
        return [part for option, word in pairs if word is not None for part in (option, str(word))]
