"""Columns of a table to what the model takes: whole columns where they are plainly right.

A column that is not (a null where a value is required, a text for a number, a bound that is
broken) sends the chunk through the reading that names every fault by row and field. Used by
``tables``; imports pyarrow, and so is imported by it only when a table comes.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from modelyard_crds.conditions import rfc3339
from modelyard_crds.fields import FieldSchema
from modelyard_runtime.features import Values
from modelyard_runtime.serving.values import FLOAT32_MAX, Row

_MICROSECONDS: Final = 1e6
#: Whole numbers beyond are not exact as float64.
_EXACT: Final = 2**53


class ColumnRows(Sequence[Row]):
    """Rows of some columns, made when one is asked for."""

    def __init__(self, columns: Sequence[Any], rows: int) -> None:
        self._columns = columns
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> "ColumnRows": ...
    def __getitem__(self, place: int | slice) -> "Row | ColumnRows":
        if isinstance(place, slice):
            rows = len(range(*place.indices(self._rows)))
            return ColumnRows([column[place] for column in self._columns], rows)
        if not -self._rows <= place < self._rows:
            raise IndexError(place)
        return tuple(column[place] for column in self._columns)

    def __iter__(self) -> Iterator[Row]:
        return zip(*self._columns, strict=True) if self._columns else iter(())


def plain_columns(
    batch: pa.RecordBatch, schema: Sequence[FieldSchema]
) -> Mapping[str, Values] | None:
    """The columns as ``features.encode`` takes them; None where one is not plainly right."""
    columns: dict[str, Values] = {}
    for field in schema:
        position = batch.schema.get_field_index(field.name)
        values = _missing(batch, field) if position < 0 else _plain(batch.column(position), field)
        if values is None:
            return None
        columns[field.name] = values
    return columns


def objects_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows as JSON would have them."""
    return [{name: _as_json(value) for name, value in row.items()} for row in batch.to_pylist()]


def _missing(batch: pa.RecordBatch, field: FieldSchema) -> Values | None:
    if field.required:
        return None
    return [None] * batch.num_rows if field.type == "string" else np.full(batch.num_rows, np.nan)


def _plain(column: pa.Array, field: FieldSchema) -> Values | None:
    if field.required and column.null_count:
        return None
    if field.type == "string":
        return _texts(column, field)
    if field.enum is not None:
        return None
    match field.type:
        case "boolean" if pa.types.is_boolean(column.type):
            return _floats(column.cast(pa.uint8()))
        case "datetime" if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
            zone = getattr(column.type, "tz", None)
            moments = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
            return _floats(moments) / _MICROSECONDS
        case "float" | "integer":
            return _numbers(column, field)
    return None


def _texts(column: pa.Array, field: FieldSchema) -> Values | None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    texts: list[str | None] = column.to_pylist()
    if field.enum is not None and not {*texts} <= {*field.enum, None}:
        return None
    return texts


def _numbers(column: pa.Array, field: FieldSchema) -> NDArray[np.float64] | None:
    whole = pa.types.is_integer(column.type)
    if not whole and not pa.types.is_floating(column.type):
        return None
    values = _floats(column)
    known = values[~np.isnan(values)]
    if len(known) != len(column) - column.null_count:
        return None
    least = -FLOAT32_MAX if field.minimum is None else field.minimum
    greatest = FLOAT32_MAX if field.maximum is None else field.maximum
    if len(known) and not (least <= known.min() and known.max() <= greatest):
        return None
    if field.type == "integer" and not whole and (known % 1).any():
        return None
    return values if not whole or not len(known) or np.abs(known).max() <= _EXACT else None


def _floats(column: pa.Array) -> NDArray[np.float64]:
    """As float64, null as NaN."""
    values: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(
        zero_copy_only=False
    )
    return values


def _as_json(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat() if value.tzinfo is None else rfc3339(value)
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case None | str() | bool() | int() | float():
            return value
        case _:
            # Of no type that a field can have: refused by its name.
            return [] if isinstance(value, bytes | list | tuple) else {}
