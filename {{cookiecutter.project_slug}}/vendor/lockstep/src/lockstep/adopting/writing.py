"""The contract as the text of references/schema.yaml."""

from __future__ import annotations

import io

from ..core.contract import Contract
from .editing import styled

HEADER = """\
# The data contract: what each column means and which values it may hold. `ingest` sets rows aside
# that break it. Written by `use` from what it saw: look at what is `guessed`, say what it means.
#
# type: numeric, integer, binary, categorical, ordered, datetime, text or identifier; the last two
# are no features. range: [smallest, largest], null leaves a side open; nullable: true allows
# missing values; missing: texts that stand for them.

"""


def as_yaml(contract: Contract) -> str:
    """The contract as a person would write it: a block for each column."""
    from ruamel.yaml import YAML

    content = contract.model_dump(mode="json", exclude_defaults=True)
    if contract.images:
        content.pop("part", None)
        content["columns"] = {contract.target: content["columns"][contract.target]}
    columns = content.pop("columns")
    for column in columns.values():
        if "range" in column:
            column["range"] = [_briefly(limit) for limit in column["range"]]
    page = styled(content | {"columns": columns}, depth=3)
    page.yaml_set_comment_before_after_key("columns", before="\n")
    yaml = YAML()
    yaml.width = 4096
    written = io.StringIO()
    yaml.dump(page, written)
    return HEADER + written.getvalue()


def _briefly(limit: float) -> float:
    return int(limit) if limit.is_integer() and abs(limit) < 2**53 else limit
