"""Which version answers a question."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .deployment import Deployment
from .errors import UnknownModel


@dataclass(frozen=True)
class Routes:
    """The versions that answer. They are replaced as a whole, never changed."""

    live: Sequence[Deployment] = ()
    """The first one answers where nothing else is asked for."""
    canary: Mapping[Deployment, float] = field(default_factory=dict)
    """Those that answer a share of what would come to the first one."""
    shadows: Sequence[Deployment] = ()
    """What answers too, for nobody to see."""
    stages: Mapping[str, Deployment] = field(default_factory=dict)
    """What stands in the stages, as far as it is served."""

    @property
    def deployments(self) -> list[Deployment]:
        """All versions that are served."""
        return [*dict.fromkeys([*self.live, *self.shadows])]

    def list_stages(self, deployment: Deployment) -> tuple[str, ...]:
        """The stages that a version stands in."""
        return tuple(stage for stage, one in self.stages.items() if one is deployment)

    def choose(
        self, model: str | None, version: str | None, stage: str | None, key: str
    ) -> Deployment:
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
        fits = [
            deployment
            for deployment in self.live
            if model in (None, deployment.model)
            and number in (None, deployment.version)
            and (stage is None or self.stages.get(stage) is deployment)
        ]
        if not fits:
            names = (("model", model), ("version", version), ("stage", stage))
            request = ", ".join(f"{name} {value!r}" for name, value in names if value is not None)
            raise UnknownModel(f"{request}: not served here; there are {self._describe()}")
        is_open = version is None and stage is None and fits[0] is self.live[0]
        return self._draw(key) if is_open else fits[0]

    def _draw(self, key: str) -> Deployment:
        digest = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        for deployment, share in self.canary.items():
            if place < share:
                return deployment
            place -= share
        return self.live[0]

    def _describe(self) -> str:
        return ", ".join(
            " ".join([deployment.name, *(f"({stage})" for stage in self.list_stages(deployment))])
            for deployment in self.live
        )
