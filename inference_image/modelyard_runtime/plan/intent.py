"""Read an intent: what is asked for, what is given, and of what kind the answer is."""

import re
from dataclasses import dataclass
from functools import cached_property

from modelyard_runtime.plan import lexicon, phrases

#: What follows these is what a prediction is made from.
_GIVEN = re.compile(
    r"\b(based on|on the basis of|using|given|from(?!.*\bor\b)|with the help of|according to|"
    r"depending on|as an? function of|with (?:this|these|those|such|certain|known|the following)|"
    r"knowing|considering|by looking at)\b(?!\s*(?:now|today|[?.!]|$))"
    # Prices by carat, cut and color: a list is what is known of each.
    r"|\bby (?=\w[\w -]*(, *\w[\w -]*)* and \w+)",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(
    r"\b(of|for|in|at|per|on|among|across|when|who|that|within|over|during|after|before)\b",
    re.IGNORECASE,
)
_QUANTITY = re.compile(
    r"\b(how (much|many|far|long|high|large|big|old|fast|strong|expensive|late|soon|quickly|tall|"
    r"heavy|deep|wide|warm|hot|cold|full|busy|crowded)|amount|number of|"
    r"price|cost|estimate|forecast)\b",
    re.IGNORECASE,
)
_KIND = re.compile(
    r"\b(which|what (kind|type|sort|class|species)|classif\w+|categor\w+|recogni[sz]e|identify)\b",
    re.IGNORECASE,
)
_WHETHER = re.compile(
    r"^\s*(who|will|is|are|was|were|does|do|did|can|has|have)\b|"
    r"\b(whether|if|likely|likelihood|probab\w+|chances?|risks?|odds|detect)\b|"
    r"^(?!\s*(?:what|how|when|where)\b).*\b(will|does|do)\b",
    re.IGNORECASE,
)
_SERIES = re.compile(
    r"\b(forecast\w*|next (day|week|month|quarter|year)|time series)\b", re.IGNORECASE
)
#: A customer will cancel a contract: the verb is asked for, not who does it to what.
_AUXILIARY = r"(?:(?:not|be|get|have|been|ever|soon|still|\w+ly|an?|the)\s+)*"
_PREDICATES = tuple(
    re.compile(pattern + _AUXILIARY + r"(?P<verb>\w+)", re.IGNORECASE)
    for pattern in (
        r"\w\s+(?:will|(?:is|are) (?:going|likely|about) to)\s+",
        r"^\s*(?:will|is|are|does|do|did|has|can)\s+"
        r"(?:(?:the|an?|my|our|your|this|that|these)\s+)?(?!it\b)\w+\s+",
        r"^\s*(?:what|how(?: well| good| much| many)?)\s+(?:will|would|does|do|did|should|can)\s+"
        r"(?:(?:the|an?|my|our|your)\s+)?\w+\s+",
        r"^\s*what\s+(?=\w+\s+(?:will|would|does|do|did|should)\b)",
        r"^\s*who(?:\s+will)?\s+",
    )
)
#: What follows these is whose prediction it is, or how often.
_EACH = re.compile(r"\bper\b|\bfor (?:each|every)\b|\bby (?:the|each|every)\b", re.IGNORECASE)
#: What follows it is part of the goal (patients with diabetes) or given (with season added).
_WITH = re.compile(r"\bwith\b", re.IGNORECASE)
GOAL_WEIGHT, WITH_WEIGHT, GIVEN_WEIGHT, SCHEMA_WEIGHT = 1.0, 0.75, 0.35, 0.7
IMPLIED_WEIGHT = AROUND_WEIGHT = 0.8
EACH_WEIGHT = 0.3


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

    def likeness(self, token: str) -> float:
        """How surely a token of a name is meant."""
        return max(
            (lexicon.likeness(token, word) * weight for word, weight in self.weights.items()),
            default=0.0,
        )

    @cached_property
    def words(self) -> list[str]:
        """All its words, in their order."""
        return lexicon.words(self.text)

    @property
    def asked(self) -> list[str]:
        """The words of its goal that say something, in their order."""
        return _content(_split(phrases.reworded(self.text), _GIVEN)[0])

    @property
    def alternatives(self) -> bool:
        """Whether it lists what the answer may be."""
        return "or" in self.words

    @property
    def stems(self) -> list[str]:
        """The stems of all its words, in their order."""
        return lexicon.stems(self.text)


def read_intent(text: str, schema_names: list[str]) -> Intent:
    """The intent in a sentence; names of an output schema that fit no column count as words."""
    goal, given = _split(phrases.reworded(text), _GIVEN)
    aim, each = _split(goal, _EACH)
    aim, beside = _split(aim, _WITH)
    weights: dict[str, float] = {}
    predicate = _predicate(aim)
    for part, weight in (
        (given, GIVEN_WEIGHT),
        (" ".join(schema_names), SCHEMA_WEIGHT),
        (each, EACH_WEIGHT),
        (beside, WITH_WEIGHT),
        (phrases.implied(goal), IMPLIED_WEIGHT),
        (aim, GOAL_WEIGHT if predicate is None else AROUND_WEIGHT),
        (predicate or "", GOAL_WEIGHT),
        (phrases.subjects(goal), GOAL_WEIGHT),
    ):
        for word in _content(part):
            weights[word] = max(weight, weights.get(word, 0.0))
    return Intent(
        text,
        weights,
        predicate or _head(aim),
        quantity=bool(_QUANTITY.search(goal)),
        kind=bool(_KIND.search(goal)),
        whether=bool(_WHETHER.search(goal)),
        series=bool(_SERIES.search(goal)),
    )


def _split(text: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    """The text before and after a pattern."""
    match = pattern.search(text)
    return (text[: match.start()], text[match.end() :]) if match else (text, "")


def _predicate(goal: str) -> str | None:
    """The verb of a clause or question about what someone will do."""
    matches = (pattern.search(goal) for pattern in _PREDICATES)
    verbs = (_content(match["verb"]) for match in matches if match)
    return next((verb[0] for verb in verbs if verb), None)


def _content(text: str) -> list[str]:
    """The words that say something; numbers only do as a part of a name that is spelled out."""
    return [
        word for word in lexicon.words(text) if word not in lexicon.STOPWORDS and not word.isdigit()
    ]


def _head(goal: str) -> str | None:
    """The word that the goal is about: the last one before ``of``, ``for`` and the like."""
    for part in _BOUNDARY.split(goal):
        content = _content(part)
        if content and not _BOUNDARY.fullmatch(part):
            return content[-1]
    return None
