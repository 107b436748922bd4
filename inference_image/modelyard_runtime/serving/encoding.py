"""From rows to the graph's inputs, compiled once from the manifest.

``features`` says what a value means, for whole columns; one row through it costs more than the
prediction itself. This does the same for rows as they come out of the decoder, and a test holds
the two equal. Called by ``predictor``.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.build import Manifest, NumericFeature
from modelyard_crds.fields import FieldSchema
from modelyard_runtime.features import MAX_TEXT, NUMERIC_INPUT, TEXT_INPUT, date_part
from modelyard_runtime.serving.values import FLOAT32_MAX, Row

Pick = Callable[[Row], Row]
_begin: Callable[[str], str] = itemgetter(slice(MAX_TEXT))
Number = TypeVar("Number", np.float32, np.float64)


def row_order(manifest: Manifest) -> list[FieldSchema]:
    """The input schema with the columns of each input side by side, so that a slice takes them."""
    wanted = [item.column for item in manifest.numeric] + manifest.text
    rank = {name: index for index, name in enumerate(reversed(wanted))}
    return sorted(manifest.input_schema, key=lambda field: -rank.get(field.name, -1))


class Encoder:
    """Makes the tensors of some rows, whose values are in ``row_order``.

    Raises ValueError where the manifest names a column that its schema does not have, or has
    with another type.
    """

    def __init__(self, manifest: Manifest) -> None:
        _expect_columns(manifest)
        positions = {field.name: index for index, field in enumerate(row_order(manifest))}
        self._pick_numbers = _picker([positions[item.column] for item in manifest.numeric])
        self._pick_texts = _picker([positions[name] for name in manifest.text])
        self._width = len(manifest.numeric)
        self._refine = _refiner(manifest.numeric)

    def __call__(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        """The inputs by name; one without columns is left out."""
        feed: dict[str, NDArray[Any]] = {}
        if self._pick_numbers is not None:
            numbers = chain.from_iterable(map(self._pick_numbers, rows))
            feed[NUMERIC_INPUT] = (
                _matrix(numbers, len(rows), self._width, np.float32)
                if self._refine is None
                else self._refine(_matrix(numbers, len(rows), self._width, np.float64))
            )
        if self._pick_texts is not None:
            feed[TEXT_INPUT] = _texts(list(map(self._pick_texts, rows)))
        return feed


def _picker(positions: Sequence[int]) -> Pick | None:
    """Takes the values at some positions, always as a tuple; None where there are no positions."""
    if not positions:
        return None
    start, stop = positions[0], positions[0] + len(positions)
    if list(positions) == list(range(start, stop)):
        return itemgetter(slice(start, stop))
    return itemgetter(*positions)


def _matrix(values: Iterable[Any], rows: int, width: int, kind: type[Number]) -> NDArray[Number]:
    """Rows by columns; numpy reads one flat run of values in half the time of nested rows."""
    return np.fromiter(values, kind, rows * width).reshape(rows, width)


def _texts(values: Sequence[Row]) -> NDArray[np.object_]:
    flat = chain.from_iterable(values)
    try:
        stripped = list(map(_begin, map(str.strip, flat)))  # type: ignore[arg-type]  # None raises, see below
    except TypeError:
        texts = chain.from_iterable(values)
        stripped = [_begin(str(value).strip()) if value else "" for value in texts]
    return np.array(stripped, dtype=object).reshape(len(values), -1)


def _refiner(
    features: Sequence[NumericFeature],
) -> Callable[[NDArray[np.float64]], NDArray[np.float32]] | None:
    """What makes features of values where they are not the values themselves; else None."""
    dates = [(index, item.part) for index, item in enumerate(features) if item.part != "value"]
    offsets = np.array([item.offset for item in features])
    if not dates and not offsets.any():
        return None

    def refine(values: NDArray[np.float64]) -> NDArray[np.float32]:
        for index, part in dates:
            values[:, index] = date_part(values[:, index], part)
        shifted: NDArray[np.float64] = np.clip(values - offsets, -FLOAT32_MAX, FLOAT32_MAX)
        return shifted.astype(np.float32)

    return refine


def _expect_columns(manifest: Manifest) -> None:
    types = {field.name: field.type for field in manifest.input_schema}
    for name in [item.column for item in manifest.numeric] + manifest.text:
        if name not in types:
            msg = f"the graph wants the column {name!r}, which the input schema does not have"
            raise ValueError(msg)
    wrong = [name for name in manifest.text if types[name] != "string"] + [
        item.column for item in manifest.numeric if types[item.column] == "string"
    ]
    if wrong:
        msg = f"the graph wants the column {wrong[0]!r} in another type than the input schema"
        raise ValueError(msg)
