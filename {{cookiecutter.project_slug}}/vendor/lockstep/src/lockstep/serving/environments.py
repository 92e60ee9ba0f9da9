"""The Python that a version's workers run in: ours where it has just the same libraries, else one
that uv makes, kept for all versions that ask for the same."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from ..core.errors import LONGEST_REASON, UserError, shorten
from .cache import cache
from .programs import run_program
from .wheels import SHORT, WheelContent

PYTHON = Path("Scripts" if sys.platform == "win32" else "bin", "python")


async def find_python(content: WheelContent, folder: Path) -> Path:
    """A Python with what a package must be installed beside; others are made below `folder`.

    Raises:
        UserError: uv is not installed, or cannot make one.
    """
    package = content.package
    if not package.find_differences():
        return Path(sys.executable)
    python = str(package.info["python"])
    requirements = sorted(content.requirements)
    digest = hashlib.sha256("\n".join([python, sys.platform, *requirements]).encode()).hexdigest()

    async def make(target: Path) -> None:
        what = f"{package.info['name']} {package.version}"
        print(f"serve: {what}: making an environment with its libraries", file=sys.stderr)
        await _run_uv(
            ["venv", "--quiet", "--relocatable", "--python", python, str(target)], target, what
        )
        install = ["pip", "install", "--quiet", "--python", str(target / PYTHON)]
        await _run_uv([*install, *requirements], target, what)

    def has_python(place: Path) -> bool:
        return (place / PYTHON).exists()

    return await cache(folder / digest[:SHORT], make, has_python) / PYTHON


async def _run_uv(arguments: list[str], folder: Path, what: str) -> None:
    try:
        result = await run_program(["uv", *arguments], folder)
    except FileNotFoundError as error:
        raise UserError(
            f"{what}: uv is not installed; it makes an environment with the versions that this "
            "model needs, since others are installed here"
        ) from error
    if result.status:
        reason = shorten(result.errors, 3 * LONGEST_REASON)
        raise UserError(f"{what}: an environment with its libraries cannot be made: {reason}")
