"""From typed columns to the matrix that estimators learn from.

Columns go through ``features.encode``, as they will in serving, so that what is learnt from is
what is served: float32 before anything is fitted. Text becomes codes by an explicit mapping
which ``graph`` writes into ONNX: 0 is missing, rare or never seen, the rest by frequency.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.build import NumericFeature
from modelyard_runtime.data.table import Column, Table, values_of
from modelyard_runtime.features import (
    NUMERIC_INPUT,
    TEXT_INPUT,
    DatePart,
    FloatArray,
    date_part,
    encode,
)

#: The rest of a column's categories share the code of the unseen.
MAX_CATEGORIES = 200
MIN_CATEGORY_ROWS = 2

_DATE_PARTS: tuple[DatePart, ...] = ("year", "month", "day", "weekday", "hour", "epoch_day")

Inputs = dict[str, NDArray[np.generic]]
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Encoding:
    """How columns become numbers; columns of the matrix are ``numeric``, then ``text``."""

    numeric: list[NumericFeature]
    text: list[str]
    categories: dict[str, list[str]]

    @property
    def columns(self) -> list[str]:
        """The dataset's column behind each column of the matrix."""
        return [feature.column for feature in self.numeric] + self.text

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return len(self.columns)

    def inputs(self, table: Table) -> Inputs:
        """The inputs of the graph for a table."""
        names = set(self.columns)
        columns = values_of([column for column in table.columns if column.name in names])
        return encode(self.numeric, self.text, columns, table.rows)

    def matrix(self, inputs: Inputs) -> Matrix:
        """The matrix for the inputs of the graph."""
        parts: list[Matrix] = []
        if NUMERIC_INPUT in inputs:
            parts.append(np.asarray(inputs[NUMERIC_INPUT], dtype=np.float32))
        if TEXT_INPUT in inputs:
            texts = inputs[TEXT_INPUT]
            parts += [
                self._codes(name, texts[:, position]).reshape(-1, 1)
                for position, name in enumerate(self.text)
            ]
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float32)

    def _codes(self, name: str, texts: NDArray[np.generic]) -> Matrix:
        code = {text: number for number, text in enumerate(self.categories[name], 1)}
        return np.array([code.get(str(text), 0) for text in texts.tolist()], dtype=np.float32)


def make_encoding(features: Sequence[Column]) -> Encoding:
    """The encoding of some columns, learnt from all rows but never from the target."""
    numeric = [part for column in features for part in _numeric_features(column)]
    text = [column for column in features if column.type == "string"]
    categories = {column.name: _frequent(column) for column in text}
    return Encoding(numeric, [column.name for column in text], categories)


def _numeric_features(column: Column) -> list[NumericFeature]:
    if column.type == "string":
        return []
    if column.type != "datetime":
        offset = _offset(column.values)
        return [NumericFeature(column=column.name, part="value", offset=offset)]
    known = column.values[~column.missing]
    # A part that never changes, such as the hour of plain dates, tells nothing.
    changing = [part for part in _DATE_PARTS if len(np.unique(date_part(known, part))) > 1]
    return [
        NumericFeature(column=column.name, part=part, offset=0.0)
        for part in changing or ["epoch_day"]
    ]


def _offset(values: FloatArray) -> float:
    """What to subtract so that float32 still tells the values apart; 0 where it does anyway."""
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) < 2 or _told_apart(distinct) == len(distinct):  # noqa: PLR2004 - a pair
        return 0.0
    middle = float(np.round((distinct[0] + distinct[-1]) / 2))
    return middle if _told_apart(distinct - middle) > _told_apart(distinct) else 0.0


def _told_apart(distinct: FloatArray) -> int:
    with np.errstate(over="ignore"):
        return len(np.unique(distinct.astype(np.float32)))


def _frequent(column: Column) -> list[str]:
    """The categories that get a code of their own, the most frequent first."""
    counts = column.label_counts
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return [name for name in names if counts[name] >= MIN_CATEGORY_ROWS][:MAX_CATEGORIES]
