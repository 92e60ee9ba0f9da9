"""The stages of dvc.yaml as a drawing and a table."""

from __future__ import annotations

from graphlib import TopologicalSorter
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any

from ..core.errors import UserError
from ..core.files import read_yaml
from ..core.project import Project
from ..reporting.markdown import code, directive, table

Stages = dict[str, dict[str, Any]]

WIDTH, HEIGHT, GAP, SIDE = 280, 64, 32, 110
"""Of a stage's box, between two boxes, and beside them for arrows that pass some, in pixels."""


def page(project: Project) -> str:
    """What each stage reads and writes, and in which order they run.

    Raises:
        UserError: dvc.yaml cannot be read.
    """
    content = read_yaml(project.root / "dvc.yaml", "dvc.yaml")
    found = content.get("stages") if isinstance(content, dict) else None
    if not (isinstance(found, dict) and all(isinstance(one, dict) for one in found.values())):
        raise UserError("dvc.yaml: `stages` must hold the stages by their names")
    stages = in_order(found)
    rows = [
        [
            code(name),
            ", ".join(code(path) for path in stage.get("deps", []) if not path.startswith("src/")),
            ", ".join(map(code, outputs(stage))),
        ]
        for name, stage in stages.items()
    ]
    return f"""\
# The pipeline

{directive("raw", "html", drawing(stages))}

{table(("stage", "reads", "writes"), rows)}

A stage runs again when a file, a [parameter](parameters.md) or a module that it depends on has
changed, or Python or a library that it computes with has another version. `uv run dvc status` says
which are out of date; of the notebooks too, which only `make notebooks` runs.

<details><summary>dvc.yaml</summary>

{directive("literalinclude", "../dvc.yaml", ":language: yaml")}

</details>
"""


def in_order(stages: Stages) -> Stages:
    """The stages, each after those whose outputs it reads."""
    before: dict[str, list[str]] = {name: [] for name in stages}
    for writer, reader in edges(stages):
        before[reader].append(writer)
    return {name: stages[name] for name in TopologicalSorter(before).static_order()}


def edges(stages: Stages) -> list[tuple[str, str]]:
    """Pairs of stages of which the second reads what the first writes."""
    return [
        (writer, reader)
        for writer, source in stages.items()
        for reader, stage in stages.items()
        if any(
            path == output or path.startswith(f"{output}/")
            for path in stage.get("deps", [])
            for output in outputs(source)
        )
    ]


def outputs(stage: dict[str, Any]) -> list[str]:
    """The paths that a stage writes."""
    entries = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [path for entry in entries for path in ([entry] if isinstance(entry, str) else entry)]


def drawing(stages: Stages) -> str:
    """The stages below each other as SVG, in the colours of the page around it.

    An arrow between neighbours is straight; one that passes other stages goes around them.
    """
    top = {name: number * (HEIGHT + GAP) + 2 for number, name in enumerate(stages)}
    neighbours = {*pairwise(stages)}
    around = [edge for edge in edges(stages) if edge not in neighbours]
    middle = WIDTH / 2 + 2
    parts = []
    for writer, reader in edges(stages):
        if (writer, reader) in neighbours:
            path = f"M{middle} {top[writer] + HEIGHT} V{top[reader] - 2}"
        else:
            start = top[writer] + HEIGHT * (1 + _place(reader, writer, around)) / 2
            end = top[reader] + HEIGHT * _place(writer, reader, around) / 2
            out = WIDTH + SIDE * 0.35 * (1 + (end - start) / (HEIGHT + GAP) / 2)
            path = f"M{WIDTH + 2} {start:g} C{out:g} {start:g} {out:g} {end:g} {WIDTH + 6} {end:g}"
        parts.append(f'<path d="{path}" marker-end="url(#arrow)"/>')
    for name, stage in stages.items():
        lines = wrap(stage.get("desc", ""), 44)[:2]
        parts.append(f'<rect x="2" y="{top[name]}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>')
        parts.append(f'<text x="{middle}" y="{top[name] + 22}" class="name">{escape(name)}</text>')
        parts += [
            f'<text x="{middle}" y="{top[name] + 40 + 15 * number}">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ]
    told = "; ".join(f"{reader} reads what {writer} writes" for writer, reader in edges(stages))
    size = f"0 0 {WIDTH + SIDE} {len(stages) * (HEIGHT + GAP) - GAP + 4}"
    return (
        f'<svg class="pipeline" viewBox="{size}" role="img" aria-label="{escape(told)}">'
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z"/></marker></defs>'
        f"{''.join(parts)}</svg>"
    )


def _place(other: str, stage: str, around: list[tuple[str, str]]) -> float:
    """Where between 0 and 1 the arrow from or to `other` touches `stage`; its others are apart."""
    into = [writer for writer, reader in reversed(around) if reader == stage]
    out_of = [reader for writer, reader in reversed(around) if writer == stage]
    others = into if other in into else out_of
    return (others.index(other) + 1) / (len(others) + 1)
