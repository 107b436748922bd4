"""Give each column its type, from what its values look like or from what a schema states.

The work is done on the distinct values of a column: a category is looked at once, however many
rows have it. Called by ``reading``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

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
#: Rows that a column keeps, where its type is found from more.
Positions = NDArray[np.int64]


class _Texts(NamedTuple):
    """A column of text: its distinct values, each row's position among them, -1 for missing."""

    values: pa.Array
    codes: NDArray[np.int32]
    missing: NDArray[np.bool_]
    soft: NDArray[np.bool_]
    kept: Positions | None

    @property
    def kept_codes(self) -> NDArray[np.int32]:
        """The positions of the rows that the column keeps."""
        return self.codes if self.kept is None else self.codes[self.kept]

    def where(self, mask: NDArray[np.bool_]) -> pa.Array:
        return self.values.filter(pa.array(mask))


def column_of_text(
    name: str,
    cells: pa.ChunkedArray,
    stated: FieldType | None,
    kept: Positions | None = None,
) -> Column:
    """A column of strings as the type that a schema states, else as the one that fits.

    All cells count for the type; the column has the rows ``kept``, or all.

    Raises UserError naming the first row that is not of the stated type.
    """
    texts = _distinct(cells, kept)
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


def column_of_values(
    name: str,
    cells: pa.ChunkedArray,
    stated: FieldType | None,
    kept: Positions | None = None,
) -> Column:
    """A column of a typed file: its own type, unless a schema states another that fits."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return column_of_values(name, cells.cast(kind.value_type), stated, kept)
    found = _native_type(name, kind)
    if found == "string":
        return _typed_text(name, _distinct(cells, kept), stated)
    if stated is not None and stated != found and (stated, found) != ("float", "integer"):
        return column_of_text(name, pc.cast(cells, pa.large_string()), stated, kept)
    values = _seconds_or_number(cells, found)
    return _of_numbers(name, stated or found, values if kept is None else values[kept])


def _typed_text(name: str, texts: _Texts, stated: FieldType | None) -> Column:
    """Text that somebody stored as text stays text, but dates have no type of their own in JSON."""
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


def _distinct(cells: pa.ChunkedArray, kept: Positions | None) -> _Texts:
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
        kept,
    )


def _is_in(values: pa.Array, known: frozenset[str]) -> NDArray[np.bool_]:
    members = pc.is_in(values, value_set=pa.array(sorted(known), values.type))
    return np.asarray(members.to_numpy(zero_copy_only=False), dtype=bool)


def _as_boolean(name: str, texts: _Texts, open_: NDArray[np.bool_]) -> Column | None:
    values = np.full(len(texts.values), np.nan)
    values[open_] = _booleans(texts.where(open_))
    if set(values[open_].tolist()) != {0.0, 1.0}:
        return None
    column = _numeric(name, "boolean", texts, values)
    return replace(column, spelled=_spelled(texts, values))


def _spelled(texts: _Texts, values: FloatArray) -> tuple[str, str]:
    """The most frequent spelling of false and of true."""
    counts = _counts(texts)

    def usual(meaning: float) -> str:
        found = np.flatnonzero(values == meaning)
        return str(texts.values[int(found[np.argmax(counts[found])])])

    return usual(0.0), usual(1.0)


def _booleans(texts: pa.Array, words: Mapping[str, bool] = BOOLEAN_WORDS) -> FloatArray:
    """1 and 0 for the words of true and false, NaN for others."""
    found = pc.index_in(pc.utf8_lower(texts), pa.array(list(words), texts.type))
    codes = np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False))
    values: FloatArray = np.array([*map(float, words.values()), np.nan])[codes]
    return values


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
    """Codes into the categories that occur; words that can be one are kept."""
    codes = texts.kept_codes
    used = np.zeros(len(texts.values), dtype=bool)
    used[codes[codes >= 0]] = True
    used &= ~texts.missing
    order = np.full(len(used) + 1, -1, dtype=np.int32)
    order[:-1][used] = np.arange(np.count_nonzero(used), dtype=np.int32)
    return Column(name, "string", order[codes], tuple(texts.where(used).to_pylist()))


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
    values = np.where(np.isnan(values), _booleans(texts), values)
    with np.errstate(invalid="ignore"):
        return np.where(values == np.floor(values), values, np.nan)


def _stated_booleans(texts: pa.Array) -> FloatArray:
    return _booleans(texts, {**BOOLEAN_WORDS, "1": True, "0": False, "1.0": True, "0.0": False})


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
    column = _of_numbers(name, type_, np.append(values, np.nan)[texts.kept_codes])
    if odd is None or not odd.any():
        return column
    unreadable = np.flatnonzero(np.append(odd, False)[texts.codes])
    return replace(column, unreadable=len(unreadable), unreadable_row=int(unreadable[0]) + 1)


def _of_numbers(name: str, type_: FieldType, values: FloatArray) -> Column:
    """Infinite values are missing: no model learns from them."""
    infinite = np.isinf(values)
    count = int(np.count_nonzero(infinite))
    return Column(name, type_, np.where(infinite, np.nan, values), infinite=count)
