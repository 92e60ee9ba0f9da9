"""Folders that are made once and kept, whoever makes them first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory


async def cache(
    folder: Path, make: Callable[[Path], Awaitable[object]], is_whole: Callable[[Path], bool]
) -> Path:
    """The folder, made by `make` unless it is there and whole.

    Several servers may share a project: what was made second is thrown away.
    """
    if await asyncio.to_thread(is_whole, folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".", dir=folder.parent) as scratch:
        temporary = Path(scratch) / folder.name
        temporary.mkdir()
        await make(temporary)
        if folder.is_dir() and not await asyncio.to_thread(is_whole, folder):
            folder.rename(Path(scratch) / "damaged")
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    return folder
