"""The stages of dvc.yaml as a drawing and a table."""

from __future__ import annotations

from graphlib import TopologicalSorter
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any

from ..core.errors import UserError
from ..core.files import read_yaml
from ..core.paths import Paths
from ..reporting.markdown import code, directive, table

Stages = dict[str, dict[str, Any]]

CODE = ("src/", "vendor/")
WIDTH, HEIGHT, GAP, SIDE = 280, 64, 32, 110
"""Of a stage's box, between two boxes, and beside them for arrows that pass some, in pixels."""


def pipeline_page(paths: Paths) -> str:
    """What each stage reads and writes, and in which order they run."""
    content = read_yaml(paths.root / "dvc.yaml", "dvc.yaml")
    stages = content.get("stages") if isinstance(content, dict) else None
    if not (isinstance(stages, dict) and all(isinstance(each, dict) for each in stages.values())):
        raise UserError("dvc.yaml: `stages` must hold the stages by their names")
    stages = sort_stages(stages)
    rows = [
        [
            code(name),
            ", ".join(code(path) for path in stage.get("deps", []) if not path.startswith(CODE)),
            ", ".join(map(code, list_outputs(stage))),
        ]
        for name, stage in stages.items()
    ]
    return f"""\
# The pipeline

{directive("raw", "html", draw_pipeline(stages))}

{table(("stage", "reads", "writes"), rows)}

A stage runs again when a file, a [parameter](parameters.md) or code that it depends on has
changed, or Python or a library that it computes with has another version. `uv run dvc status` says
which are out of date; of the notebooks too, which only `make notebooks` runs.

<details><summary>dvc.yaml</summary>

{directive("literalinclude", "../dvc.yaml", ":language: yaml")}

</details>
"""


def sort_stages(stages: Stages) -> Stages:
    """The stages, each after those whose outputs it reads."""
    before: dict[str, list[str]] = {name: [] for name in stages}
    for writer, reader in list_edges(stages):
        before[reader].append(writer)
    return {name: stages[name] for name in TopologicalSorter(before).static_order()}


def list_edges(stages: Stages) -> list[tuple[str, str]]:
    """Pairs of stages of which the second reads what the first writes."""
    return [
        (writer, reader)
        for writer, source in stages.items()
        for reader, stage in stages.items()
        if any(
            path == output or path.startswith(f"{output}/")
            for path in stage.get("deps", [])
            for output in list_outputs(source)
        )
    ]


def list_outputs(stage: dict[str, Any]) -> list[str]:
    """The paths that a stage writes."""
    entries = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [path for entry in entries for path in ([entry] if isinstance(entry, str) else entry)]


def draw_pipeline(stages: Stages) -> str:
    """The stages below each other as SVG, in the colours of the page around it.

    It is drawn here since the documentation opens without network or server; the drawings of
    `dvc dag --mermaid` need a script from elsewhere to be seen.
    """
    top = {name: number * (HEIGHT + GAP) + 2 for number, name in enumerate(stages)}
    middle = WIDTH / 2 + 2
    edges, neighbours = list_edges(stages), {*pairwise(stages)}
    lines = [
        f"M{middle} {top[writer] + HEIGHT} V{top[reader] - 2}"
        for writer, reader in edges
        if (writer, reader) in neighbours
    ]
    # Other arrows pass stages on the right. The longer leaves its box higher, enters the other one
    # lower and is wider, so that arrows of one box neither meet nor cross.
    around = [edge for edge in edges if edge not in neighbours]
    around.sort(key=lambda edge: top[edge[0]] - top[edge[1]])
    for number, (writer, reader) in enumerate(around, start=1):
        share = number / (len(around) + 1)
        start = top[writer] + HEIGHT * (1 + share) / 2
        end = top[reader] + HEIGHT * (1 - share) / 2
        out = WIDTH + SIDE * 0.35 * (1 + (end - start) / (HEIGHT + GAP) / 2)
        lines.append(
            f"M{WIDTH + 2} {start:g} C{out:g} {start:g} {out:g} {end:g} {WIDTH + 6} {end:g}"
        )
    parts = [f'<path d="{line}" marker-end="url(#arrow)"/>' for line in lines]
    for name, stage in stages.items():
        parts.append(f'<rect x="2" y="{top[name]}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>')
        parts.append(f'<text x="{middle}" y="{top[name] + 22}" class="name">{escape(name)}</text>')
        parts += [
            f'<text x="{middle}" y="{top[name] + 40 + 15 * number}">{escape(line)}</text>'
            for number, line in enumerate(wrap(stage.get("desc", ""), 44)[:2])
        ]
    description = "; ".join(f"{reader} reads what {writer} writes" for writer, reader in edges)
    size = f"0 0 {WIDTH + SIDE} {len(stages) * (HEIGHT + GAP) - GAP + 4}"
    return (
        f'<svg class="pipeline" viewBox="{size}" role="img" aria-label="{escape(description)}">'
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z"/></marker></defs>'
        f"{''.join(parts)}</svg>"
    )
