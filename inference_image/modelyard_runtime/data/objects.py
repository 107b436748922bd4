"""A table as the JSON objects of a request: what a caller of the REST interface would send.

Called by predictions by hand, so that they pass the same checks as served ones.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelyard_crds.fields import FieldType
from modelyard_runtime.data.table import Column, Table


def objects_of(table: Table) -> list[dict[str, Any]]:
    """One object a row; what is missing is null."""
    columns = [_cells(column) for column in table.columns]
    rows = zip(*columns, strict=True) if columns else [()] * table.rows
    return [dict(zip(table.names, row, strict=True)) for row in rows]


def _cells(column: Column) -> list[Any]:
    if column.type == "string":
        return list(column.labels())
    cells = np.full(len(column.values), None, dtype=object)
    known = column.values[~column.missing]
    cells[~column.missing] = _SPELT[column.type](known)
    return list(cells)


def _moments(seconds: np.ndarray[Any, Any]) -> Any:
    stamps = np.round(seconds * 1e6).astype("datetime64[us]")
    return np.datetime_as_string(stamps, timezone="UTC")


_SPELT: Mapping[FieldType, Callable[[np.ndarray[Any, Any]], Any]] = {
    "float": lambda values: values,
    "integer": lambda values: [int(value) for value in values],
    "boolean": lambda values: values.astype(bool),
    "datetime": _moments,
}
