"""Changing YAML as a person would: the values that change, and no other sign of the file."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from .errors import UserError

PLAIN = re.compile(r"(?!(null|y|n|yes|no|on|off|true|false)$)\w[\w/. -]*", re.IGNORECASE)
"""Words that mean the same in quotes and without; to older parsers `no` is a truth value."""
LONGEST_LINE, INDENT = 100, 2
ABSENT = object()
"""The value of a key that is to go."""
READER, WRITER = YAML(typ="safe", pure=True), YAML()
WRITER.width = 4096  # a line that is too long for ruamel is not for its writer
WRITER.representer.add_representer(
    type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null")
)


def edit_yaml(
    text: str, changes: dict[str, Any], comments: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The text of params.yaml with some values changed; comments and all else stay.

    Args:
        text: Of the file.
        changes: The new values by their keys, those of nested ones with dots between. A key that is
            to be ABSENT goes with the comment above it.
        comments: What is to stand above a key on a line of its own that was not there before.

    Raises:
        UserError: A value cannot be changed without another one, which refers to it.
    """
    content = READER.load(text)
    for path, value in changes.items():
        keys = path.split(".")
        former, content = content, change_values(content, {path: value})
        if value is ABSENT:
            text = _remove(text, keys)
        elif repr(content) != repr(former):
            text = _set(text, keys, value, comments.get(path, ""))
            within = [[*keys, name] for name in value] if isinstance(value, dict) else []
            for each in (keys[:-1], *within):
                text = _break_line(text, each)
    if READER.load(text) != content:
        raise UserError(
            "params.yaml: its values cannot be changed one by one, since some stand for others by "
            "& and *; write these out"
        )
    return text


def change_values(content: Any, changes: Mapping[str, Any]) -> Any:
    """What the file says after the changes that `edit_yaml` would make, without its text."""
    for path, value in changes.items():
        keys = path.split(".")
        if value is ABSENT:
            content = _drop(content, keys)
        else:
            plain = READER.load(write_yaml(style(value)))  # a tuple will be a list
            content = _change(content, keys, plain)
    return content


def _change(content: Any, keys: list[str], value: Any) -> Any:
    """A mapping like `content`, but with a value at the end of some keys."""
    if not keys:
        return value
    content = content or {}
    return {**content, keys[0]: _change(content.get(keys[0]), keys[1:], value)}


def _drop(content: Any, keys: list[str]) -> Any:
    """A mapping like `content`, but without what is at the end of some keys."""
    if not isinstance(content, dict) or keys[0] not in content:
        return content
    if len(keys) > 1:
        return {**content, keys[0]: _drop(content[keys[0]], keys[1:])}
    return {key: value for key, value in content.items() if key != keys[0]}


def write_yaml(content: Any) -> str:
    """The text of what `style` gives."""
    stream = io.StringIO()
    WRITER.dump(content, stream)
    return stream.getvalue()


def style(value: Any, depth: int = 1) -> Any:
    """A value as it is to be written: mappings in lines down to a depth, below it on one line."""
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) else DoubleQuotedScalarString(value)
    if isinstance(value, dict):
        node: Any = CommentedMap(
            {style(key): style(item, depth - 1) for key, item in value.items()}
        )
    elif isinstance(value, list | tuple):
        node, depth = CommentedSeq([style(item, depth=0) for item in value]), 0
    else:
        return value
    if depth < 1 or not value:
        node.fa.set_flow_style()
    return node


def _set(text: str, path: list[str], value: Any, comment: str = "") -> str:
    """The text with a value at the end of a path, of which the last keys need not be there.

    A key that was not there gets the comment above it.
    """
    chain = _locate(text, path)
    key, node = chain[-1]
    rest = path[len(chain) - 1 :]
    for name in reversed(rest):
        value = {name: value}
    if rest and isinstance(node, MappingNode):
        return _add(text, node, value, comment if len(rest) == 1 else "")
    # What a key with nothing behind it gets is on its line, as with others of its kind.
    is_inline = rest or not _has_lines(chain[-2][1])
    return _replace(text, key, node, style(value, 0 if is_inline else 1))


def _locate(text: str, path: list[str]) -> list[tuple[Node, Node]]:
    """The key and the value at each part of a path, as far as it goes; first what all is in."""
    root = _compose(text)
    chain = [(root, root)]
    for name in path:
        node = chain[-1][1]
        entries = node.value if isinstance(node, MappingNode) else []
        entry = next((entry for entry in entries if entry[0].value == name), None)
        if entry is None:
            break
        chain.append(entry)
    return chain


@lru_cache(maxsize=1)
def _compose(text: str) -> Node:
    """The nodes of a text, which one change after another asks for until it is another text."""
    root: Node = WRITER.compose(text)
    return root


def _add(text: str, node: MappingNode, entry: dict[str, Any], comment: str) -> str:
    """The text with an entry at the end of a mapping, above what is said below that."""
    if node.flow_style:
        end = _find_end(text, *node.value[-1]) if node.value else node.start_mark.index + 1
        comma = ", " if node.value else ""
        return text[:end] + comma + write_yaml(style(entry, 0)).strip()[1:-1] + text[end:]
    end, column = _end_line(text, _find_end(text, *node.value[-1])), node.start_mark.column
    lines = textwrap.wrap(comment, LONGEST_LINE - column - len("# "), break_on_hyphens=False)
    above = "".join(f"\n{' ' * column}# {line}" for line in lines)
    return f"{text[:end]}{above}\n{_indent(style(entry, 2), column)}{text[end:]}"


def _remove(text: str, path: list[str]) -> str:
    """The text without a key and the comment right above it."""
    chain = _locate(text, path)
    if len(chain) <= len(path):
        return text
    (_, parent), (key, node) = chain[-2:]
    entries = parent.value
    if len(entries) == 1:
        return _set(text, path[:-1], {})
    if not _has_lines(parent):
        place = next(number for number, entry in enumerate(entries) if entry[0] is key)
        if place == 0:
            return text[: key.start_mark.index] + text[entries[1][0].start_mark.index :]
        return text[: _find_end(text, *entries[place - 1])] + text[_find_end(text, key, node) :]
    column = key.start_mark.column
    start, end = key.start_mark.index - column, _end_line(text, _find_end(text, key, node))
    above = text[:start].splitlines(keepends=True)
    while above and above[-1].startswith(" " * column + "#"):
        start -= len(above.pop())
    return text[:start] + text[end + 1 :]


def _replace(text: str, key: Node, former: Node, value: Any) -> str:
    """The text with a value in the place of the former one of a key."""
    colon, end = _find_colon(text, key), _find_end(text, key, former)
    if _has_lines(former):
        line, after = text[colon : _end_line(text, colon)], text[_end_line(text, end) :]
    else:
        before = text[colon : former.start_mark.index] if end > colon else ""
        line, newline, after = (before.rstrip() + text[end:]).partition("\n")
        after = newline + after
    if isinstance(value, CommentedMap) and not value.fa.flow_style():
        return f"{text[:colon]}{line}\n{_indent(value, key.start_mark.column + INDENT)}{after}"
    if isinstance(value, str) and getattr(former, "style", None) == '"':
        value = DoubleQuotedScalarString(value)
    inline = write_yaml({"": value}).partition(":")[2].rstrip()
    return f"{text[:colon]}{inline}{line}{after}"


def _break_line(text: str, path: list[str]) -> str:
    """The text with the mapping at the end of a path in lines, if it is too long for its line."""
    # Finding the mapping takes a hundred times as long as finding that no line is too long.
    if not path or max(map(len, text.splitlines())) <= LONGEST_LINE:
        return text
    (_, parent), (key, node) = _locate(text, path)[-2:]
    end = _end_line(text, key.end_mark.index)
    is_on_line = isinstance(node, MappingNode) and node.end_mark.index <= end
    is_short = end - text.rfind("\n", 0, end) - 1 <= LONGEST_LINE
    if is_short or not is_on_line or not _has_lines(parent):
        return text
    margin = " " * (key.start_mark.column + INDENT)
    lines = [
        f"\n{margin}{text[name.start_mark.index : _find_end(text, name, value)]}"
        for name, value in node.value
    ]
    comment = text[node.end_mark.index : end]
    return f"{text[: _find_colon(text, key)]}{comment}{''.join(lines)}{text[end:]}"


def _has_lines(node: Node) -> bool:
    """Whether it is a mapping or a list on lines of its own."""
    return isinstance(node, CollectionNode) and not node.flow_style


def _find_colon(text: str, key: Node) -> int:
    """Where the colon behind a key ends."""
    return text.index(":", key.end_mark.index) + 1


def _find_end(text: str, key: Node, node: Node) -> int:
    """Where the value of a key ends, above what is said below it."""
    while _has_lines(node):
        key, node = node.value[-1] if isinstance(node, MappingNode) else (key, node.value[-1])
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip()) if end > start else _find_colon(text, key)


def _end_line(text: str, place: int) -> int:
    """Where the line of a place ends."""
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _indent(value: Any, column: int) -> str:
    return textwrap.indent(write_yaml(value).rstrip("\n"), " " * column)
