"""The table that plans and models are made from: typed columns of equal length.

Numbers, booleans (0 and 1) and datetimes (seconds since 1970) are float64 with NaN for missing;
strings are codes into their categories with -1 for missing. Readers make it, all else reads it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.fields import FieldType

Mask = NDArray[np.bool_]
#: Some rows: by position, mask or as a range.
Rows = NDArray[Any] | slice


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its type, and its values as one array."""

    name: str
    type: FieldType
    values: NDArray[Any]
    categories: tuple[str, ...] = ()
    #: Cells of another kind than the rest, read as missing; their first row, from 1.
    unreadable: int = 0
    unreadable_row: int = 0
    #: Infinite cells, read as missing.
    infinite: int = 0
    #: A date such as 1/2/2020, read as month first, where no cell shows the order.
    unclear_date: str | None = None
    #: How the file spells false and true, where it has words of its own for them.
    spelled: tuple[str, str] | None = None

    @cached_property
    def missing(self) -> Mask:
        """Where a row has no value."""
        return self.values < 0 if self.type == "string" else np.isnan(self.values)

    @cached_property
    def known(self) -> int:
        """Rows with a value."""
        return int(len(self.values) - np.count_nonzero(self.missing))

    @cached_property
    def distinct(self) -> int:
        """Number of different values."""
        return len(np.unique(self.values[~self.missing]))

    @cached_property
    def label_counts(self) -> dict[str, int]:
        """How many rows have each value, by its text."""
        values, counts = np.unique(self.values[~self.missing], return_counts=True)
        pairs = zip(values.tolist(), counts.tolist(), strict=True)
        return {self.label_of(value): count for value, count in pairs}

    def labels(self) -> NDArray[np.object_]:
        """The values as text, as schemas and class labels spell them; missing is None."""
        if self.type == "string":
            names: NDArray[np.object_] = np.array([*self.categories, None], dtype=object)
            return np.asarray(names[self.values], dtype=object)
        result = np.full(len(self.values), None, dtype=object)
        known = ~self.missing
        result[known] = [self.label_of(value) for value in self.values[known].tolist()]
        return result

    def label_of(self, value: float) -> str:
        """One value as text."""
        if self.type == "string":
            return self.categories[int(value)]
        if self.type == "boolean":
            return "true" if value else "false"
        return str(int(value)) if value == int(value) else repr(value)

    def take(self, rows: Rows) -> "Column":
        """The column of some rows."""
        return Column(
            self.name, self.type, self.values[rows], self.categories, spelled=self.spelled
        )

    def without(self, labels: Collection[str]) -> "Column":
        """The column with no value where it has one of these labels."""
        gone = np.isin(self.labels(), list(labels))
        return replace(self, values=np.where(gone, self._nothing, self.values))

    @property
    def _nothing(self) -> float:
        return -1 if self.type == "string" else np.nan

    def as_type(self, wanted: FieldType) -> "Column":
        """The column under another type that its values fit: 0 and 1 as booleans, booleans as the
        words that the file has for them.
        """
        if (self.type, wanted) != ("boolean", "string"):
            return replace(self, type=wanted)
        codes = np.where(self.missing, -1, self.values).astype(np.int32)
        return replace(
            self, type="string", values=codes, categories=self.spelled or ("false", "true")
        )


@dataclass(frozen=True, eq=False)
class Table:
    """Columns in the order of the file."""

    columns: tuple[Column, ...]
    rows: int
    warnings: tuple[str, ...] = ()
    by_name: Mapping[str, Column] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def names(self) -> list[str]:
        """Names of all columns."""
        return [column.name for column in self.columns]

    def take(self, rows: Rows) -> "Table":
        """The table of some rows."""
        columns = tuple(column.take(rows) for column in self.columns)
        return Table(columns, len(columns[0].values) if columns else 0, self.warnings)


def values_of(columns: Sequence[Column]) -> dict[str, NDArray[Any]]:
    """The columns as ``features.encode`` takes them."""
    return {
        column.name: column.labels() if column.type == "string" else column.values
        for column in columns
    }
