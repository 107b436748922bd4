"""What people ask for that no model here is: refused with what to do instead, or said to be less.

A table may have a column that matches such an intent by chance; predicting it would answer another
question. General English, as in ``lexicon``. Called by ``target`` and ``plan``.
"""

import re
from typing import NamedTuple

from modelyard_runtime.plan import lexicon

_START = (
    r"^\W*(?:(?:please|help me|help us|let'?s|(?:i|we)(?:'d like| would like| want| need)(?: you)? "
    r"to|can you|could you|how (?:can|do|should) (?:i|we)|build a model (?:to|that|which)|"
    r"use [\w -]+ to|automatically|try to)\s+)*"
)
_TEXTS = (
    r"(?:summar(?:y|ies)|texts?|reports?|descriptions?|e-?mails?|letters?|images?|pictures?|"
    r"captions?|stor(?:y|ies)|articles?|repl(?:y|ies)|responses?|answers?|code|titles?|headlines?|"
    r"poems?|essays?)\b(?! (?:rate|prob|score|time|quality|class|categor|label|type|length))"
)


class Unbuilt(NamedTuple):
    """A kind of task that is not built, and what to do instead."""

    asks: re.Pattern[str]
    what: str
    instead: str


def _unbuilt(asks: str, what: str, instead: str) -> Unbuilt:
    return Unbuilt(re.compile(asks, re.IGNORECASE), what, instead)


_LABELLED = "add a column that says it for some rows"
_TEXT = _unbuilt(
    _START + r"(?:(?:summari[sz]e|translate|paraphrase|rephrase)s?\b(?! of)|"
    r"(?:generate|write|draft|compose|create|produce|make)s? (?:\w+ ){0,3}" + _TEXTS + ")",
    "to produce text",
    "ask for a column that says something about each row, such as its category",
)
_CLUSTERS = _unbuilt(
    _START + r"(?:(?:cluster|segment)s?\b(?! (?:of|for|label|name|id|is|was)\b)"
    # Segment A-D of a customer: groups that have names already.
    r"(?! \w ?(?:-|to|,|/))|"
    r"(?:find|discover|identify|form|create|make|detect)\w* (?:\w+ ){0,3}"
    r"(?:clusters|segments|groups)\b|"
    r"(?:group|sort|divide|split|partition|organi[sz]e)s? (?:[\w-]+ ){1,6}"
    r"(?:into (?:[\w-]+ ){0,3}(?:clusters|segments|groups)|together)\b|"
    r"group similar\b|(?:\w+ )?(?:clustering|segmentation)\b(?! (?:of|for) (?:an?|each)\b))",
    "to find groups that no column names",
    f"{_LABELLED}, which group it belongs to, and predict that column",
)
_ANOMALIES = _unbuilt(
    r"\b(?:anomal(?:y|ies|ous)|outliers?|(?:find|detect|flag|spot)\w* (?:\w+ ){0,2}"
    r"(?:unusual|abnormal|strange|odd))\b",
    "to find what is unusual without examples of it",
    f"{_LABELLED}, whether it is unusual, and predict that column",
)
_ORDER = _unbuilt(
    _START + r"rank(?:s|ing)?\b(?! (?:of|is|was)\b)",
    "to put rows in an order",
    "predict a number or a probability, “rank customers by churn risk”, and sort by it",
)
_CHOICE = _unbuilt(r"\b(?:recommend(?!ed\b)\w*)", "to recommend", "predict a choice or its rating")
_BY = re.compile(
    r"\b(?:by|according to|in order of|based on|likely|likelihood|probab\w+|risk|chance)\b",
    re.IGNORECASE,
)
_SPREAD = frozenset(
    {
        *("min", "max", "minimum", "maximum", "std", "stddev", "deviation", "variance"),
        *("bound", "quantile", "percentile", "interval", "uncertainty", "margin"),
    }
)


def unbuilt_task(text: str) -> Unbuilt | None:
    """The task that is asked for and not built, whatever the columns are called."""
    if _ORDER.asks.search(text):
        return None if _BY.search(text) else _ORDER
    return next((item for item in (_TEXT, _CLUSTERS, _ANOMALIES) if item.asks.search(text)), None)


def answers(task: Unbuilt, column: str) -> bool:
    """Whether a column has the examples whose absence is the reason of the refusal."""
    return task is _ANOMALIES and bool(_ANOMALIES.asks.search(" ".join(lexicon.words(column))))


def recommends(text: str) -> bool:
    """Whether a choice is asked for."""
    return bool(_CHOICE.asks.search(text))


def said_to_be_less(text: str, target: str, *, is_number: bool) -> list[str]:
    """Warnings of what an intent asks for beside what is built."""
    found = []
    if _ORDER.asks.search(text):
        by = "value" if is_number else "probability"
        found.append(f"Rows are not put in an order: sort them by the {by} of {target!r}.")
    if recommends(text):
        found.append(
            f"What is predicted is the {target!r} that rows alike have, not the one that would be "
            "best for them."
        )
    return found


def asks_for_spread(field: str, target: str) -> bool:
    """Whether an output field asks for an extreme or a spread of a target that is no such itself.

    Quantiles and bounds are read by ``quantiles`` before.
    """
    more = {*lexicon.words(field)} - {*lexicon.words(target)}
    return bool((more | {lexicon.stem(word) for word in more}) & _SPREAD)
