"""The contract as a page for people: the data dictionary of the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from ..config import Project
from ..errors import UserError
from .contract import IMAGE, Column, Contract, load_contract

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def page(root: Path) -> str:
    """The page of the project at `root`, also while it has no contract yet."""
    project = Project(root)
    try:
        return data_dictionary(load_contract(project, project.params().kind))
    except UserError as error:
        return f"# Data dictionary\n\nThere is none yet. {_plain(str(error))}\n"


def data_dictionary(contract: Contract) -> str:
    """The contract in Markdown: a row for each column, in its order."""
    roles = {
        getattr(contract, role): role
        for role in ("target", "group", "time", "part")
        if getattr(contract, role)
    }
    lines = [
        "# Data dictionary",
        "",
        f"{_plain(contract.title)}. Source: {_plain(contract.source)}. "
        f"Licence: {_plain(contract.licence)}.",
        "",
        "From `references/schema.yaml`, the contract that `ingest` holds every row against.",
        "",
        "| column | type | holds | may be missing | meaning | example |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, column in contract.columns.items():
        kind = f"{column.type}, {roles[name]}" if name in roles else column.type
        cells = [name, kind, _holds(column, contract), _gaps(column), column.meaning]
        lines.append(f"| {' | '.join(map(_plain, [*cells, column.example or '']))} |")
    if contract.drop:
        lines += ["", f"Known and not used: {', '.join(map(_plain, contract.drop))}."]
    return "\n".join(lines) + "\n"


def _holds(column: Column, contract: Contract) -> str:
    if column.type == IMAGE and contract.images:
        shade = "colour" if contract.images.colour else "grey"
        return f"{contract.images.width}x{contract.images.height} pixels, {shade}"
    return column.rule() + (", no value twice" if column.unique else "")


def _gaps(column: Column) -> str:
    if not column.nullable:
        return "no"
    return f"yes, also as {', '.join(column.missing)}" if column.missing else "yes"


def _plain(text: str) -> str:
    """Text in which nothing is markup, on one line."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
