"""Read an intent: what is asked for, what is given, and of what kind the answer is."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from modelyard_runtime.plan import lexicon, phrases

#: What follows these is what a prediction is made from.
_GIVEN = re.compile(
    r"\b(based on|on the basis of|using|given|from(?!.*\bor\b)|with the help of|according to|"
    r"depending on|as an? function of|with (?:this|these|those|such|certain|known|the following)|"
    r"knowing|considering|by looking at|including|excluding)\b(?!\s*(?:now|today|[?.!]|$))"
    # Prices by carat, cut and color: a list is what is known of each.
    r"|\bby (?=\w[\w -]*(, *\w[\w -]*)* and \w+)",
    re.IGNORECASE,
)
_BOUNDARY = re.compile(
    r"\b(of|for|in|at|per|on|among|across|when|who|that|within|over|during|after|before|"
    r"to (?=(?:the|an?|each|every)\b))\b",
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
    r"\byes or no\b|(?:^|[:;,])\s*who\b|"
    r"\bwhich (?:patient|customer|client|user|employee|student|person|people|member|borrower|"
    r"account|applicant|loan|order|machine|transaction|visitor|subscriber|compan|household)\w*\b|"
    r"^\s*(will|is|are|was|were|does|do|did|can|has|have)\b|"
    r"\b(whether|if|likely|likelihood|probab\w+|chances?|risks?|odds|detect)\b|"
    r"^(?!.*\b(?:what|how|when|where)\b).*\b(will|does|do)\b",
    re.IGNORECASE,
)
_SERIES = re.compile(
    r"\b(forecast\w*|next (day|week|month|quarter|year)|time series)\b", re.IGNORECASE
)
_FUTURE = re.compile(
    r"\b(will|won't|going to|tomorrow|upcoming|(?:next|coming|following) "
    r"(?:\w+ )?(?:hour|day|week|month|quarter|year|season|time)s?)\b",
    re.IGNORECASE,
)
#: A customer will cancel a contract: the verb is asked for, not who does it to what.
_ADVERBS = r"(?:(?:not|be|get|have|been|ever|soon|still|\w+ly)\s+)*"
_AUXILIARY = r"(?:(?:not|be|get|have|been|ever|soon|still|\w+ly|an?|the)\s+)*"
_DETERMINERS = r"(?:(?:the|an?|my|our|your|this|that|these)\s+)?"
_PREDICATES = tuple(
    re.compile(pattern + r"(?P<verb>\w+)", re.IGNORECASE)
    for pattern in (
        r"^\s*(?:will|is|are|does|do|did|has|can)\s+"
        rf"{_DETERMINERS}(?P<subject>(?!it\b)\w+)\s+{_AUXILIARY}",
        r"^\s*what\s+(?=\w+\s+(?:will|would|does|do|did|should)\b)",
        r"^\s*who(?:\s+will)?\s+" + _AUXILIARY,
        rf"\w\s+(?:will|(?:is|are) (?:going|likely|about) to)\s+{_ADVERBS}(?!an?\b|the\b)",
    )
)
#: How long does a plane take: what comes before the verb is whom the question is about.
_QUESTION = re.compile(
    r"^\W*(?:and\s+|so\s+)?(?:what|how|which|when|where|for how much)\b.*?"
    r"\b(?:will|would|does|do|did|should|can|could)\s+" + _DETERMINERS + "(?P<clause>.*)",
    re.IGNORECASE,
)
#: How was a planet found, what is a house worth.
_PASSIVE = re.compile(
    rf"^\W*(?:how (?:was|were|is|are)\s+{_DETERMINERS}|what (?:is|are) an?\s)(?P<clause>.*)",
    re.IGNORECASE,
)
#: What score does a student get: such a verb says nothing, what comes before it is asked for.
_EMPTY_VERB = re.compile(r"\b(?:have|has|get|got)\b", re.IGNORECASE)
#: What follows these is whose prediction it is, or how often.
_EACH = re.compile(r"\bper\b|\bfor (?:each|every)\b|\bby (?:the|each|every)\b", re.IGNORECASE)
#: What is asked for follows these: the number of *arrests*, predict the *harvest*.
_ASKS = re.compile(
    r"\b(?:how (?:many|much)|(?:number|amount|count|probability|likelihood|chances?|risk) of|which|"
    r"what(?: (?:kind|type|sort) of)?|predict\w*|estimat\w+|forecast\w*|classif\w+|expected|"
    r"average|mean|regress|model(?:l?ing)?|identify|determine|detect|score|tell|find|know)\s+"
    r"(?:(?:the|an?|its|their|his|her|your|my|our|whether|average|mean|expected|number|amount|count|"
    r"probability|likelihood|value|level|of)\s+)*(.*)",
    re.IGNORECASE,
)
_VERBS = (
    r"will|would|does|do|did|is|are|was|were|can|could|should|has|have|to|and|given|using|based|"
    r"if|a|an|the"
)
_ENDS = re.compile(
    r"[^\w\s'-]|\b(?:of|for|in|at|per|on|among|across|when|who|that|within|over|during|after|"
    rf"before|from|with|by|{_VERBS})\b",
    re.IGNORECASE,
)
#: Whom or what a prediction is about follows these: the price of a *house*, does a *plane* have.
_ABOUT = re.compile(
    r"\b(?:(?:of|for|in|at|on|among|across) "
    r"(?:the|an?|each|every|any|some|our|my|your|this|that|these|those)?|"
    r"to (?:the|an?|each|every)\b)"
    r"\s*([\w' -]+?)"
    r"(?=\b(?:of|for|in|at|per|on|will|would|do|does|is|are|when|who|that|within|over|during|after|"
    r"before|from|with|by|and|given)\b|[,.?!:;(]|$)",
    re.IGNORECASE,
)
#: Whose it is that is asked for: the *judge*'s decision.
_OWNER = re.compile(r"\b(\w+)(?:['\u2019]s|s')(?= \w)", re.IGNORECASE)
_OWNED = re.compile(r"\b(?:their|his|her|its)\s+(\w+)", re.IGNORECASE)
_QUOTED = re.compile(r"[(\[“\"'`]([^()\[\]“”\"'`]{1,40})[)\]”\"'`]")
#: What follows it is part of the goal (patients with diabetes) or given (with season added).
_WITH = re.compile(r"\bwith\b", re.IGNORECASE)
#: A year in a name may be its last two digits: earnings of 1978 in ``re78``.
_YEAR = re.compile(r"(?:18|19|20)\d\d")
GOAL_WEIGHT, WITH_WEIGHT, GIVEN_WEIGHT, SCHEMA_WEIGHT = 1.0, 0.75, 0.35, 0.7
IMPLIED_WEIGHT = AROUND_WEIGHT = 0.8
EACH_WEIGHT = 0.3


@dataclass(frozen=True)
class Intent:
    """What a sentence says; words with how much they speak for a column."""

    text: str
    #: What is asked for, without what the prediction is made from.
    goal: str
    weights: dict[str, float]
    head: str | None
    predicate: str | None
    #: The words of the goal, of the noun that is asked for, of whom it is about, and of the givens.
    aim: list[str]
    noun: list[str]
    about: list[str]
    given: list[str]
    #: The words for what a question such as “how late” asks for.
    subjects: list[str]
    #: Words that the goal suggests without saying them.
    implied: list[str]
    quantity: bool
    kind: bool
    whether: bool
    series: bool
    #: Whether it asks for what is yet to come.
    future: bool

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

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers that its goal says, and of years also their last two digits."""
        said = [word for word in self.goal_words if word.isdigit()]
        return frozenset([*said, *(year[2:] for year in said if _YEAR.fullmatch(year))])

    @property
    def asked(self) -> list[str]:
        """The words of its goal that say something, in their order."""
        return _content(_split(phrases.reworded(self.text), _GIVEN)[0])

    @cached_property
    def goal_words(self) -> list[str]:
        """All words of its goal, in their order."""
        return lexicon.words(self.goal)

    @cached_property
    def joined(self) -> frozenset[str]:
        """Neighbouring words of its goal as one: names write take-up and life time so."""
        return frozenset(one + other for one, other in pairwise(self.goal_words))

    @cached_property
    def quoted(self) -> list[list[str]]:
        """The stems of what the goal has in brackets or quotes."""
        return [lexicon.stems(text) for text in _QUOTED.findall(self.goal)]

    @property
    def alternatives(self) -> bool:
        """Whether it lists what the answer may be."""
        return "or" in self.words


def read_intent(text: str, schema_names: list[str]) -> Intent:
    """The intent in a sentence; names of an output schema that fit no column count as words."""
    goal, given = _split(phrases.reworded(text), _GIVEN)
    aim, each = _split(goal, _EACH)
    aim, beside = _split(aim, _WITH)
    weights: dict[str, float] = {}
    predicate, subject = _clause(aim)
    head = predicate or _head(aim)
    owners = _content(" ".join(_OWNER.findall(goal)))
    noun = [word for word in _noun(goal) if word not in owners]
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
        goal,
        weights,
        head,
        predicate,
        aim=list(
            dict.fromkeys(_content(_split(goal, _EACH)[0]) + _content(phrases.subjects(goal)))
        ),
        noun=noun,
        about=[word for word in [*subject, *_about(goal, noun)] if word not in {*noun, head}],
        given=_content(given),
        subjects=_content(phrases.subjects(goal)),
        implied=_content(phrases.implied(goal)),
        quantity=bool(_QUANTITY.search(goal)),
        kind=bool(_KIND.search(goal)),
        whether=bool(_WHETHER.search(goal)),
        series=bool(_SERIES.search(goal)),
        future=bool(_FUTURE.search(goal)),
    )


def _split(text: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    """The text before and after a pattern."""
    match = pattern.search(text)
    return (text[: match.start()], text[match.end() :]) if match else (text, "")


class _Clause(NamedTuple):
    """Who does what: the verb, which is asked for, and the words for whom it is about."""

    verb: str | None
    subject: list[str]


def _clause(goal: str) -> _Clause:
    """The clause or question about what someone does."""
    question = _QUESTION.search(goal) or _PASSIVE.search(goal)
    if question:
        spoken = _content(_split(question["clause"], _ENDS)[0])
        if _EMPTY_VERB.search(_split(question["clause"], _BOUNDARY)[0]):
            return _Clause(None, spoken)
        return _Clause(spoken[-1] if spoken else None, spoken[:-1])
    for match in (pattern.search(goal) for pattern in _PREDICATES):
        verbs = _content(match["verb"]) if match else []
        if match and verbs:
            return _Clause(verbs[0], _content(match.groupdict().get("subject") or ""))
    return _Clause(None, [])


def _noun(goal: str) -> list[str]:
    """The words of the noun that is asked for: those behind the asking, up to the next clause."""
    starts = [match.group(1) for match in _ASKS.finditer(goal)]
    for rest in [*starts, goal]:
        found = _content(_split(rest, _ENDS)[0])
        if found:
            return found
    return []


def _about(goal: str, noun: list[str]) -> list[str]:
    found = [*_ABOUT.findall(goal), *_OWNED.findall(goal), *_OWNER.findall(goal)]
    parts = (_content(match) for match in found)
    return [word for part in parts if part != noun for word in part]


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
