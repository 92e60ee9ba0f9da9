"""Which version answers a question."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .errors import UnknownModel
from .served import Served


@dataclass(frozen=True)
class Routes:
    """The versions that answer. They are replaced as a whole, never changed."""

    answering: Sequence[Served] = ()
    """The first one answers where nothing else is asked for."""
    canary: Mapping[Served, float] = field(default_factory=dict)
    """Those that answer a share of what would come to the first one."""
    shadows: Sequence[Served] = ()
    """What answers too, for nobody to see."""
    stages: Mapping[str, Served] = field(default_factory=dict)
    """What stands in the stages, as far as it is served."""

    @property
    def served(self) -> list[Served]:
        """All versions that are served."""
        return [*dict.fromkeys([*self.answering, *self.shadows])]

    def list_stages(self, served: Served) -> tuple[str, ...]:
        """The stages that a version stands in."""
        return tuple(stage for stage, one in self.stages.items() if one is served)

    def choose(self, model: str | None, version: str | None, stage: str | None, key: str) -> Served:
        """The version that answers.

        Args:
            model: The name of a model; by default any.
            version: Such as 1.2.0 or v1.2.0.
            stage: Such as production.
            key: Where neither a version nor a stage is asked for, its hash decides whether a canary
                answers: one key is always answered by the same version.

        Raises:
            UnknownModel: None that is served is called so.
        """
        number = version.removeprefix("v") if version else None
        fitting = [
            served
            for served in self.answering
            if model in (None, served.model)
            and number in (None, served.version)
            and (stage is None or self.stages.get(stage) is served)
        ]
        if not fitting:
            names = (("model", model), ("version", version), ("stage", stage))
            asked = ", ".join(f"{name} {value!r}" for name, value in names if value is not None)
            raise UnknownModel(f"{asked}: not served here; there are {self._describe()}")
        is_open = version is None and stage is None and fitting[0] is self.answering[0]
        return self._draw(key) if is_open else fitting[0]

    def _draw(self, key: str) -> Served:
        digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        for served, share in self.canary.items():
            if place < share:
                return served
            place -= share
        return self.answering[0]

    def _describe(self) -> str:
        return ", ".join(
            " ".join([served.name, *(f"({stage})" for stage in self.list_stages(served))])
            for served in self.answering
        )
