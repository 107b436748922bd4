"""How datasets spell what is missing, numbers, and dates: patterns, applied to whole columns.

All functions take and give arrays of distinct texts, and know nothing of rows. Called by
``column_types``.
"""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: Missing wherever they stand.
MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "nan", "-nan", "null", "#n/a", "#na", "<na>", "?", "\\n", "nat"}
    | {"#null!", "#value!", "#div/0!", "#ref!", "1.#ind", "1.#qnan", "(null)", "(none)", "(blank)"}
)
#: Missing among numbers, booleans and dates; among other words they may be a category.
MISSING_AMONG_VALUES = frozenset({"none", "nil", "-", "--", ".", "missing", "unknown", "n.d."})

INTEGER = r"^[+-]?[0-9]{1,18}$"
PADDED = r"^[+-]?0[0-9]"
_FLOAT = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_INFINITE = r"(?i)^[+-]?inf(inity)?$"
_CURRENCIES = "(?:USD|EUR|GBP|CHF|JPY)"
_DECORATION = (
    rf"[\s\x{{a0}}\x{{202f}}'\x{{2019}}%\p{{Sc}}]|^{_CURRENCIES}|{_CURRENCIES}$|^[A-Z]{{1,2}}\$"
)
_MINUS = "\N{MINUS SIGN}"
#: A unit is a word after a space, or up to three small letters right behind the number.
_UNIT = (
    r"^[+-]?[0-9][0-9.,'\x{2019}]*"
    r"(?:\s+(?P<word>\p{L}{1,6}\.?)|(?P<letters>[a-zµ°]{1,3}[²³]?))$"
)
#: Groups of three, or of two before the last three as in India.
_GROUPED_BY_COMMA = r"^[+-]?(?:[0-9]{1,3}(,[0-9]{3})+|[0-9]{1,2}(,[0-9]{2})+,[0-9]{3})(\.[0-9]*)?$"
_GROUPED_BY_POINT = r"^[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]*)?$"
_DECIMAL_COMMA = r"^[+-]?[0-9]*,[0-9]+$"

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS_A_YEAR = len(_MONTHS)
#: Texts that are taken apart together.
_PART = 250_000
_TIME = (
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r" *(?P<half>[AaPp][Mm])?)? *(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2})?$"
)
_YEAR_FIRST = r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME
_YEAR_LAST = r"^(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second_>\d{1,2})[-/.](?P<year>\d{4})" + _TIME
_WEEKDAY = r"^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? +)?"
_DAY_NAME = (
    _WEEKDAY + r"(?P<day>\d{1,2})[-. ]+(?P<name>[A-Za-z]{3,9})[-., ]+(?P<year>\d{4})" + _TIME
)
_NAME_DAY = _WEEKDAY + r"(?P<name>[A-Za-z]{3,9})[. ]+(?P<day>\d{1,2}),? +(?P<year>\d{4})" + _TIME

#: Dates that say less, and how they are completed: months get their first day, years of two digits
#: their century (to 69 this one, as in POSIX) where the text cannot be a version.
_COMPLETED = (
    (r"^(\d{4}[-/](?:0[1-9]|1[0-2]))$", r"\1-01"),
    (r"^(\d{1,2}/\d{1,2}/|\d{2}\.\d{2}\.)([0-6]\d(?:[T ].*)?)$", r"\120\2"),
    (r"^(\d{1,2}/\d{1,2}/|\d{2}\.\d{2}\.)([7-9]\d(?:[T ].*)?)$", r"\119\2"),
)


def matches(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """Where a text fits a pattern."""
    return _numpy(pc.match_substring_regex(texts, pattern)).astype(bool)


def numbers(texts: pa.Array) -> FloatArray:
    """Each text as a number, NaN where it is none; infinite where it says so.

    Currency and percent signs, one unit that all have, grouped thousands, decimal commas and (12)
    for -12 are understood.
    """
    texts = pc.replace_substring(texts, _MINUS, "-")
    plain = _plain_numbers(texts)
    open_ = np.isnan(plain)
    if not open_.any():
        return plain
    rest = texts.filter(pa.array(open_))
    plain[open_] = _decorated_numbers(_without_unit(rest))
    return plain


def _without_unit(texts: pa.Array) -> pa.Array:
    """The texts without the unit that all of them have: 10 kg, 1.5 kg."""
    parts = pc.extract_regex(texts, _UNIT)
    if parts.null_count:
        return texts
    units = set(zip(_texts(parts, "word").tolist(), _texts(parts, "letters").tolist(), strict=True))
    unit = "".join(next(iter(units))) if len(units) == 1 else ""
    # 1e5 is a number, and so is the code 5e.
    if not unit or unit == "e":
        return texts
    return pc.utf8_slice_codeunits(texts, 0, -len(unit))


def _plain_numbers(texts: pa.Array) -> FloatArray:
    fits = matches(texts, _FLOAT)
    infinite = matches(texts, _INFINITE)
    result = np.full(len(texts), np.nan)
    result[fits] = _numpy(pc.cast(texts.filter(pa.array(fits)), pa.float64()))
    if infinite.any():
        negative = matches(texts, "^-")
        result[infinite] = np.where(negative[infinite], -np.inf, np.inf)
    return result


def _decorated_numbers(texts: pa.Array) -> FloatArray:
    bare = pc.replace_substring_regex(texts, _DECORATION, "")
    bare = pc.replace_substring_regex(bare, r"^\((.*)\)$", r"-\1")
    by_comma = matches(bare, _GROUPED_BY_COMMA)
    by_point = matches(bare, _GROUPED_BY_POINT) & ~matches(bare, _FLOAT)
    decimal = matches(bare, _DECIMAL_COMMA)
    if (decimal & ~by_comma).any():
        # One value such as 1,5 says what the comma means in the whole column.
        by_comma &= ~decimal
    without_commas = pc.replace_substring(bare, ",", "")
    pointed = pc.replace_substring(pc.replace_substring(bare, ".", ""), ",", ".")
    bare = pc.if_else(pa.array(by_comma), without_commas, bare)
    bare = pc.if_else(pa.array((by_point | decimal) & ~by_comma), pointed, bare)
    return _plain_numbers(bare)


def moments(texts: pa.Array) -> FloatArray:
    """Each text as seconds since 1970 in UTC, NaN where it is no date; formats may mix."""
    parts = [_completed(part) for part in _slices(texts)]
    day_first = _shows_day_first(parts)
    return np.concatenate([np.empty(0), *(_moments(part, day_first) for part in parts)])


def _moments(texts: pa.Array, day_first: bool) -> FloatArray:
    result = np.full(len(texts), np.nan)
    for pattern in (_YEAR_FIRST, _YEAR_LAST, _DAY_NAME, _NAME_DAY):
        open_ = np.isnan(result)
        if not open_.any():
            break
        rest = texts.filter(pa.array(open_))
        result[open_] = _seconds(pc.extract_regex(rest, pattern), day_first)
    return result


def _completed(texts: pa.Array) -> pa.Array:
    for pattern, whole in _COMPLETED:
        texts = pc.replace_substring_regex(texts, pattern, whole)
    return texts


def _slices(texts: pa.Array) -> list[pa.Array]:
    """A long column in parts: what is cut out of each text is larger than the text."""
    return [texts.slice(start, _PART) for start in range(0, len(texts), _PART)]


def _shows_day_first(parts: list[pa.Array]) -> bool:
    """Whether the dates of a column show that the day comes before the month."""
    first_large = second_large = False
    for part in parts:
        first, second = _first_and_second(pc.extract_regex(part, _YEAR_LAST))
        with np.errstate(invalid="ignore"):
            first_large |= bool(np.any(first > _MONTHS_A_YEAR))
            second_large |= bool(np.any(second > _MONTHS_A_YEAR))
    return first_large and not second_large


def _first_and_second(parts: pa.StructArray) -> tuple[FloatArray, FloatArray]:
    return _part(parts, "first"), _part(parts, "second_")


def open_order(texts: pa.Array) -> str | None:
    """A date such as 1/2/2020, where no text shows whether the day or the month comes first."""
    example: str | None = None
    for part in map(_completed, _slices(texts)):
        found = pc.extract_regex(part, _YEAR_LAST)
        first, second = _first_and_second(found)
        with np.errstate(invalid="ignore"):
            if np.any((first > _MONTHS_A_YEAR) | (second > _MONTHS_A_YEAR)):
                return None
        if example is None:
            slashed = _texts(found, "sign") != "."
            unclear = np.flatnonzero(slashed & (first != second) & ~np.isnan(first))
            example = str(part[int(unclear[0])]) if len(unclear) else None
    return example


def _seconds(parts: pa.StructArray, day_first: bool) -> FloatArray:
    names = {field.name for field in parts.type}
    year = _part(parts, "year")
    if "first" in names:
        month, day = _month_and_day(parts, day_first)
    else:
        month = _month_of_name(parts) if "name" in names else _part(parts, "month")
        day = _part(parts, "day")
    days = _days(year, month, day)
    half = np.char.lower(_texts(parts, "half"))
    hour = _part(parts, "hour", 0)
    hour = np.where(half == "", hour, hour % 12 + np.where(half == "pm", 12, 0))
    clock = hour * 3600 + _part(parts, "minute", 0) * 60 + _part(parts, "second", 0)
    return np.where(hour < 24, days * 86_400.0 + clock, np.nan) - _zone_seconds(parts)  # noqa: PLR2004


def _month_and_day(parts: pa.StructArray, day_first: bool) -> tuple[FloatArray, FloatArray]:
    """12/31/2020 or 31.12.2020: the column shows which, with points the day is always first.

    Where nothing shows it, the month is taken to be first; ``open_order`` tells.
    """
    first, second = _first_and_second(parts)
    swapped = (_texts(parts, "sign") == ".") | day_first
    return np.where(swapped, second, first), np.where(swapped, first, second)


def _month_of_name(parts: pa.StructArray) -> FloatArray:
    shorts = [text[:3].lower() for text in _texts(parts, "name").tolist()]
    numbers_ = [_MONTHS.index(short) + 1.0 if short in _MONTHS else np.nan for short in shorts]
    return np.array(numbers_, dtype=np.float64)


def _days(year: FloatArray, month: FloatArray, day: FloatArray) -> FloatArray:
    """Days since 1970 of a calendar date; NaN for one that does not exist."""
    with np.errstate(invalid="ignore"):
        fits = (year >= 1) & (month >= 1) & (month <= _MONTHS_A_YEAR) & (day >= 1) & (day <= 31)  # noqa: PLR2004
    result = np.full(len(year), np.nan)
    months = (year[fits] - 1970) * 12 + month[fits] - 1
    starts = months.astype(np.int64).astype("datetime64[M]")
    ends = (starts + 1).astype("datetime64[D]").astype(np.int64)
    days = starts.astype("datetime64[D]").astype(np.int64) + day[fits] - 1
    result[fits] = np.where(days < ends, days, np.nan)
    return result


def _zone_seconds(parts: pa.StructArray) -> FloatArray:
    zones = _texts(parts, "zone").tolist()
    return np.array([_offset(zone) for zone in zones], dtype=np.float64)


def _offset(zone: str) -> float:
    match = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", zone)
    if match is None:
        return 0.0
    seconds = int(match[2]) * 3600.0 + int(match[3]) * 60.0
    return -seconds if match[1] == "-" else seconds


def _part(parts: pa.StructArray, name: str, default: float = np.nan) -> FloatArray:
    texts = pc.struct_field(parts, name)
    empty = pc.or_kleene(pc.is_null(texts), pc.equal(texts, ""))
    values = _numpy(pc.cast(pc.if_else(empty, None, texts), pa.float64()))
    return np.where(np.isnan(values), default, values)


def _texts(parts: pa.StructArray, name: str) -> NDArray[np.str_]:
    return np.array(pc.fill_null(pc.struct_field(parts, name), "").to_pylist(), dtype=np.str_)


def _numpy(array: Any) -> NDArray[Any]:
    values: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return values
