"""Wheels of models: made where there is none yet, and unpacked where workers import them."""

from __future__ import annotations

import asyncio
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from ..core.errors import UserError, guard_reading
from ..core.files import sha256
from ..core.paths import Paths
from ..records.run import WORKSPACE
from ..standalone.model_package import ModelPackage
from .cache import cache
from .programs import run_program

BUILDER = f"{__package__}.build"
SHORT = 16
"""Signs of a digest that name a folder."""


class WheelContent(NamedTuple):
    """A wheel that is unpacked."""

    package: ModelPackage
    requirements: tuple[str, ...]
    """What it must be installed beside."""


async def make_wheel(paths: Paths, version: str | None, folder: Path) -> Path:
    """Make the wheel of a registered version or, without one, of the workspace in a folder.

    A process of its own makes it, since packing imports what a server has no need of.

    Raises:
        UserError: It cannot be packed.
    """
    name = [version] if version else []
    print(f"serve: packing {version or WORKSPACE}, which may take a minute", file=sys.stderr)
    result = await run_program([sys.executable, "-m", BUILDER, str(folder), *name], paths.root)
    if result.status:
        lines = result.errors.strip().splitlines() or ["it cannot be packed"]
        raise UserError(lines[-1].removeprefix("error: "))
    return Path(result.output.splitlines()[-1])


def find_wheel(folder: Path) -> Path | None:
    """The wheel that was made in a folder; None where it is not there, or torn."""
    return next(filter(zipfile.is_zipfile, folder.glob("*.whl")), None)


async def unpack(wheel: Path, folder: Path) -> WheelContent:
    """A wheel, unpacked in a folder of `folder` that is named by its bytes.

    Raises:
        UserError: It is no wheel of a model.
    """
    if not wheel.is_file():
        raise UserError(f"{wheel}: no such file; the wheel of a model was expected")

    async def extract(target: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            await asyncio.to_thread(archive.extractall, target)

    with guard_reading(f"{wheel}: not a wheel"):
        digest = await asyncio.to_thread(sha256, wheel)
        place = await cache(folder / digest[:SHORT], extract, _is_whole)
        try:
            return await asyncio.to_thread(_read, place)
        except UserError as error:
            raise UserError(f"{wheel}: {error}") from error


def _is_whole(place: Path) -> bool:
    try:
        _read(place)
    except UserError:
        return False
    return True


def _read(place: Path) -> WheelContent:
    """What a wheel has been unpacked to.

    Raises:
        UserError: It is no wheel of a model, or a file is not the one that was packed.
    """
    packages = [file.parent for file in place.glob("*/package.json")]
    metadata = next(place.glob("*.dist-info/METADATA"), None)
    if len(packages) != 1 or metadata is None:
        raise UserError("not the wheel of a model; `package` makes one")
    headers = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
    package = ModelPackage(packages[0].name, packages[0])
    package.require_whole()
    return WheelContent(package, tuple(headers.get_all("Requires-Dist", [])))
