"""Tensors of the Open Inference Protocol, version 2: a column each, in JSON or as bytes behind it.

The bytes are those of its binary extension: numbers little end first, and each text with its length
before it in four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from math import isnan, prod
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException

from ..core.errors import shorten
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
PIXELS = "UINT8"
"""The type of images."""
FLOATS = ("FP16", "FP32", "FP64")
LENGTH = struct.Struct("<I")
BINARY_SIZE = "binary_data_size"
MOST_DIMENSIONS = 4
LONGEST_SHAPE = 80
"""Signs of a shape that a message tells."""


class Tensor(NamedTuple):
    """Values in the order of their rows."""

    name: str
    shape: tuple[int, ...]
    values: Sequence[Any]
    """Of an image, which has more than two dimensions, its pixels as bytes."""

    @property
    def is_image(self) -> bool:
        """Whether it has more than a value for each row."""
        return len(self.shape) > 2


def read_tensors(inputs: Any, binary: bytes, most_rows: int) -> list[Tensor]:
    """The tensors of a request, whose `inputs` may leave their values to the bytes `binary`.

    Shapes are looked at first, so that nothing is unpacked that is too large.

    Raises:
        HTTPException: There are more than `most_rows`.
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
            allowed = ", ".join((BYTES, *CODES))
            raise Unusable(f"inputs.{name}: datatype {datatype!r}: one of {allowed} was expected")
        _require_shape(shape, name, datatype, most_rows)
        size = _find_binary_size(tensor)
        if size is None:
            values: Sequence[Any] = _flatten(tensor.get("data"), name)
        else:
            values = _unpack(binary[start : start + size], size, datatype, prod(shape), name)
            start += size
        if prod(shape) != len(values):
            raise Unusable(f"inputs.{name}: {len(values)} values are not of the shape {shape}")
        if len(shape) > 2:
            values = _make_pixels(values, name)
        tensors.append(Tensor(name, tuple(shape), values))
    if start != len(binary):
        raise Unusable(f"{len(binary)} bytes behind the JSON, whose tensors have {start} there")
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise Unusable("inputs: two tensors have one name")
    return tensors


def transpose(tensors: Sequence[Tensor], columns: Collection[str]) -> tuple[dict[str, Any], ...]:
    """Rows of those tensors that are `columns`; nothing, and no number, is a missing value.

    Raises:
        Unusable: They are not of one length, or not flat.
    """
    length = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.shape not in ((length,), (length, 1)):
            raise Unusable(_expect_value_for_each_row(tensor.name, tensor.shape, length))
    known = {tensor.name: tensor.values for tensor in tensors if tensor.name in columns}
    if not known:
        return ({},) * length
    return tuple(
        dict(zip(known, cells, strict=True)) for cells in zip(*known.values(), strict=True)
    )


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


def _require_shape(shape: list[Any], name: str, datatype: str, most_rows: int) -> None:
    is_shape = 1 <= len(shape) <= MOST_DIMENSIONS and all(
        type(size) is int and size > 0 for size in shape
    )
    if not is_shape:
        text = shorten(str(shape), LONGEST_SHAPE)
        raise Unusable(
            f"inputs.{name}: shape {text}: at most {MOST_DIMENSIONS} numbers above 0 were expected"
        )
    if shape[0] > most_rows:
        raise HTTPException(413, f"{shape[0]} rows; at most {most_rows} were expected")
    if len(shape) == 2 and shape[1] != 1:
        raise Unusable(_expect_value_for_each_row(name, shape, shape[0]))
    if len(shape) > 2 and datatype != PIXELS:
        raise Unusable(f"inputs.{name}: datatype {datatype!r}: {PIXELS} was expected of images")


def _expect_value_for_each_row(name: str, shape: Sequence[int], length: int) -> str:
    return (
        f"inputs.{name}: shape {[*shape]}; a value for each row was expected, [{length}] or "
        f"[{length}, 1]"
    )


def _flatten(data: Any, name: str) -> list[Any]:
    """The values of lists within lists."""
    if not isinstance(data, list):
        raise Unusable(f"inputs.{name}: data: a list of values was expected")
    values: list[Any] = data
    for _ in range(MOST_DIMENSIONS - 1):
        if values and all(isinstance(part, list) for part in values):
            values = [*chain.from_iterable(values)]
    if any(isinstance(value, list | dict) for value in values):
        raise Unusable(f"inputs.{name}: data: texts, numbers or null were expected")
    return values


def _make_pixels(values: Sequence[Any], name: str) -> bytes:
    try:
        return bytes(values)
    except (TypeError, ValueError) as error:
        raise Unusable(f"inputs.{name}: whole numbers from 0 to 255 were expected") from error


def _unpack(content: bytes, size: int, datatype: str, count: int, name: str) -> Sequence[Any]:
    """The values of a tensor, `count` if they are numbers."""
    if len(content) < size:
        raise Unusable(f"inputs.{name}: {size} bytes were expected, {len(content)} came")
    if datatype == PIXELS:
        return content
    try:
        if datatype == BYTES:
            return [*_unpack_texts(content, count)]
        values = struct.unpack(f"<{count}{CODES[datatype]}", content)
    except (struct.error, UnicodeDecodeError) as error:
        raise Unusable(f"inputs.{name}: its bytes are no {count} {datatype}: {error}") from error
    is_float = datatype in FLOATS
    return [None if isnan(value) else value for value in values] if is_float else values


def _unpack_texts(content: bytes, count: int) -> Iterator[str]:
    start = 0
    for _ in range(count):
        (length,) = LENGTH.unpack_from(content, start)
        start += LENGTH.size
        if start + length > len(content):
            raise struct.error("a text ends behind the last of them")
        yield content[start : start + length].decode("utf-8")
        start += length
    if start < len(content):
        raise struct.error(f"{len(content) - start} bytes are left")
