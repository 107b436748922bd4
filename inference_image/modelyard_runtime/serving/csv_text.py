"""Rows as CSV: a header of field names, then a line a row; an empty cell is a missing value.

Text is all that CSV has, so that "3" is a number here; everything else is checked like JSON.
Used by ``predictor``.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO, TextIOWrapper
from itertools import islice
from typing import Any, Final

from modelyard_crds.fields import FieldSchema, FieldType
from modelyard_runtime.features import BOOLEAN_WORDS
from modelyard_runtime.serving.errors import MalformedError, TooLargeError

CSV: Final = b"text/csv"


def read_objects(body: bytes, schema: Sequence[FieldSchema], max_rows: int) -> list[dict[str, Any]]:
    """One object a line; a cell that is not of its field's type stays text, to be named later.

    Raises MalformedError where the body is not CSV, TooLargeError above ``max_rows``.
    """
    types = {field.name: field.type for field in schema}
    lines = _lines(body)
    header = next(lines, None)
    if not header:
        msg = "The body is empty; expected a header line with the names of the fields."
        raise MalformedError(msg)
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        msg = f"The header has {twice!r} twice."
        raise MalformedError(msg)
    readers = [_READERS.get(types.get(name, "string"), str) for name in header]
    objects = [
        _object(number, header, readers, cells)
        for number, cells in enumerate(islice(lines, max_rows + 1))
    ]
    if len(objects) > max_rows:
        raise TooLargeError(max_rows, "rows")
    return objects


def _lines(body: bytes) -> Iterator[list[str]]:
    # Line by line: a body of very short lines would be many times its size as strings.
    text = TextIOWrapper(BytesIO(body), encoding="utf-8-sig", newline="")
    try:
        yield from (cells for cells in csv.reader(text) if cells)
    except UnicodeDecodeError as error:
        start = text.buffer.tell() - len(error.object) + error.start
        msg = f"The body is not UTF-8: byte {start} is {body[start]:#04x}."
        raise MalformedError(msg) from None
    except csv.Error as error:
        msg = f"The body is not CSV: {error}."
        raise MalformedError(msg) from None


def _object(
    number: int,
    header: Sequence[str],
    readers: Sequence[Callable[[str], Any]],
    cells: Sequence[str],
) -> dict[str, Any]:
    if len(cells) != len(header):
        msg = f"Row {number} has {len(cells)} cells, the header has {len(header)}."
        raise MalformedError(msg)
    return {
        name: read(cell) if cell else None
        for name, read, cell in zip(header, readers, cells, strict=True)
    }


def _number(cell: str) -> float | str:
    # Python would read 1_000 as a number; no table means that.
    if "_" in cell:
        return cell
    try:
        return int(cell) if cell.lstrip("+-").isdecimal() else float(cell)
    except ValueError:
        return cell


def _boolean(cell: str) -> bool | str:
    return BOOLEAN_WORDS.get(cell.strip().lower(), cell)


_READERS: Final[Mapping[FieldType, Callable[[str], Any]]] = {
    "float": _number,
    "integer": _number,
    "boolean": _boolean,
}
