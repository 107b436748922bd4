"""Give each column its type, from what its values look like or from what a schema states.

The work is done on the distinct values of a column: a category is looked at once, however many
rows have it. Called by ``reading``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from modelyard_crds.fields import FieldType
from modelyard_crds.reasons import Reason
from modelyard_runtime.data import spellings
from modelyard_runtime.data.table import Column
from modelyard_runtime.errors import UserError
from modelyard_runtime.features import BOOLEAN_WORDS

#: A column is numbers, although some cells are not, where so many of them are.
MOSTLY = 0.9
#: ... and the others are so few different words.
MAX_ODD_WORDS = 5

FloatArray = NDArray[np.float64]


class _Texts(NamedTuple):
    """A column of text: its distinct values, each row's position among them, -1 for missing."""

    values: pa.Array
    codes: NDArray[np.int32]
    missing: NDArray[np.bool_]
    soft: NDArray[np.bool_]

    def where(self, mask: NDArray[np.bool_]) -> pa.Array:
        return self.values.filter(pa.array(mask))


def column_of_text(name: str, cells: pa.ChunkedArray, stated: FieldType | None) -> Column:
    """A column of strings as the type that a schema states, else as the one that fits.

    Raises UserError naming the first row that is not of the stated type.
    """
    texts = _distinct(cells)
    if stated is not None:
        return _as_stated(name, texts, stated)
    open_ = ~texts.missing & ~texts.soft
    if not open_.any():
        # Nothing, or only words for nothing.
        return _numeric(name, "float", texts, np.full(len(texts.values), np.nan))
    return (
        _as_boolean(name, texts, open_)
        or _as_number(name, texts, open_)
        or _as_datetime(name, texts, open_)
        or _as_string(name, texts)
    )


def column_of_values(name: str, cells: pa.ChunkedArray, stated: FieldType | None) -> Column:
    """A column of a typed file: its own type, unless a schema states another that fits."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return column_of_values(name, cells.cast(kind.value_type), stated)
    found = _native_type(name, kind)
    if found == "string":
        return _typed_text(name, cells, stated)
    if stated is not None and stated != found and (stated, found) != ("float", "integer"):
        return column_of_text(name, pc.cast(cells, pa.large_string()), stated)
    return Column(name, stated or found, _finite(_seconds_or_number(cells, found)))


def _typed_text(name: str, cells: pa.ChunkedArray, stated: FieldType | None) -> Column:
    """Text that somebody stored as text stays text, but dates have no type of their own in JSON."""
    texts = _distinct(cells)
    if stated is not None:
        return _as_stated(name, texts, stated)
    open_ = ~texts.missing
    dates = _as_datetime(name, texts, open_) if open_.any() else None
    return dates or _as_string(name, texts)


def _native_type(name: str, kind: pa.DataType) -> FieldType:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return "float"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "datetime"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    raise UserError(
        Reason.NOT_TABULAR,
        f"Column {name!r} holds {kind}, expected text, numbers, booleans or dates in each cell: "
        "flatten it into columns of its own, or leave it out.",
    )


def _seconds_or_number(cells: pa.ChunkedArray, found: FieldType) -> FloatArray:
    if found == "datetime":
        stamps = pc.cast(cells, pa.timestamp("us"), safe=False)
        numbers = pc.divide(pc.cast(pc.cast(stamps, pa.int64()), pa.float64(), safe=False), 1e6)
    else:
        numbers = pc.cast(cells, pa.float64(), safe=False)
    values: FloatArray = np.asarray(pc.fill_null(numbers, np.nan).to_numpy(), dtype=np.float64)
    return values


def _distinct(cells: pa.ChunkedArray) -> _Texts:
    trimmed = pc.utf8_trim_whitespace(cells).combine_chunks()
    if isinstance(trimmed, pa.ChunkedArray):
        trimmed = pa.concat_arrays(trimmed.chunks)
    encoded = trimmed.dictionary_encode()
    values = encoded.dictionary
    codes = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), np.int32)
    lowered = pc.utf8_lower(values)
    return _Texts(
        values,
        codes,
        _is_in(lowered, spellings.MISSING),
        _is_in(lowered, spellings.MISSING_AMONG_VALUES),
    )


def _is_in(values: pa.Array, known: frozenset[str]) -> NDArray[np.bool_]:
    members = pc.is_in(values, value_set=pa.array(sorted(known), values.type))
    return np.asarray(members.to_numpy(zero_copy_only=False), dtype=bool)


def _as_boolean(name: str, texts: _Texts, open_: NDArray[np.bool_]) -> Column | None:
    lowered = pc.utf8_lower(texts.values).to_pylist()
    found = {BOOLEAN_WORDS.get(word) for word, known in zip(lowered, open_, strict=True) if known}
    if found != {True, False}:
        return None
    column = _numeric(name, "boolean", texts, _booleans(lowered))
    return replace(column, spelled=_spelled(texts, lowered))


def _spelled(texts: _Texts, lowered: list[str]) -> tuple[str, str]:
    """The most frequent spelling of false and of true."""
    counts = _counts(texts).tolist()
    words = texts.values.to_pylist()

    def usual(meaning: bool) -> str:
        found = [i for i, word in enumerate(lowered) if BOOLEAN_WORDS.get(word) is meaning]
        return str(words[max(found, key=lambda i: (counts[i], -i))])

    return usual(False), usual(True)


def _booleans(lowered: list[str], extra: dict[str, bool] | None = None) -> FloatArray:
    known = {**BOOLEAN_WORDS, **(extra or {})}
    return np.array([float(known.get(word, np.nan)) for word in lowered], dtype=np.float64)


def _as_number(name: str, texts: _Texts, open_: NDArray[np.bool_]) -> Column | None:
    known = texts.where(open_)
    whole = spellings.matches(known, spellings.INTEGER)
    if whole.all() and spellings.matches(known, spellings.PADDED).any():
        # 00501 is a code, not the number 501.
        return None
    values = np.full(len(texts.values), np.nan)
    values[open_] = spellings.numbers(known)
    odd = open_ & np.isnan(values)
    if odd.any() and not _few(texts, odd, open_):
        return None
    type_: FieldType = "integer" if whole[~odd[open_]].all() else "float"
    return _numeric(name, type_, texts, values, odd)


def _few(texts: _Texts, odd: NDArray[np.bool_], open_: NDArray[np.bool_]) -> bool:
    counts = _counts(texts)
    share = counts[odd].sum() / max(1, counts[open_].sum())
    return bool(share <= 1 - MOSTLY and np.count_nonzero(odd) <= MAX_ODD_WORDS)


def _counts(texts: _Texts) -> NDArray[np.int64]:
    known = texts.codes[texts.codes >= 0]
    return np.bincount(known, minlength=len(texts.values))


def _as_datetime(name: str, texts: _Texts, open_: NDArray[np.bool_]) -> Column | None:
    values = np.full(len(texts.values), np.nan)
    values[open_] = spellings.moments(texts.where(open_))
    if np.isnan(values[open_]).any():
        return None
    return _dates(name, texts, open_, values)


def _dates(name: str, texts: _Texts, open_: NDArray[np.bool_], values: FloatArray) -> Column:
    column = _numeric(name, "datetime", texts, values)
    return replace(column, unclear_date=spellings.open_order(texts.where(open_)))


def _as_string(name: str, texts: _Texts) -> Column:
    """Codes into the categories; words that can be one are kept."""
    order = np.full(len(texts.values) + 1, -1, dtype=np.int32)
    order[:-1][~texts.missing] = np.arange(np.count_nonzero(~texts.missing), dtype=np.int32)
    categories = tuple(texts.where(~texts.missing).to_pylist())
    return Column(name, "string", order[texts.codes], categories)


def _as_stated(name: str, texts: _Texts, stated: FieldType) -> Column:
    if stated == "string":
        return _as_string(name, texts)
    open_ = ~texts.missing & ~texts.soft
    values = np.full(len(texts.values), np.nan)
    values[open_] = _STATED[stated](texts.where(open_))
    wrong = open_ & np.isnan(values)
    if wrong.any():
        row = int(np.flatnonzero(np.isin(texts.codes, np.flatnonzero(wrong)))[0]) + 1
        raise UserError(
            Reason.TYPE_MISMATCH,
            f"Column {name!r} cannot be read as {stated}: row {row} is not one. "
            "Correct the data, or state another type in the schema.",
        )
    if stated == "datetime":
        return _dates(name, texts, open_, values)
    return _numeric(name, stated, texts, values)


def _stated_integers(texts: pa.Array) -> FloatArray:
    values = spellings.numbers(texts)
    lowered = pc.utf8_lower(texts).to_pylist()
    values = np.where(np.isnan(values), _booleans(lowered), values)
    with np.errstate(invalid="ignore"):
        return np.where(values == np.floor(values), values, np.nan)


def _stated_booleans(texts: pa.Array) -> FloatArray:
    lowered = pc.utf8_lower(texts).to_pylist()
    ones = {"1": True, "0": False, "1.0": True, "0.0": False}
    return _booleans(lowered, ones)


_STATED: dict[FieldType, Callable[[pa.Array], FloatArray]] = {
    "float": spellings.numbers,
    "integer": _stated_integers,
    "boolean": _stated_booleans,
    "datetime": spellings.moments,
}


def _numeric(
    name: str,
    type_: FieldType,
    texts: _Texts,
    values: FloatArray,
    odd: NDArray[np.bool_] | None = None,
) -> Column:
    """The column of numbers that the distinct values stand for."""
    rows = np.append(values, np.nan)[texts.codes]
    if odd is None or not odd.any():
        return Column(name, type_, _finite(rows))
    unreadable = np.flatnonzero(np.append(odd, False)[texts.codes])
    return Column(
        name,
        type_,
        _finite(rows),
        unreadable=len(unreadable),
        unreadable_row=int(unreadable[0]) + 1,
    )


def _finite(values: FloatArray) -> NDArray[Any]:
    """Infinite values are missing: no model learns from them."""
    return np.where(np.isfinite(values), values, np.nan)
