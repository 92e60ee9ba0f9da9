"""What a wheel tells of itself to those who install it.

See the Python Packaging User Guide, "Core metadata specifications".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.paths import Paths
from ..standalone.differences import MODELS
from .pins import read_floors

WHEEL = """\
Wheel-Version: 1.0
Generator: lockstep
Root-Is-Purelib: true
Tag: py3-none-any
"""
LICENCE = "LICENSE"


def make_notes(paths: Paths, info: Mapping[str, Any], home: str) -> dict[str, bytes]:
    """The files that tell of a wheel, by their names.

    Args:
        paths: The project that the model is of.
        info: What package.json tells.
        home: The package of the model.
    """
    project = paths.pyproject.get("project", {})
    lines = {
        "Metadata-Version": "2.4",
        "Name": f"{info['name']}-model",
        "Version": info["version"],
        "Summary": f"A model of {info['name']}, run {info['run'][:8]}",
        "Requires-Python": project.get("requires-python", f">={info['python']}"),
        "Classifier": "Private :: Do Not Upload",
        "Description-Content-Type": "text/markdown; charset=UTF-8",
    }
    notes = {
        "WHEEL": WHEEL,
        "entry_points.txt": f"[{MODELS}]\n{info['name']} = {home}\n",
    }
    if isinstance(licence := project.get("license"), str):
        lines["License-Expression"] = licence
    if (file := paths.root / LICENCE).is_file():
        lines["License-File"] = LICENCE
        notes[f"licenses/{LICENCE}"] = file.read_text(encoding="utf-8")
    needs = sorted(
        [*(f"{name}=={version}" for name, version in info["pins"].items()), *read_floors()]
    )
    head = [f"{name}: {value}" for name, value in lines.items()]
    head += [f"Requires-Dist: {need}" for need in needs]
    card = paths.require(paths.model_card).read_text(encoding="utf-8")
    notes["METADATA"] = "\n".join([*head, "", card])
    return {name: text.encode() for name, text in notes.items()}
