"""The slow, complete reading of a body: what is wrong with which row and field, all at once.

It also accepts what the compiled decoder does not: fields that the schema lacks, whole floats
for integers, batches with more braces than rows may be. It holds one row at a time, so that
memory does not follow the body. Called by ``decoding`` only.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from modelyard_crds.fields import FieldSchema
from modelyard_runtime.serving import values
from modelyard_runtime.serving.errors import (
    MAX_FAULTS,
    Fault,
    InvalidRowsError,
    MalformedError,
    TooLargeError,
)
from modelyard_runtime.serving.values import Row, Value, shown

_SPACE = re.compile(r"[ \t\n\r]*")
#: Longer than any number of float32; int() itself refuses text above 4,300 digits.
_MAX_DIGITS = 400


class Reader:
    """Reads rows by the schema, one at a time."""

    def __init__(self, schema: Sequence[FieldSchema], max_rows: int) -> None:
        self._fields = [
            (field.name, bool(field.required), check)
            for field, check in zip(schema, values.checks(schema), strict=True)
        ]
        self._names = frozenset(field.name for field in schema)
        self._max_rows = max_rows

    def one(self, body: bytes) -> tuple[list[Row], frozenset[str]]:
        """The one row of an object, and the names of fields that were passed over."""
        text = _text(body)
        value, end = _decode(text, _skip(text, 0))
        _expect_end(text, end)
        if not isinstance(value, dict):
            msg = f"The body must be one JSON object, got {shown(value)}."
            raise MalformedError(msg)
        return self.all([value])

    def many(self, body: bytes) -> tuple[list[Row], frozenset[str]]:
        """The rows of an array of objects, and the names of fields that were passed over."""
        return self.all(_elements(_text(body)))

    def all(self, objects: Iterator[Any] | Sequence[Any]) -> tuple[list[Row], frozenset[str]]:
        """The rows of decoded objects; one pass, which ends early once enough is wrong."""
        rows: list[Row] = []
        faults: list[Fault] = []
        ignored: set[str] = set()
        for index, value in enumerate(objects):
            if index >= self._max_rows:
                raise TooLargeError(self._max_rows, "rows")
            if not isinstance(value, dict):
                faults.append(Fault(index, None, f"expected an object, got {shown(value)}"))
            else:
                rows.append(self._row(index, value, faults))
                ignored |= value.keys() - self._names
            if len(faults) >= MAX_FAULTS:
                break
        if faults:
            raise InvalidRowsError(faults[:MAX_FAULTS])
        return rows, frozenset(ignored)

    def _row(self, index: int, given: dict[str, Any], faults: list[Fault]) -> Row:
        row: list[Value] = []
        for name, required, check in self._fields:
            value = given.get(name)
            if value is None:
                row.append(None)
                if required:
                    problem = "is null" if name in given else "is missing"
                    faults.append(Fault(index, name, f"a required field {problem}"))
                continue
            try:
                row.append(check(value))
            except ValueError as error:
                faults.append(Fault(index, name, str(error)))
        return tuple(row)


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        msg = f"The body is not UTF-8: byte {error.start} is {body[error.start]:#04x}."
        raise MalformedError(msg) from None
    if not text.strip():
        msg = "The body is empty."
        raise MalformedError(msg)
    return text


def _elements(text: str) -> Iterator[Any]:
    position = _skip(text, 0)
    if text[position] != "[":
        value, _ = _decode(text, position)
        msg = f"The body must be a JSON array of objects, got {shown(value)}."
        raise MalformedError(msg)
    position = _skip(text, position + 1)
    if text[position : position + 1] == "]":
        _expect_end(text, position + 1)
        return
    while True:
        value, end = _decode(text, position)
        yield value
        end = _skip(text, end)
        match text[end : end + 1]:
            case ",":
                position = _skip(text, end + 1)
            case "]":
                _expect_end(text, end + 1)
                return
            case found:
                msg = (
                    f"The body is not JSON: expected ',' or ']' at character {end}, got {found!r}."
                )
                raise MalformedError(msg)


def _decode(text: str, position: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        msg = f"The body is not JSON: {error.msg.lower()} at character {error.pos}."
        raise MalformedError(msg) from None
    except RecursionError:
        msg = "The body is nested too deeply."
        raise MalformedError(msg) from None


def _expect_end(text: str, position: int) -> None:
    end = _skip(text, position)
    if end != len(text):
        msg = f"The body is not JSON: something follows the value at character {end}."
        raise MalformedError(msg)


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _whole(digits: str) -> int | float:
    return (
        int(digits)
        if len(digits) <= _MAX_DIGITS
        else math.copysign(math.inf, -1 if digits.startswith("-") else 1)
    )


_DECODER = json.JSONDecoder(parse_int=_whole)
