"""From typed columns to the matrix that estimators learn from.

Columns go through ``features.encode``, as they will in serving, so that what is learnt from is
what is served: float32 before anything is fitted. Categories become codes by an explicit mapping
which ``graph`` writes into ONNX: 0 is missing, rare or never seen, the rest by frequency. Free
text becomes what ``words`` makes of it.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.build import NumericFeature
from modelyard_runtime.data.table import Column, Rows, Table, values_of
from modelyard_runtime.features import (
    NUMERIC_INPUT,
    TEXT_INPUT,
    DatePart,
    FloatArray,
    date_part,
    encode,
    encode_text,
)
from modelyard_runtime.training.words import Words, learn_words

#: The rest of a column's categories share the code of the unseen.
MAX_CATEGORIES = 5_000
MIN_CATEGORY_ROWS = 2

_DATE_PARTS: tuple[DatePart, ...] = ("year", "month", "day", "weekday", "hour", "epoch_day")

Inputs = dict[str, NDArray[np.generic]]
#: The inputs of some rows: those of all at once take more room than the table.
InputsOf = Callable[[Rows], Inputs]
EVERY_ROW = slice(None)
PART_ROWS = 20_000
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Encoding:
    """How columns become numbers: those of the matrix are ``numeric``, ``words``, ``coded``.

    ``text`` has all columns of strings: those of ``words`` are free text, the others have
    ``categories``.
    """

    numeric: list[NumericFeature]
    text: list[str]
    categories: dict[str, list[str]]
    words: Mapping[str, Words] = field(default_factory=dict, kw_only=True)

    @property
    def columns(self) -> list[str]:
        """The dataset's column behind each column of the matrix."""
        numbers = [feature.column for feature in self.numeric]
        free = [name for name, words in self.words.items() for _ in range(words.width)]
        return numbers + free + self.coded

    @property
    def coded(self) -> list[str]:
        """The columns of strings that become codes."""
        return [name for name in self.text if name not in self.words]

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        return len(self.columns)

    def inputs(self, table: Table, rows: Rows = EVERY_ROW) -> Inputs:
        """The inputs of the graph for some rows of a table."""
        names = set(self.columns)
        columns = [column.take(rows) for column in table.columns if column.name in names]
        return encode(self.numeric, self.text, values_of(columns), len(columns[0].values))

    def matrix_of(self, table: Table) -> Matrix:
        """The matrix for a table, which is encoded part by part."""
        result = np.empty((table.rows, self.width), dtype=np.float32)
        for rows in parts_of(table.rows):
            result[rows] = self.matrix(self.inputs(table, rows))
        return result

    def matrix(self, inputs: Inputs) -> Matrix:
        """The matrix for the inputs of the graph."""
        parts: list[Matrix] = []
        if NUMERIC_INPUT in inputs:
            parts.append(np.asarray(inputs[NUMERIC_INPUT], dtype=np.float32))
        if TEXT_INPUT in inputs:
            texts = inputs[TEXT_INPUT]
            by_name = {name: texts[:, position] for position, name in enumerate(self.text)}
            parts += [words.columns(by_name[name]) for name, words in self.words.items()]
            parts += [self._codes(name, by_name[name]).reshape(-1, 1) for name in self.coded]
        return np.ascontiguousarray(np.hstack(parts), dtype=np.float32)

    def _codes(self, name: str, texts: NDArray[np.generic]) -> Matrix:
        code = {text: number for number, text in enumerate(self.categories[name], 1)}
        return np.array([code.get(str(text), 0) for text in texts.tolist()], dtype=np.float32)


def parts_of(rows: int) -> Iterator[slice]:
    """So many rows, some at a time."""
    return (slice(start, start + PART_ROWS) for start in range(0, rows, PART_ROWS))


def make_encoding(
    features: Sequence[Column], free_text: Container[str] = (), seed: int = 0
) -> Encoding:
    """The encoding of some columns, learnt from all rows but never from the target."""
    numeric = [part for column in features for part in _numeric_features(column)]
    text = [column for column in features if column.type == "string"]
    names = [column.name for column in text]
    categories = {c.name: _frequent(c) for c in text if c.name not in free_text}
    words = {
        c.name: learn_words(encode_text([c.name], values_of([c]), len(c.values))[:, 0], seed)
        for c in text
        if c.name in free_text
    }
    return Encoding(numeric, names, categories, words=words)


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
