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

PLAIN = re.compile(r"\w[\w/. -]*")
"""Words that mean the same in quotes and without."""
TRUTH_VALUES = ("null", "y", "n", "yes", "no", "on", "off", "true", "false")
YAML_EDITOR = YAML()
YAML_EDITOR.preserve_quotes = True
YAML_EDITOR.width = 4096  # a line that is too long for ruamel is not for its writer
YAML_EDITOR.representer.add_representer(
    type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null")
)


def edit_yaml(text: str, changes: dict[str, Any]) -> str:
    """The YAML mapping `text` with some values changed; comments and all else stay.

    Args:
        text: A file's content.
        changes: New values by their keys, those of nested ones with dots between.
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
        section[key] = style(value)
        if lines:
            comments, place = _find_end_comments(section, key)
            comments[place] = comments[place] or CommentToken("\n", CommentMark(0))
            comments[place].value += lines
    return dump_yaml(content)


def _find_end_comments(node: Any, key: Any) -> tuple[list[Any], int]:
    """Where ruamel.yaml keeps what stands behind and below a value, or below the last of `node`."""
    if isinstance(node, dict) and key not in node and node:
        key = next(reversed(node))
    value = node.get(key) if isinstance(node, dict) else node[key]
    if isinstance(value, CommentedMap | CommentedSeq) and value and not value.fa.flow_style():
        return _find_end_comments(value, None if isinstance(value, dict) else len(value) - 1)
    return node.ca.items.setdefault(key, [None] * 4), 2 if isinstance(node, dict) else 0


def style(value: Any, depth: int = 1) -> Any:
    """A value as ruamel.yaml writes it: mappings in lines down to a depth, below it on one line."""
    if isinstance(value, dict):
        node: Any = CommentedMap(
            {_quote_unless_plain(key): style(item, depth - 1) for key, item in value.items()}
        )
    elif isinstance(value, list | tuple):
        node = CommentedSeq([style(item, depth=0) for item in value])
        depth = 0
    else:
        return _quote_unless_plain(value)
    if depth < 1 or not value:
        node.fa.set_flow_style()
    return node


def _quote_unless_plain(value: Any) -> Any:
    """A text in quotes, unless it is plain words; to older parsers `no` is a truth value."""
    if not isinstance(value, str):
        return value
    if PLAIN.fullmatch(value) and value.lower() not in TRUTH_VALUES:
        return value
    return DoubleQuotedScalarString(value)


def dump_yaml(content: Any) -> str:
    """The text of what was loaded or styled."""
    stream = io.StringIO()
    YAML_EDITOR.dump(content, stream)
    return stream.getvalue()
