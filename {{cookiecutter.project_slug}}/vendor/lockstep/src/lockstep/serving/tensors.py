"""Tensors of the Open Inference Protocol, version 2: a column each, in JSON or as bytes behind it.

The bytes are those of its binary extension: numbers little end first, and each text with its length
before it in four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from math import isnan, prod
from typing import Any, NamedTuple

from .errors import Unusable

CODES = {
    "BOOL": "?",
    **{"INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q"},
    **{"UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q"},
    **{"FP16": "e", "FP32": "f", "FP64": "d"},
}
"""What `struct` calls the types of numbers."""
BYTES = "BYTES"
"""The type of texts."""
LENGTH = struct.Struct("<I")
BINARY_SIZE = "binary_data_size"
MOST_DIMENSIONS = 4


class Tensor(NamedTuple):
    """Values in the order of their rows."""

    name: str
    shape: tuple[int, ...]
    values: Sequence[Any]


def read_tensors(inputs: Any, binary: bytes) -> list[Tensor]:
    """The tensors of a request, whose `inputs` may leave their values to the bytes `binary`.

    Raises:
        Unusable: They are not as the protocol has them.
    """
    if not isinstance(inputs, list) or not inputs:
        raise Unusable("inputs: a list of tensors was expected")
    tensors, start = [], 0
    for place, tensor in enumerate(inputs):
        match tensor:
            case {"name": str(name), "datatype": str(datatype), "shape": [*shape]}:
                pass
            case _:
                raise Unusable(f"inputs.{place}: name, datatype and shape were expected")
        if datatype != BYTES and datatype not in CODES:
            known = ", ".join((BYTES, *CODES))
            raise Unusable(f"inputs.{name}: datatype {datatype!r}: one of {known} was expected")
        size = _find_binary_size(tensor)
        if size is None:
            values = [*_flatten(tensor.get("data"), name)]
        else:
            values = _unpack(binary[start : start + size], size, datatype, name)
            start += size
        if not _is_shape(shape) or prod(shape) != len(values):
            raise Unusable(f"inputs.{name}: {len(values)} values are not of the shape {shape}")
        tensors.append(Tensor(name, tuple(shape), values))
    if start != len(binary):
        raise Unusable(f"{len(binary)} bytes behind the JSON, whose tensors have {start} there")
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise Unusable("inputs: two tensors have one name")
    return tensors


def make_rows(tensors: Sequence[Tensor]) -> tuple[dict[str, Any], ...]:
    """Rows whose columns are the tensors; nothing, and no number, is a missing value.

    Raises:
        Unusable: They are not of one length, or not flat.
    """
    length = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.shape not in ((length,), (length, 1)):
            raise Unusable(
                f"inputs.{tensor.name}: shape {[*tensor.shape]}; a value for each row was "
                f"expected, [{length}] or [{length}, 1]"
            )
    names = [tensor.name for tensor in tensors]
    columns = [tensor.values for tensor in tensors]
    return tuple(dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True))


def write_tensor(
    name: str, datatype: str, values: Sequence[Any], *, is_binary: bool
) -> tuple[dict[str, Any], bytes]:
    """A tensor of the answer with a value for each row, and its bytes behind the JSON."""
    tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [len(values)]}
    if not is_binary:
        return tensor | {"data": values}, b""
    if datatype == BYTES:
        texts = [value.encode("utf-8") for value in values]
        content = b"".join(LENGTH.pack(len(text)) + text for text in texts)
    else:
        content = struct.pack(f"<{len(values)}{CODES[datatype]}", *values)
    return tensor | {"parameters": {BINARY_SIZE: len(content)}}, content


def _find_binary_size(tensor: dict[str, Any]) -> int | None:
    match tensor.get("parameters"):
        case {"binary_data_size": int(size)} if size >= 0 and "data" not in tensor:
            return size
        case {"binary_data_size": _}:
            raise Unusable(f"inputs.{tensor['name']}: {BINARY_SIZE}: a number was expected")
    return None


def _is_shape(shape: Sequence[Any]) -> bool:
    return 1 <= len(shape) <= MOST_DIMENSIONS and all(
        type(size) is int and size > 0 for size in shape
    )


def _flatten(data: Any, name: str) -> Iterator[Any]:
    """The values of lists within lists."""
    if not isinstance(data, list):
        raise Unusable(f"inputs.{name}: data: a list of values was expected")
    for _ in range(MOST_DIMENSIONS - 1):
        if data and all(isinstance(part, list) for part in data):
            data = [*chain.from_iterable(data)]
    if any(isinstance(value, list | dict) for value in data):
        raise Unusable(f"inputs.{name}: data: texts, numbers or null were expected")
    yield from data


def _unpack(content: bytes, size: int, datatype: str, name: str) -> list[Any]:
    if len(content) < size:
        raise Unusable(f"inputs.{name}: {size} bytes were expected, {len(content)} came")
    try:
        if datatype == BYTES:
            return [*_unpack_texts(content)]
        width = struct.calcsize(f"<{CODES[datatype]}")
        values = struct.unpack(f"<{size // width}{CODES[datatype]}", content)
    except (struct.error, UnicodeDecodeError) as error:
        raise Unusable(f"inputs.{name}: its bytes are no {datatype}: {error}") from error
    return [None if isnan(value) else value for value in values]


def _unpack_texts(content: bytes) -> Iterator[str]:
    start = 0
    while start < len(content):
        (length,) = LENGTH.unpack_from(content, start)
        start += LENGTH.size
        if start + length > len(content):
            raise struct.error("a text ends behind the last of them")
        yield content[start : start + length].decode("utf-8")
        start += length
