"""From columns of values to the inputs of the graph, the same in training and in serving.

Training encodes whole tables, serving encodes requests, and both go through ``encode``: a value
can only mean one thing. Columns come as arrays of one kind each:

- numbers, booleans (0 and 1) and datetimes (seconds since 1970 in UTC) as float64, missing is NaN;
- strings as an array or list of str, missing is None or the empty string.

numpy only: a serving pod imports neither pandas nor scikit-learn.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.build import NumericFeature

#: Names of the graph's inputs.
NUMERIC_INPUT = "numeric"
TEXT_INPUT = "text"

#: Characters of a text that are looked at: what one row costs is bounded.
MAX_TEXT = 10_000

SECONDS_PER_DAY = 86_400.0
_FLOAT32_MAX = float(np.finfo(np.float32).max)
#: The years that a calendar part can be worked out for: 0001 to 9999.
_DAY_RANGE = (-719_162.0, 2_932_896.0)

FloatArray = NDArray[np.float64]
#: One column: numbers with NaN or None, or strings with None or "".
Values = NDArray[Any] | Sequence[float | None] | Sequence[str | None]
DatePart = Literal["year", "month", "day", "weekday", "hour", "epoch_day"]

#: What datasets write for true and false; requests may use the same words.
BOOLEAN_WORDS: Mapping[str, bool] = {
    "true": True,
    "t": True,
    "yes": True,
    "y": True,
    "false": False,
    "f": False,
    "no": False,
    "n": False,
}


def epoch_seconds(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 date or time; without a zone it is UTC.

    Raises ValueError for anything else.
    """
    moment = datetime.fromisoformat(text.strip())
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.timestamp()


def encode(
    numeric: Sequence[NumericFeature],
    text: Sequence[str],
    columns: Mapping[str, Values],
    rows: int,
) -> dict[str, NDArray[Any]]:
    """The graph's inputs for some rows; an input without columns is left out.

    A column that is not given is missing in every row.
    """
    inputs: dict[str, NDArray[Any]] = {}
    if numeric:
        inputs[NUMERIC_INPUT] = encode_numeric(numeric, columns, rows)
    if text:
        inputs[TEXT_INPUT] = encode_text(text, columns, rows)
    return inputs


def encode_numeric(
    features: Sequence[NumericFeature], columns: Mapping[str, Values], rows: int
) -> NDArray[np.float32]:
    """The input ``numeric``: float32, rows by features."""
    encoded = np.full((rows, len(features)), np.nan, dtype=np.float32)
    for position, feature in enumerate(features):
        if feature.column not in columns:
            continue
        given: Any = columns[feature.column]
        values = np.asarray(given, dtype=np.float64)
        if feature.part != "value":
            values = date_part(values, feature.part)
        # In double precision, so that large numbers keep the digits that tell them apart.
        shifted = values - feature.offset
        encoded[:, position] = np.clip(shifted, -_FLOAT32_MAX, _FLOAT32_MAX)
    return encoded


def encode_text(
    names: Sequence[str], columns: Mapping[str, Values], rows: int
) -> NDArray[np.object_]:
    """The input ``text``: the beginning of each string, without outer white space."""
    encoded = np.full((rows, len(names)), "", dtype=object)
    for position, name in enumerate(names):
        if name in columns:
            values: Any = columns[name]
            encoded[:, position] = [value.strip()[:MAX_TEXT] if value else "" for value in values]
    return encoded


def words_in(text: str) -> int:
    """How many words a text has, for people: what is between white space."""
    return len(text.split())


def date_part(seconds: FloatArray, part: DatePart) -> FloatArray:
    """One calendar part of each moment; NaN where there is none."""
    days = np.floor(seconds / SECONDS_PER_DAY)
    if part == "epoch_day":
        return days
    if part == "hour":
        return np.asarray(np.floor((seconds - days * SECONDS_PER_DAY) / 3600.0), dtype=np.float64)
    if part == "weekday":
        # 1970-01-01 was a Thursday; Monday is 0.
        return np.asarray((days + 3) % 7, dtype=np.float64)
    known = np.isfinite(days) & (days >= _DAY_RANGE[0]) & (days <= _DAY_RANGE[1])
    result = np.full(seconds.shape, np.nan)
    result[known] = _calendar(days[known].astype(np.int64), part)
    return result


def _calendar(days: NDArray[np.int64], part: DatePart) -> NDArray[np.int64]:
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    if part == "day":
        steps = dates - months.astype("datetime64[D]")
    elif part == "month":
        steps = months - years.astype("datetime64[M]")
    else:
        return years.astype(np.int64) + 1970
    return np.asarray(steps.astype(np.int64) + 1, dtype=np.int64)
