"""From something to serve to what its workers are started with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..core.paths import Paths
from ..standalone.model_package import ModelPackage
from .cache import cache
from .environments import find_python
from .targets import Target
from .wheels import find_wheel, make_wheel, unpack

SHORT = 12


class Installation(NamedTuple):
    """A version that can be started."""

    package: ModelPackage
    python: Path
    """What its workers run in."""


async def prepare(target: Target, paths: Paths, folder: Path) -> Installation:
    """Make what is missing of a version's wheel, unpack it, and find or make its environment.

    All of it is kept below `folder` but for the wheel of the workspace, which may have changed.

    Raises:
        UserError: One of them cannot be made, or a file is not the one that was packed.
    """
    wheel = target.wheel or await _find_wheel(target, paths, folder / "wheels")
    content = await unpack(wheel, folder / "models")
    return Installation(content.package, await find_python(content, folder / "environments"))


async def _find_wheel(target: Target, paths: Paths, folder: Path) -> Path:
    if target.commit is None:
        return await make_wheel(paths, None, folder / target.name)
    place = folder / f"{target.version}-{target.commit[:SHORT]}"
    await cache(
        place,
        lambda part: make_wheel(paths, target.version, part),
        lambda part: find_wheel(part) is not None,
    )
    wheel = find_wheel(place)
    assert wheel is not None
    return wheel
