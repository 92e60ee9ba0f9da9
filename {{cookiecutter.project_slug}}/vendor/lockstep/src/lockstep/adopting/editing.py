"""Writing YAML as a person would: changing values in place, and mappings in lines."""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.tokens import CommentToken

from ..core.contract import Contract

HEADER = """\
# The data contract: what each column means and which values it may hold. `ingest` sets rows aside
# that break it. Written by `use` from what it saw: look at what is `guessed`, say what it means.
#
# type: numeric, integer, binary, categorical, ordered, datetime, text or identifier; the last two
# are no features. range: [smallest, largest], null leaves a side open; nullable: true allows
# missing values; missing: texts that stand for them; open: true allows other categories.

"""
PLAIN = re.compile(r"(?!(null|y|n|yes|no|on|off|true|false)$)\w[\w/. -]*", re.IGNORECASE)
"""Words that mean the same in quotes and without; to older parsers `no` is a truth value."""
YAML_EDITOR = YAML()
YAML_EDITOR.preserve_quotes = True
YAML_EDITOR.width = 4096  # a line that is too long for ruamel is not for its writer
YAML_EDITOR.representer.add_representer(
    type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null")
)


def edit_yaml(text: str, changes: dict[str, Any]) -> str:
    """The YAML mapping `text` with some values changed; comments and all else stay.

    `changes` has the new values by their keys, those of nested ones with dots between.
    """
    content = YAML_EDITOR.load(text)
    for path, value in changes.items():
        *parents, key = path.split(".")
        section = content
        for parent in parents:
            section = section.setdefault(parent, CommentedMap())
        # The lines above a key are kept with the value that ends there, which may go.
        lines, (comments, place) = "", _find_end_comments(section, key)
        if comments[place]:
            same_line, newline, lines = comments[place].value.partition("\n")
            comments[place].value = same_line + newline
        section[key] = _style(value)
        if lines:
            comments, place = _find_end_comments(section, key)
            comments[place] = comments[place] or CommentToken("\n", CommentMark(0))
            comments[place].value += lines
    return _dump(content)


def format_contract(contract: Contract, split: str = "") -> str:
    """The text of references/schema.yaml: a block for each column; `split` says what gives it."""
    content = contract.model_dump(mode="json", exclude_defaults=True)
    columns = content.pop("columns")
    if contract.images:
        if not split:
            content.pop("part", None)
        columns = {contract.target: columns[contract.target]}
    for column in columns.values():
        if "range" in column:
            column["range"] = [
                int(limit) if limit.is_integer() and abs(limit) < 2**53 else limit
                for limit in column["range"]
            ]
    document = _style(content | {"columns": columns}, depth=3)
    if split:
        note = f"split {split}; `split` in params.yaml is for the folds"
        document.yaml_add_eol_comment(note, "part")
    document.yaml_set_comment_before_after_key("columns", before="\n")
    return HEADER + _dump(document)


def _find_end_comments(node: Any, key: Any) -> tuple[list[Any], int]:
    """Where ruamel.yaml keeps what stands behind and below a value, or below the last of `node`."""
    if isinstance(node, dict) and key not in node and node:
        key = next(reversed(node))
    value = node.get(key) if isinstance(node, dict) else node[key]
    if isinstance(value, CommentedMap | CommentedSeq) and value and not value.fa.flow_style():
        return _find_end_comments(value, None if isinstance(value, dict) else len(value) - 1)
    return node.ca.items.setdefault(key, [None] * 4), 2 if isinstance(node, dict) else 0


def _style(value: Any, depth: int = 1) -> Any:
    """A value as ruamel.yaml writes it: mappings in lines down to a depth, below it on one line."""
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) else DoubleQuotedScalarString(value)
    if isinstance(value, dict):
        node: Any = CommentedMap(
            {_style(key): _style(item, depth - 1) for key, item in value.items()}
        )
    elif isinstance(value, list | tuple):
        node, depth = CommentedSeq([_style(item, depth=0) for item in value]), 0
    else:
        return value
    if depth < 1 or not value:
        node.fa.set_flow_style()
    return node


def _dump(content: Any) -> str:
    stream = io.StringIO()
    YAML_EDITOR.dump(content, stream)
    return stream.getvalue()
