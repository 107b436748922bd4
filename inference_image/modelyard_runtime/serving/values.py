"""What a value of each field type may be, and the sentence for one that may not.

Nothing is coerced silently: 3 is a float, "3" is not a number, 3.0 is an integer, 3.5 is not.
Used by ``decoding`` and ``careful``.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from modelyard_crds.fields import FieldSchema
from modelyard_runtime.features import epoch_seconds

Value: TypeAlias = str | int | float | bool | None
Row: TypeAlias = tuple[Value, ...]
#: Answers the value as the model takes it; raises ValueError with what was expected.
Check: TypeAlias = Callable[[Any], Value]
#: Says what was expected, from the least and the greatest value.
BoundsInWords: TypeAlias = Callable[[float | None, float | None], str]

#: The graph computes in float32: what is greater would be infinite there.
FLOAT32_MAX: Final = 3.4028234663852886e38

_SHOWN_CHARACTERS = 40
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)


def checks(schema: Sequence[FieldSchema]) -> list[Check]:
    """The check of each field, in the order of the schema."""
    return [_check(field) for field in schema]


def _check(field: FieldSchema) -> Check:
    by_type: Mapping[str, Check] = {
        "string": _string,
        "boolean": _boolean,
        "datetime": _datetime,
        "float": _float,
        "integer": _integer,
    }
    check = by_type[field.type]
    if field.type in _BOUNDS:
        check = _within(check, field.minimum, field.maximum, _BOUNDS[field.type])
    return check if field.enum is None else _one_of(check, field.enum)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _unexpected("a text", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        msg = "expected Unicode text, got half of a surrogate pair"
        raise ValueError(msg) from None
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _unexpected("true or false", value)
    return value


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unexpected("a number", value)
    return float(_representable(value))


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unexpected("an integer", value)
    whole = int(_representable(value))
    if whole != value:
        raise _unexpected("an integer", value)
    return whole


def _representable(value: float) -> float:
    if value != value:  # noqa: PLR0124 - only NaN differs from itself, whatever its type
        msg = "expected a finite number, got NaN; send null for a missing value"
        raise ValueError(msg)
    if not -FLOAT32_MAX <= value <= FLOAT32_MAX:
        msg = f"expected a number between -{FLOAT32_MAX:.7g} and {FLOAT32_MAX:.7g}, got more"
        raise ValueError(msg)
    return value


def _datetime(value: Any) -> float:
    """Seconds since 1970, as the encoding of columns takes them."""
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        try:
            return epoch_seconds(value.upper())
        except (ValueError, OverflowError):
            pass
    raise _unexpected("an RFC 3339 date or time such as 2026-01-31T12:00:00Z", value)


def _within(
    check: Check, minimum: float | None, maximum: float | None, bounds: BoundsInWords
) -> Check:
    if minimum is None and maximum is None:
        return check
    least = -math.inf if minimum is None else minimum
    greatest = math.inf if maximum is None else maximum

    def within(value: Any) -> Value:
        checked = check(value)
        if not least <= checked <= greatest:  # type: ignore[operator]  # numbers by construction
            raise _unexpected(bounds(minimum, maximum), value)
        return checked

    return within


def _number_bounds(minimum: float | None, maximum: float | None) -> str:
    bounds = [
        *([f"at least {minimum:g}"] if minimum is not None else []),
        *([f"at most {maximum:g}"] if maximum is not None else []),
    ]
    return f"a number of {' and '.join(bounds)}"


def _date_bounds(minimum: float | None, maximum: float | None) -> str:
    """Of dates, which are seconds since 1970."""
    bounds = [
        *([f"from {_date(minimum)}"] if minimum is not None else []),
        *([f"to {_date(maximum)}"] if maximum is not None else []),
    ]
    return f"a date {' '.join(bounds)}"


#: How the bounds of the types that may have some are said.
_BOUNDS: Final[Mapping[str, BoundsInWords]] = {
    "datetime": _date_bounds,
    "float": _number_bounds,
    "integer": _number_bounds,
}


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _one_of(check: Check, allowed: Sequence[str]) -> Check:
    texts = frozenset(allowed)

    def one_of(value: Any) -> Value:
        checked = check(value)
        if as_text(checked) not in texts:
            raise _unexpected(f"one of {', '.join(map(repr, allowed[:10]))}", value)
        return checked

    return one_of


def as_text(value: Value) -> str:
    """How schemas and class labels spell a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else str(value)


def _unexpected(expected: str, value: Any) -> ValueError:
    return ValueError(f"expected {expected}, got {shown(value)}")


def shown(value: Any) -> str:
    """A JSON value in a few words, for messages."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            cut = value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
            return f"the text {cut!r}"
        case int() | float():
            return f"{value!r}" if abs(value) < 1e21 else f"{value:g}"  # noqa: PLR2004 - width
        case dict():
            return "an object"
        case _:
            return "an array"
