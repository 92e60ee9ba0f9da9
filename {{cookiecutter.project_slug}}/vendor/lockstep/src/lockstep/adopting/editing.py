"""Writing YAML as a person would: changing values in place, and mappings in lines."""

from __future__ import annotations

import io
import re
from copy import deepcopy
from typing import Any

PLAIN = re.compile(r"\w[\w/. -]*")
"""Words that mean the same in quotes and without."""
TRUTH_VALUES = ("null", "y", "n", "yes", "no", "on", "off", "true", "false")


def changed(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A copy of a nested mapping with some values changed, by their keys with dots between."""
    copy = deepcopy(content)
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = copy
        for parent in parents:
            section = section.setdefault(parent, {})
        section[last] = value
    return copy


def edited_yaml(text: str, changes: dict[str, Any]) -> str:
    """The YAML mapping `text` with some values changed; comments and all else stay.

    Args:
        text: A file's content.
        changes: New values by their keys, those of nested ones with dots between.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # a line that is too long for ruamel is not for its writer
    yaml.representer.add_representer(
        type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    content = yaml.load(text)
    for key, value in changes.items():
        _change(content, key.split("."), value)
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def _change(content: Any, path: list[str], value: Any) -> None:
    sections = [content]
    for key in path[:-1]:
        sections.append(sections[-1].setdefault(key, styled({})))
    comment = _comment_at_end(sections[-1].get(path[-1]))
    sections[-1][path[-1]] = styled(value)
    if comment is None:
        return
    # What stands below the old value belongs to the key that comes next.
    for section, key in zip(reversed(sections), reversed(path), strict=True):
        later = list(section)[list(section).index(key) + 1 :]
        if later:
            lines = [line.strip().removeprefix("#")[1:] for line in comment.strip("\n").split("\n")]
            indent = section.lc.col if section is not content else 0
            before = "\n".join(lines) if any(lines) else "\n"
            section.yaml_set_comment_before_after_key(later[0], before=before, indent=indent)
            return


def _comment_at_end(node: Any) -> str | None:
    """What ruamel.yaml keeps with the last key of a mapping in lines: the lines below it."""
    from ruamel.yaml.comments import CommentedMap

    while isinstance(node, CommentedMap) and node and not node.fa.flow_style():
        last = list(node)[-1]
        if token := node.ca.items.get(last, [None] * 3)[2]:
            return str(token.value)
        node = node[last]
    return None


def styled(value: Any, depth: int = 1) -> Any:
    """A value as ruamel.yaml writes it: mappings in lines down to a depth, below it on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if isinstance(value, dict):
        node: Any = CommentedMap(
            {_unmistakable(key): styled(item, depth - 1) for key, item in value.items()}
        )
    elif isinstance(value, list | tuple):
        node = CommentedSeq([styled(item, depth=0) for item in value])
        depth = 0
    else:
        return _unmistakable(value)
    if depth < 1 or not value:
        node.fa.set_flow_style()
    return node


def _unmistakable(value: Any) -> Any:
    """A text in quotes, unless it is plain words; to older parsers `no` is a truth value."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if not isinstance(value, str):
        return value
    if PLAIN.fullmatch(value) and value.lower() not in TRUTH_VALUES:
        return value
    return DoubleQuotedScalarString(value)
