"""Tensors of the Open Inference Protocol: JSON and binary data to values, and back.

Binary data follows the JSON header of a body, in the order of the tensors; texts in it carry
their length in four bytes. Used by ``open_inference``.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.serving.errors import MalformedError

_DTYPES: Final[Mapping[str, str]] = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_BYTES: Final = "BYTES"
_LENGTH = struct.Struct("<I")


class Tensor(NamedTuple):
    """A named column of values, or of fixed-length vectors."""

    name: str
    datatype: str
    values: Sequence[Any] | NDArray[Any]
    width: int | None = None
    #: What each value of a vector is of.
    labels: Sequence[str] = ()

    @property
    def shape(self) -> list[int]:
        """Rows, and the length of each vector where the values are vectors."""
        return [len(self.values)] if self.width is None else [len(self.values), self.width]


def read_values(
    name: str, datatype: str, rows: int, data: Sequence[Any] | None, binary: bytes | None
) -> list[Any]:
    """The values of a column; a float that is NaN in binary data is a missing value.

    Raises MalformedError where the data is not of the type or length that the tensor states.
    """
    if datatype != _BYTES and datatype not in _DTYPES:
        expected = ", ".join([*_DTYPES, _BYTES])
        raise MalformedError(f"Tensor {name!r} has datatype {datatype!r}, expected {expected}.")
    if binary is not None:
        values = _texts(name, binary) if datatype == _BYTES else _numbers(name, datatype, binary)
    else:
        values = _flat(data or [])
        if datatype == "BOOL":
            values = [bool(value) if value in (0, 1) else value for value in values]
    if len(values) != rows:
        raise MalformedError(f"Tensor {name!r} has {len(values)} values, its shape says {rows}.")
    return values


def write_binary(tensor: Tensor) -> bytes:
    """The values as binary data."""
    if tensor.datatype != _BYTES:
        return np.asarray(tensor.values, dtype=_DTYPES[tensor.datatype]).tobytes()
    parts = [str(value).encode() for value in tensor.values]
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def _numbers(name: str, datatype: str, binary: bytes) -> list[Any]:
    dtype = np.dtype(_DTYPES[datatype])
    if len(binary) % dtype.itemsize:
        raise MalformedError(
            f"Tensor {name!r} has {len(binary)} bytes, expected a multiple of {dtype.itemsize}."
        )
    values = np.frombuffer(binary, dtype)
    plain: list[Any] = values.tolist()
    if dtype.kind != "f":
        return plain
    return [None if gone else value for value, gone in zip(plain, np.isnan(values), strict=True)]


def _texts(name: str, binary: bytes) -> list[str]:
    texts: list[str] = []
    position = 0
    try:
        while position < len(binary):
            (length,) = _LENGTH.unpack_from(binary, position)
            position += _LENGTH.size + length
            if position > len(binary):
                raise MalformedError(f"Tensor {name!r} ends within a text.")
            texts.append(binary[position - length : position].decode())
    except (struct.error, UnicodeDecodeError):
        raise MalformedError(f"Tensor {name!r} is not a row of UTF-8 texts.") from None
    return texts


def _flat(data: Any) -> list[Any]:
    """Nested lists as one; the protocol allows both."""
    if not isinstance(data, list):
        return [data]
    if not any(isinstance(item, list) for item in data):
        return data
    return [value for item in data for value in _flat(item)]
