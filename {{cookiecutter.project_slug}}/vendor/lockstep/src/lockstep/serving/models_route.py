"""GET /models: what is served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from .errors import UnknownModel

if TYPE_CHECKING:
    from .engine import Engine, Version


class ServedVersion(BaseModel):
    """A version that is served."""

    model_config = ConfigDict(from_attributes=True)

    model: str
    version: str
    run: str
    """The digest of the record of the run that has made it."""
    stages: tuple[str, ...]
    state: str
    is_default: bool
    """Whether it answers requests that name no version."""
    share: float
    """Of those that it answers as a canary."""
    is_shadow: bool
    is_live: bool
    """Whether it can be asked; a shadow cannot, nor what is just being started."""
    kind: str
    features: list[str]
    classes: list[str]
    memory: int | None
    """Bytes of its processes."""
    waiting: int
    """Questions that no process has taken yet."""
    dropped: int
    """Questions that it was not asked as a shadow, since too many waited."""
    deaths: int
    """Of its processes."""


class DescribedVersion(ServedVersion):
    """The same with all that is known of it."""

    card: str
    """Markdown."""
    metrics: dict[str, Any]
    contract: dict[str, Any]


def make_models_routes(engine: Engine) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/models")

    @router.get("", summary="What is served")
    async def list_models() -> list[ServedVersion]:
        return [ServedVersion.model_validate(version) for version in engine.list_versions()]

    @router.get(
        "/{model}/versions/{version}", summary="A version, with its card, metrics and contract"
    )
    async def describe_version(model: str, version: str) -> DescribedVersion:
        return DescribedVersion.model_validate(find_version(engine.list_versions(), model, version))

    return router


def list_live(engine: Engine) -> list[Version]:
    """The versions that can be asked."""
    return [version for version in engine.list_versions() if version.is_live]


def find_version(versions: Sequence[Version], model: str, name: str | None = None) -> Version:
    """The version of a model among some under this name, or else the model's default one.

    Raises:
        UnknownModel: There is none.
    """
    own = [version for version in versions if version.model == model]
    if not own:
        models = dict.fromkeys(version.model for version in versions)
        raise UnknownModel(f"{model!r}: no such model; served: {', '.join(models)}")
    if name is None:
        return next((version for version in own if version.is_default), own[0])
    for version in own:
        if version.version == name.removeprefix("v"):
            return version
    names = dict.fromkeys(version.version for version in own)
    raise UnknownModel(f"{model} {name!r}: no such version; served: {', '.join(names)}")
