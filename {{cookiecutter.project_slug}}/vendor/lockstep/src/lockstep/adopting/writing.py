"""The contract as the text of references/schema.yaml."""

from __future__ import annotations

from ..core.contract import Contract
from .editing import dump_yaml, style

HEADER = """\
# The data contract: what each column means and which values it may hold. `ingest` sets rows aside
# that break it. Written by `use` from what it saw: look at what is `guessed`, say what it means.
#
# type: numeric, integer, binary, categorical, ordered, datetime, text or identifier; the last two
# are no features. range: [smallest, largest], null leaves a side open; nullable: true allows
# missing values; missing: texts that stand for them.

"""


def format_contract(contract: Contract) -> str:
    """The contract as a person would write it: a block for each column."""
    content = contract.model_dump(mode="json", exclude_defaults=True)
    columns = content.pop("columns")
    if contract.images:
        content.pop("part", None)
        columns = {contract.target: columns[contract.target]}
    for column in columns.values():
        if "range" in column:
            column["range"] = [
                int(limit) if limit.is_integer() and abs(limit) < 2**53 else limit
                for limit in column["range"]
            ]
    document = style(content | {"columns": columns}, depth=3)
    document.yaml_set_comment_before_after_key("columns", before="\n")
    return HEADER + dump_yaml(document)
