"""The data dictionary: the contract as a page for people."""

from __future__ import annotations

from ..core.contract import IMAGE, Column, Contract
from ..core.files import read_yaml
from ..core.project import Project
from ..reporting.markdown import plain, table

HEADER = ("column", "type", "holds", "may be missing", "meaning", "example")


def dictionary_page(project: Project) -> str:
    """The contract as Markdown, or a sentence while the project has none."""
    if read_yaml(project.contract_file, project.name(project.contract_file)):
        return describe_contract(project.contract)
    return (
        "# Data dictionary\n\nThere is none yet: the command `use FILE --target COLUMN` writes "
        "the contract that it is made of.\n"
    )


def describe_contract(contract: Contract) -> str:
    """The contract in Markdown: a row for each column, in its order."""
    names = ("target", "group", "time", "series", "sequence", "part", "exposure")
    roles = {getattr(contract, role): f", {role}" for role in names}
    rows = [
        [
            name,
            column.type + roles.get(name, ""),
            _holds(column, contract),
            _missing(column),
            column.meaning,
            column.example or "",
        ]
        for name, column in contract.columns.items()
    ]
    has_examples = any(column.example for column in contract.columns.values())
    header = HEADER if has_examples else HEADER[:-1]
    unused = f"\nKnown and not used: {', '.join(map(plain, contract.drop))}.\n"
    return f"""\
# Data dictionary

Title: {plain(contract.title)}. Source: {plain(contract.source)}.
Licence: {plain(contract.licence)}.

From `references/schema.yaml`, the contract that `ingest` holds every row against.

{table(header, [[plain(cell) for cell in row[: len(header)]] for row in rows])}
{unused if contract.drop else ""}"""


def _holds(column: Column, contract: Contract) -> str:
    if column.type == IMAGE and contract.images:
        shade = "colour" if contract.images.colour else "grey"
        return f"{contract.images.width}x{contract.images.height} pixels, {shade}"
    notes = (", no value twice" if column.unique else "", ", private" if column.private else "")
    return column.rule() + "".join(notes)


def _missing(column: Column) -> str:
    if not column.nullable:
        return "no"
    return f"yes, also as {', '.join(column.missing)}" if column.missing else "yes"
