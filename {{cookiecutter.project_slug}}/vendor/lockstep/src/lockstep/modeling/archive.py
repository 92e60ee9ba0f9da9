"""Writing fitted models such that the same model gives the same bytes."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

from joblib.numpy_pickle import NumpyPickler

from ..core.files import replacing
from .keras import keras


class CanonicalPickler(NumpyPickler):
    """Writes equal texts once, whether or not they are one object.

    Which are one depends on what the process has unpickled before: names of attributes that were
    read from a file are not those of the code.
    """

    def save(self, obj: Any, *arguments: Any, **options: Any) -> None:
        """Pickle a part."""
        super().save(sys.intern(obj) if type(obj) is str else obj, *arguments, **options)


def write_joblib(content: Any, path: Path) -> None:
    """A scikit-learn object, for `joblib.load`."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        CanonicalPickler(file).dump(content)


def write_keras(network: keras.Model, path: Path) -> None:
    """A Keras network with its weights, in the `.keras` format, rewritten to hold nothing else."""
    with replacing(path) as temporary:
        saved = temporary.with_name(f"{temporary.name}.keras")  # Keras insists on the extension
        try:
            network.save(saved)
            _rewrite_archive(saved, temporary)
        finally:
            saved.unlink(missing_ok=True)


def _rewrite_archive(saved: Path, path: Path) -> None:
    """Copy without what differs from run to run: the time, in the metadata and in the zip, and the
    memory addresses by which Keras tells which parts of the configuration are one object."""
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w") as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "metadata.json":
                content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
            elif name == "config.json":
                content = json.dumps(renumber(json.loads(content), {})).encode()
            target.writestr(zipfile.ZipInfo(name), content)


def renumber(config: Any, numbers: dict[int, int]) -> Any:
    """`config` with its `shared_object_id`s counted in the order in which they come."""
    if isinstance(config, list):
        return [renumber(part, numbers) for part in config]
    if not isinstance(config, dict):
        return config
    return {
        key: numbers.setdefault(value, len(numbers))
        if key == "shared_object_id"
        else renumber(value, numbers)
        for key, value in config.items()
    }
