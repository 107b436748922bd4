"""Which quantiles of a number are asked for: by the spec, by output fields, or in words.

A field such as ``price_p90``, ``price_q0.1`` or ``price_lower`` says one; “the 90th percentile of
price” or “with an 80 % prediction interval” say them in an intent. Called by ``plan``, ``target``
and ``outputs``.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from modelyard_crds.fields import FieldSchema
from modelyard_crds.plan import GREATEST_QUANTILE, LEAST_QUANTILE, MAX_QUANTILES
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan import lexicon

#: The bounds of an interval whose level nobody states.
USUAL_INTERVAL = (0.1, 0.9)
MEDIAN = 0.5
_DIGITS = 4

Bound = Literal["lower", "upper"]

_NUMBER = r"\d{1,3}(?:_\d{1,2})?"
_LEVEL_OF_FIELD = (
    rf"(?:(?P<sign>p|q|pct|percentile|quantile)_(?P<after>{_NUMBER})|"
    rf"(?P<before>{_NUMBER})(?:_(?:st|nd|rd|th))?_(?:percentile|quantile))"
)
_BOUND_OF_FIELD = (
    r"(?P<bound>lower|low|lo|lwr|upper|high|hi|upr)"
    r"(?:_(?:bound|limit|end|ci|pi|interval))?(?:_(?P<share>\d{2}))?"
)
#: Over the words of a name, joined by underscores.
_FIELD_PATTERNS = tuple(
    re.compile(text)
    for part in (_LEVEL_OF_FIELD, _BOUND_OF_FIELD, r"(?P<median>median)")
    for text in (rf"(?:^|_){part}$", rf"^{part}_")
)

_SPOKEN = r"(?:0?\.\d+|\d{1,3}(?:\.\d+)?|median)(?:st|nd|rd|th)?"
_SPOKEN_LIST = rf"{_SPOKEN}(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)(?:the\s+)?{_SPOKEN})*"
_PERCENT = r"(?:%|percent|per cent)"
_LEVELS = re.compile(
    rf"\b(?:the\s+)?(?P<first>{_SPOKEN_LIST})\s*(?:%\s*)?(?:percentile|quantile)s?\b(?:\s+(?:of|for)\b)?|"
    rf"\b(?:the\s+)?(?:percentile|quantile)s?\s+(?P<last>{_SPOKEN_LIST})(?:\s+(?:of|for)\b)?|"
    r"\b(?:the\s+)?(?P<short>p\d0|p[0-9]5|p9[789]|p0[12])(?:(?:\s*,\s*(?:and\s+)?|\s+and\s+)"
    r"(?:p\d0|p[0-9]5|p9[789]|p0[12]))*\b(?:\s+(?:of|for)\b)?",
    re.IGNORECASE,
)
_ARTICLES = r"(?:(?:an?|the|its|their)\s+)*"
_BOUNDS = rf"(?:lower|upper)(?:\s+and\s+{_ARTICLES}(?:lower|upper))?\s+bounds?"
_INTERVAL = re.compile(
    rf"(?P<lead>(?:\b(?:with|and|plus|including)|,)\s+)?\b{_ARTICLES}"
    rf"(?:(?P<before>\d\d(?:\.\d+)?)\s*{_PERCENT}[\s-]*)?"
    r"(?:(?P<surely>(?:prediction|confidence|uncertainty|credible)\s+(?:interval|band|range|bound)s?|"
    rf"error\s+bars?|best\s+and\s+worst\s+cases?|quantiles|percentiles|"
    rf"{_BOUNDS}(?:\s+and\s+{_ARTICLES}{_BOUNDS})?)|(?P<perhaps>intervals?|range|uncertainty))\b"
    rf"(?:\s+(?:of|at)\s+(?P<after>\d\d(?:\.\d+)?)\s*{_PERCENT})?",
    re.IGNORECASE,
)
_OWNER = re.compile(r"\s+(?:of|for|on)\b", re.IGNORECASE)
#: A column of such a name may be what is asked for.
_WORDS = frozenset(map(lexicon.stem, ("percentile", "quantile", "interval", "bound", "range")))


class Spoken(NamedTuple):
    """The quantiles that an intent asks for, and the intent without them."""

    text: str
    levels: tuple[float, ...] = ()
    #: Whether an interval is asked for without its level.
    assumed: bool = False


class FieldAsk(NamedTuple):
    """What an output field asks for: a level, or a bound of whatever interval holds."""

    level: float | None
    bound: Bound | None
    #: The field's name without it.
    rest: str

    def within(self, interval: tuple[float, float]) -> float:
        """The quantile that is meant, where bounds are those of an interval."""
        return interval[self.bound == "upper"] if self.level is None else self.level


class Quantiles(NamedTuple):
    """The levels of a target in ascending order, and what a person should know of them."""

    levels: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()
    #: The interval that fields called lower and upper are the bounds of.
    interval: tuple[float, float] = USUAL_INTERVAL


def read_spoken(text: str, columns: Sequence[str]) -> Spoken:
    """The quantiles that an intent asks for; words that a column is called by are its own.

    Raises UserError for a level that is none.
    """
    own = {stem for name in columns for stem in lexicon.stems(name)}
    if own & _WORDS:
        return Spoken(text)
    levels: list[float] = []
    rest = text
    while match := _LEVELS.search(rest):
        if {*lexicon.words(match[0])} & own - {"median"}:
            return Spoken(text)
        levels += [
            _expected(_value(item), match[0].strip())
            for item in re.findall(r"median|\d*\.?\d+", match[0].lower())
        ]
        rest = _without(rest, match.start(), match.end())
    interval = _interval(rest)
    if interval is None:
        return Spoken(rest, _ascending(levels))
    return Spoken(interval.text, _ascending([*levels, *interval.levels]), interval.assumed)


def _interval(text: str) -> Spoken | None:
    for match in _INTERVAL.finditer(text):
        share = match["before"] or match["after"]
        led = (match["lead"] or "").strip().lower() == "with"
        measured = re.match(r"\s+of\b", text[match.end() :])
        if match["perhaps"] and share is None and (not led or measured):
            continue
        said = (match["surely"] or "").lower()
        bounds = interval_of(float(share) / 100) if share else USUAL_INTERVAL
        wanted = [
            level
            for name, level in zip(("lower", "upper"), bounds, strict=True)
            if name in said or "bound" not in said or not re.search("lower|upper", said)
        ]
        owner = _OWNER.match(text, match.end())
        end = owner.end() if owner and not match["lead"] else match.end()
        return Spoken(_without(text, match.start(), end), tuple(wanted), share is None)
    return None


def _without(text: str, start: int, end: int) -> str:
    return f"{text[:start].rstrip()} {text[end:].lstrip()}".strip()


def interval_of(share: float) -> tuple[float, float]:
    """The levels that a share of the values lies between."""
    outside = (1 - share) / 2
    return round(outside, _DIGITS), round(1 - outside, _DIGITS)


def field_ask(name: str, target: str | None = None) -> FieldAsk | None:
    """The quantile that an output field asks for; None where it is the target's own name.

    Raises UserError for a level that is none.
    """
    words = "_".join(lexicon.words(name))
    own = "" if target is None else "_".join(lexicon.words(target))
    for pattern in _FIELD_PATTERNS:
        match = pattern.search(words)
        if match is None or (own and (match[0].strip("_") in own or words == own)):
            continue
        rest = (words[: match.start()] + "_" + words[match.end() :]).strip("_")
        return _read(match.groupdict(), name, rest)
    return None


def _read(found: dict[str, str | None], name: str, rest: str) -> FieldAsk:
    if found.get("median"):
        return FieldAsk(MEDIAN, None, rest)
    bound, share = found.get("bound"), found.get("share")
    if bound:
        which: Bound = "lower" if bound.startswith("l") else "upper"
        level = interval_of(float(share) / 100)[which == "upper"] if share else None
        return FieldAsk(level, which, rest)
    number = found.get("after") or found.get("before") or ""
    if found.get("sign") == "q" and len(number) == 1:
        return FieldAsk(_expected(int(number) / 4, name), None, rest)
    value = _value(
        number.replace("_", "."), percent=found.get("sign") in {"p", "pct", "percentile"}
    )
    return FieldAsk(_expected(value, name), None, rest)


def _value(number: str, *, percent: bool = False) -> float:
    """The level in a number: 90, 0.9, 97.5, and as names write it 975 and 025."""
    if number == "median":
        return MEDIAN
    value = float(number)
    if len(number) == 3 and number.isdigit() and number != "100":  # noqa: PLR2004 - per thousand
        return value / 1000
    return value if value < 1 and "." in number and not percent else value / 100


def _expected(level: float, said: str) -> float:
    level = round(level, _DIGITS)
    if not LEAST_QUANTILE <= level <= GREATEST_QUANTILE:
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"{said!r} asks for the quantile {level:g}, expected one from {LEAST_QUANTILE} to "
            f"{GREATEST_QUANTILE}: ask for another, such as p10 and p90.",
        )
    return level


def decide_quantiles(
    target: Column,
    fields: Sequence[FieldSchema],
    stated: Sequence[float] | None,
    spoken: Spoken,
) -> Quantiles:
    """The quantiles of a number: what spec.plan and the output fields state, else the words.

    Raises UserError where they do not fit each other.
    """
    asks = [ask for item in fields if (ask := field_ask(item.name, target.name)) is not None]
    wanted = stated or spoken.levels
    bounds = {ask.bound for ask in asks if ask.level is None and ask.bound}
    interval = _bounds(wanted, bounds, target.name)
    levels = {ask.within(interval) for ask in asks} | {*(stated or ())}
    warnings = []
    if spoken.levels and not stated and fields and not asks:
        names = " and ".join(quantile_field(target.name, level) for level in spoken.levels)
        warnings.append(
            f"The intent asks for quantiles of {target.name!r} that the output schema has no field "
            f"for: add {names} to see them."
        )
    elif not asks:
        levels |= {*wanted}
    unstated = bounds if not wanted else spoken.assumed and not stated and levels
    if unstated:
        warnings.append(
            f"An interval of {target.name!r} was asked for without its level: the bounds are those "
            "that 80 % of the true values lie between. State others in spec.plan.quantiles."
        )
    if len(levels) > MAX_QUANTILES:
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"{len(levels)} quantiles of {target.name!r} are asked for, at most {MAX_QUANTILES} "
            "are predicted: leave some out.",
        )
    return Quantiles(_ascending(levels), tuple(warnings), interval)


def _bounds(wanted: Sequence[float], bounds: set[Bound], target: str) -> tuple[float, float]:
    """The interval that fields called lower and upper mean: the outermost of what is wanted."""
    if not wanted:
        return USUAL_INTERVAL
    low, high = min(wanted), max(wanted)
    if ("lower" in bounds and low >= MEDIAN) or ("upper" in bounds and high <= MEDIAN):
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"The output schema asks for a lower or an upper bound of {target!r}, but the "
            f"quantiles that are stated have none: {', '.join(f'{level:g}' for level in wanted)}. "
            "State one on that side of 0.5 too, or name the fields by their quantiles, such as "
            f"{quantile_field(target, low)}.",
        )
    return low, high


def quantile_field(target: str, level: float) -> str:
    """The name of the field of a quantile: price_p90, price_p2_5."""
    return f"{target}_{percent_name(level)}"


def percent_name(level: float) -> str:
    """A level as names have it: p90, p2_5."""
    return f"p{round(100 * level, _DIGITS):g}".replace(".", "_")


def quantile_meaning(target: str, level: float) -> str:
    """What the field of a quantile says, for people."""
    return f"{round(100 * level, _DIGITS):g} % of the true values of {target} lie below."


def _ascending(levels: Sequence[float] | set[float]) -> tuple[float, ...]:
    return tuple(sorted({round(level, _DIGITS) for level in levels}))
