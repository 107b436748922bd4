"""Stream JSON lines: one object a row, the columns are all names that occur.

The file is gone through twice, first for the columns and their kinds, then for the rows, so that
only a batch of it is in memory. Numbers and text in one column make it text. A file that is one
JSON array of objects is read as well, while it is small. Called by ``reading``.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import pyarrow as pa

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.content import Plain
from modelyard_runtime.data.streams import Stream
from modelyard_runtime.errors import UserError

BATCH_ROWS = 20_000
#: An array is decoded as a whole, into about eight times its bytes.
MAX_ARRAY_BYTES = 64 * 1024 * 1024

_INT64 = range(-(2**63), 2**63)
_Row = dict[str, Any]


class _Wide:
    """Stands for an integer that 64 bits do not hold."""


def stream_json_lines(plain: Plain) -> Stream:
    """The table, each column of one type.

    Raises UserError naming the line that is no object.
    """
    kinds: dict[str, set[type]] = {}
    for row in _rows(plain):
        for name, cell in row.items():
            kinds.setdefault(name, set()).add(_kind_of(cell))
    schema = pa.schema([(name, _arrow_type(found)) for name, found in kinds.items()])
    return Stream(schema, _batches(plain, schema))


def _batches(plain: Plain, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    remaining = _rows(plain)
    while rows := list(islice(remaining, BATCH_ROWS)):
        columns = [_array([row.get(field.name) for row in rows], field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _rows(plain: Plain) -> Iterator[_Row]:
    for line, value in _values(plain):
        if not isinstance(value, dict):
            raise _not_object(plain.name, line, f"it is {_described(value)}")
        row = {name.strip(): cell for name, cell in value.items()}
        for name, cell in row.items():
            if isinstance(cell, dict | list):
                raise UserError(
                    Reason.NOT_TABULAR,
                    f"Line {line} of {plain.name} has {_described(cell)} in {name!r}, expected "
                    "text, a number, true, false or null: flatten it into columns of its own.",
                )
        yield row


def _values(plain: Plain) -> Iterator[tuple[int, Any]]:
    with plain.path.open("rb") as file:
        start = file.read(64).lstrip()
        file.seek(0)
        if start.startswith(b"["):
            _expect_small(plain)
            yield from enumerate(_decoded(plain.name, 1, file.read()), 1)
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _decoded(plain.name, number, line)


def _expect_small(plain: Plain) -> None:
    size = plain.path.stat().st_size
    if size > MAX_ARRAY_BYTES:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{plain.name} is one JSON array of {size >> 20} MiB, at most {MAX_ARRAY_BYTES >> 20} "
            "MiB are read in this form: write one object a line (JSON lines) or Parquet.",
        )


def _decoded(name: str, line: int, text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise _not_object(name, line, str(error)) from error


def _kind_of(cell: Any) -> type:
    return _Wide if type(cell) is int and cell not in _INT64 else type(cell)


def _arrow_type(kinds: set[type]) -> pa.DataType:
    """One Arrow type for a column: mixed kinds become text."""
    known = kinds - {type(None)}
    if known == {int}:
        return pa.int64()
    if known == {bool}:
        return pa.bool_()
    if known and known <= {int, float, _Wide}:
        return pa.float64()
    return pa.large_string() if known else pa.null()


def _array(cells: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_floating(kind):
        return pa.array([None if cell is None else float(cell) for cell in cells], kind)
    if pa.types.is_large_string(kind):
        return pa.array([None if cell is None else _text(cell) for cell in cells], kind)
    return pa.array(cells, kind)


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else msgspec.json.encode(cell).decode()


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else f"a {type(value).__name__}"


def _not_object(name: str, line: int, cause: str) -> UserError:
    return UserError(
        Reason.NOT_TABULAR,
        f"Line {line} of {name} is not a JSON object ({cause}): "
        'write one object a line, such as {"a": 1}.',
    )
