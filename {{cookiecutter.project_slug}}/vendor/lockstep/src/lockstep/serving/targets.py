"""What is to be served: the versions that a command line, the settings and the registry name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import UserError
from ..core.params import ServeParams
from ..core.validation import nearest
from ..records.run import WORKSPACE
from ..registry.versions import LATEST, Registry

PRODUCTION = "production"
"""The stage whose version answers where no other is asked for."""
WHEEL = ".whl"


@dataclass(frozen=True)
class Target:
    """Something to serve: a registered version, a wheel, or the workspace, which is neither."""

    version: str | None = None
    """Such as v1.2.0."""
    commit: str | None = None
    """That of the version."""
    wheel: Path | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.version or (self.wheel.name if self.wheel else WORKSPACE)


@dataclass(frozen=True)
class Plan:
    """What is to be served, and for whom."""

    live: tuple[Target, ...]
    """What may be asked; the first one answers where nothing else is asked for."""
    canary: Mapping[Target, float]
    """Those of them that answer a share of what would come to the first one."""
    shadows: tuple[Target, ...]
    """What answers too, for nobody to see."""
    stages: Mapping[str, Target]
    """What stands in the stages."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """All that is served."""
        return tuple(dict.fromkeys([*self.live, *self.shadows]))


def make_plan(names: Sequence[str], settings: ServeParams, registry: Registry | None) -> Plan:
    """What names on the command line, the settings and the registry come to.

    Args:
        names: `workspace`, versions, `latest`, stages, and wheels; by default all stages.
        settings: They name versions and stages that are served beside them.
        registry: None where there is no repository.

    Raises:
        UserError: There is nothing of a name, or nothing stands in any stage.
    """
    stages = _list_stages(registry) if registry else {}
    versions = _list_versions(registry) if registry else {}

    def find(name: str, where: str) -> Target:
        if name == WORKSPACE:
            return Target()
        if name.endswith(WHEEL):
            return Target(wheel=Path(name).resolve())
        targets = stages | versions
        # A version may be written with its v or without.
        if target := targets.get(name) or targets.get(f"v{name}"):
            return target
        allowed = [*targets, WORKSPACE, "the path of a wheel"]
        raise UserError(f"{where}{name}: no such version or stage; {nearest(name, allowed)}")

    choice = [find(name, "") for name in names] or [*stages.values()]
    if not choice:
        raise UserError("nothing stands in any stage")
    canary = {
        find(name, "params.yaml: serve.canary: "): share for name, share in settings.canary.items()
    }
    shadows = [find(name, "params.yaml: serve.shadows: ") for name in settings.shadows]
    default = stages.get(PRODUCTION)
    first = [default] if default in choice else []
    live = tuple(dict.fromkeys([*first, *choice, *canary]))
    return Plan(live, canary, tuple(dict.fromkeys(shadows)), stages)


def choose_models(registry: Registry | None) -> tuple[str, ...]:
    """What is served where nothing is named: the workspace if nothing stands in any stage; else no
    name, for all stages, whatever comes to stand in them."""
    return () if registry and _list_stages(registry) else (WORKSPACE,)


def _list_versions(registry: Registry) -> dict[str, Target]:
    """The versions, and the `latest` of them."""
    versions = {one.name: Target(one.name, one.commit) for one in registry.versions}
    if registry.versions:
        versions[LATEST] = versions[registry.versions[-1].name]
    return versions


def _list_stages(registry: Registry) -> dict[str, Target]:
    """What stands in each stage; a commit that is no version any more stands in none."""
    names = {version.commit: version.name for version in registry.versions}
    tags = {stage: registry.find_present(stage) for stage in sorted(registry.stages)}
    return {
        stage: Target(names[tag.commit], tag.commit)
        for stage, tag in tags.items()
        if tag and tag.commit in names
    }
