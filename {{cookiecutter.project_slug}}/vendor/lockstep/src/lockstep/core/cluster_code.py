"""The library's and the owner's code as it goes to a cluster: an archive that workers unpack.

It travels under a digest of its bytes, so that edited code meets no older one.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from . import unit
from .cluster_versions import read_own_versions
from .errors import UserError
from .home import LIBRARY
from .paths import Paths
from .places import State, read_state
from .runtime import ON_CPU, ONE_THREAD, STRICT

ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def pack_code(package: str) -> bytes:
    """The packages that units import, and what their processes must know, as a zip file.

    It is packed again once a file has been written since, or the environment says other things.
    """
    names = {LIBRARY.partition(".")[0], package} - {"__main__"}
    files: dict[str, Path] = {}
    root, states = None, {}
    with suppress(UserError):
        paths = Paths.find()
        root = str(paths.root)
        with suppress(UserError):
            names.add(paths.package)
        places = {name: paths.root / name for name in unit.PROJECT_FILES}
        files |= {name: place for name, place in places.items() if place.is_file()}
        with suppress(OSError):
            states[str(paths.train)] = read_state(paths.train)
    for name in sorted(names):
        files |= list_files(name)
    settings = dict.fromkeys(STRICT) | {
        name: os.environ.get(name)
        for name in (*STRICT, *ON_CPU, "KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL")
    }
    manifest = {
        "files": states,
        "module": f"{LIBRARY}.core.unit_process",
        "root": root,
        "settings": settings | ONE_THREAD,
        "versions": read_own_versions(),
    }
    entries = ((name, file, read_state(file)) for name, file in sorted(files.items()))
    return _pack(tuple(entries), json.dumps(manifest))


@lru_cache(maxsize=1)
def _pack(files: tuple[tuple[str, Path, State], ...], manifest: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            *((name, file.read_bytes()) for name, file, _ in files),
            (unit.MANIFEST, manifest.encode()),
        ):
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def list_files(name: str) -> dict[str, Path]:
    """The files of a package, or of a module that is none, by their names in an archive."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return {}
    origin = Path(spec.origin)
    if not spec.submodule_search_locations:
        return {origin.name: origin}
    folder = origin.parent
    return {
        f"{name}/{file.relative_to(folder).as_posix()}": file
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
