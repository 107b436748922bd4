"""Read an intent: what is asked for, what is given, and of what kind the answer is."""

import re
from dataclasses import dataclass

from modelyard_runtime.plan import lexicon

#: What follows these is what a prediction is made from.
_GIVEN = re.compile(
    r"\b(based on|on the basis of|using|given|from|with the help of|according to|depending on|"
    r"knowing|considering|by looking at)\b(?!\s*(?:now|today|[?.!]|$))",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(
    r"\b(of|for|in|at|per|on|among|across|when|who|that|within|over|during|after|before)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"\b(how (much|many|far|long|high|large|big|old|fast|strong|expensive|"
    r"late|soon|tall|heavy|deep|wide|warm|hot|cold)|amount|number of|"
    r"price|cost|estimate|forecast)\b",
    re.IGNORECASE,
)
_KIND = re.compile(
    r"\b(which|what (kind|type|sort|class|species)|classif\w+|categor\w+|recogni[sz]e|identify)\b",
    re.IGNORECASE,
)
_WHETHER = re.compile(
    r"^\s*who\b|\b(whether|if|likely|likelihood|probab\w+|chance|risk|detect|will|is|are|does|do)\b",
    re.IGNORECASE,
)
_SERIES = re.compile(
    r"\b(forecast\w*|next (day|week|month|quarter|year)|time series)\b", re.IGNORECASE
)
_UNBUILT = re.compile(
    r"\b(recommend\w*|rank(?!s?\b of)\w*|cluster\w*|segment\w*|summari[sz]e|translate|"
    r"generate)\b",
    re.IGNORECASE,
)
#: What follows it is part of the goal (patients with diabetes) or given (with season added).
_WITH = re.compile(r"\bwith\b", re.IGNORECASE)
#: Ways to ask for something without its word.
_IMPLIED = tuple(
    (re.compile(pattern, re.IGNORECASE), word)
    for pattern, word in (
        (
            r"\bhow much\b.*\b(sells?|selling|sold|costs?|pay|paid|buy|bought|worth|go for)\b",
            "price",
        ),
        (r"\b(get|ask|pay|sell|sold) for\b", "price"),
        (r"\bhow much\b.*\b(earns?|makes?|paid)\b", "salary"),
        (r"\bhow many\b", "count"),
        (r"\blos(e|es|ing|t)\b.*\b(customer|client|subscriber|member|employee|user)s?\b", "churn"),
        (r"\b(employee|staff|personnel|labou?r) turnover\b", "attrition"),
        (r"\b(on time|in time|punctual\w*)\b", "delay"),
    )
)
GOAL_WEIGHT, WITH_WEIGHT, GIVEN_WEIGHT, SCHEMA_WEIGHT = 1.0, 0.75, 0.35, 0.7
IMPLIED_WEIGHT = 0.8


@dataclass(frozen=True)
class Intent:
    """What a sentence says; words with how much they speak for a column."""

    text: str
    weights: dict[str, float]
    head: str | None
    quantity: bool
    kind: bool
    whether: bool
    series: bool
    unbuilt: str | None

    def likeness(self, token: str) -> float:
        """How surely a token of a name is meant."""
        return max(
            (lexicon.likeness(token, word) * weight for word, weight in self.weights.items()),
            default=0.0,
        )

    @property
    def stems(self) -> list[str]:
        """The stems of all its words, in their order."""
        return lexicon.stems(self.text)


def read_intent(text: str, schema_names: list[str]) -> Intent:
    """The intent in a sentence; names of an output schema that fit no column count as words."""
    goal, given = _split(text, _GIVEN)
    aim, beside = _split(goal, _WITH)
    weights: dict[str, float] = {}
    for part, weight in (
        (given, GIVEN_WEIGHT),
        (" ".join(schema_names), SCHEMA_WEIGHT),
        (beside, WITH_WEIGHT),
        (" ".join(word for ask, word in _IMPLIED if ask.search(goal)), IMPLIED_WEIGHT),
        (aim, GOAL_WEIGHT),
    ):
        for word in _content(part):
            weights[word] = max(weight, weights.get(word, 0.0))
    unbuilt = _UNBUILT.search(goal)
    return Intent(
        text,
        weights,
        _head(aim),
        quantity=bool(_QUANTITY.search(goal)),
        kind=bool(_KIND.search(goal)),
        whether=bool(_WHETHER.search(goal)),
        series=bool(_SERIES.search(goal)),
        unbuilt=unbuilt[0] if unbuilt else None,
    )


def _split(text: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    """The text before and after a pattern."""
    match = pattern.search(text)
    return (text[: match.start()], text[match.end() :]) if match else (text, "")


def _content(text: str) -> list[str]:
    return [word for word in lexicon.words(text) if word not in lexicon.STOPWORDS]


def _head(goal: str) -> str | None:
    """The word that the goal is about: the last one before ``of``, ``for`` and the like."""
    for part in _BOUNDARY.split(goal):
        content = _content(part)
        if content and not _BOUNDARY.fullmatch(part):
            return content[-1]
    return None
