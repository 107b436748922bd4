"""Read JSON lines: one object a row, the columns are all names that occur.

A file that is one JSON array of objects is read as well. Numbers and text in one column make it
text. Called by ``reading``.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.content import Plain
from modelyard_runtime.errors import UserError

_NUMBERS = (int, float)


def read_json_lines(plain: Plain) -> pa.Table:
    """The table, each column of one type.

    Raises UserError naming the line that is no object.
    """
    columns: dict[str, list[Any]] = {}
    rows = 0
    for line, value in _objects(plain):
        if not isinstance(value, dict):
            raise _not_object(plain.name, line, f"it is {_kind(value)}")
        for name, cell in value.items():
            if isinstance(cell, dict | list):
                raise UserError(
                    Reason.NOT_TABULAR,
                    f"Line {line} of {plain.name} has {_kind(cell)} in {name!r}, expected text, "
                    "a number, true, false or null: flatten it into columns of its own.",
                )
            cells = columns.setdefault(name.strip(), [])
            cells.extend([None] * (rows - len(cells)))
            cells.append(cell)
        rows += 1
    for cells in columns.values():
        cells.extend([None] * (rows - len(cells)))
    return pa.table({name: _array(cells) for name, cells in columns.items()})


def _objects(plain: Plain) -> Iterator[tuple[int, Any]]:
    with plain.path.open("rb") as file:
        start = file.read(64).lstrip()
        file.seek(0)
        if start.startswith(b"["):
            yield from enumerate(_decoded(plain.name, 1, file.read()), 1)
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _decoded(plain.name, number, line)


def _decoded(name: str, line: int, text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise _not_object(name, line, str(error)) from error


def _array(cells: list[Any]) -> pa.Array:
    """One Arrow type for a column: mixed kinds become text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int}:
        fits = all(cell is None or abs(cell) < 2**63 for cell in cells)
        return pa.array(cells, pa.int64() if fits else pa.float64())
    if kinds <= set(_NUMBERS):
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
    if len(kinds) == 1:
        return pa.array(cells)
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.large_string())


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else msgspec.json.encode(cell).decode()


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else f"a {type(value).__name__}"


def _not_object(name: str, line: int, cause: str) -> UserError:
    return UserError(
        Reason.NOT_TABULAR,
        f"Line {line} of {name} is not a JSON object ({cause}): "
        'write one object a line, such as {"a": 1}.',
    )
