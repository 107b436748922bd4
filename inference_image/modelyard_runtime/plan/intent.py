"""Read an intent: what is asked for, what is given, and of what kind the answer is."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from modelyard_runtime.plan import grammar, lexicon, phrases
from modelyard_runtime.plan.clauses import GIVEN, asked_part, of_list, split_at
from modelyard_runtime.plan.grammar import content

_QUANTITY = re.compile(
    r"\b(how (much|many|far|long|high|large|big|old|fast|strong|expensive|late|soon|quickly|tall|"
    r"heavy|deep|wide|warm|hot|cold|full|busy|crowded)|amount|number of|"
    r"price|cost|estimate|forecast)\b",
    re.IGNORECASE,
)
_KIND = re.compile(
    r"^\W*[\w-]+(?: or |/| vs\.? )[\w-]+|"
    r"(?<!\bat )(?<!\bby )"
    r"\b(which|what (kind|type|sort|class|species)|classif\w+|categor\w+|recogni[sz]e|identify)\b",
    re.IGNORECASE,
)
_WHETHER = re.compile(
    r"\b(?:flag|indicator)s?\W*$|\b(?:1 ?/ ?0|0 ?/ ?1|pos ?/ ?neg|positive/negative)\b|"
    r"\byes or no\b|\byes ?/ ?no\b|\by ?/ ?n\b|\bor not\b|(?:^|[:;,])\s*who\b|"
    r"\b(?:who|people|those|customers|clients) (?:will|would|might|may|are|is|probably)\b|"
    r"\b(?:who's|gonna|at risk|in danger|early warning|warn(?:ed|ing)?)\b|"
    r"\bwhich (?:patient|customer|client|user|employee|student|person|people|member|borrower|"
    r"account|applicant|loan|order|machine|transaction|visitor|subscriber|compan|household)\w*\b|"
    r"^\s*(will|is|are|was|were|does|do|did|can|has|have)\b|"
    r"\b(whether|whose|if|likely(?! (?:outcome|result|value|price|cost|number|amount)\b)|"
    r"likelihood|probab\w+|chances?|risks?|odds|detect)\b|"
    r"^(?!.*\b(?:what|how|when|where)\b).*\b(will|does|do)\b",
    re.IGNORECASE,
)
#: Happy, unhappy or neutral: one of three is more than yes or no.
_ONE_OF_SEVERAL = re.compile(r"\w, (?:\w+ ){0,2}\w+,? or (?:\w+ ){0,2}\w", re.IGNORECASE)
#: Such a question is answered by more than yes or no, if it is not for a chance.
_OPEN = re.compile(
    r"^\W*(?:(?:can|could) (?:we|you|i) )?(?:know |tell (?:us |me )?|see |find out |show )?"
    r"(?:(?:in|well in) advance )?"
    r"(?:what|when|where|how (?!likely|probable))\b"
    r"(?!.*\b(?:risk|chance|probability|likelihood|odds)\b)",
    re.IGNORECASE,
)
_SERIES = re.compile(
    r"\b(forecast\w*|next (day|week|month|quarter|year)|time series)\b", re.IGNORECASE
)
_FUTURE = re.compile(
    r"\b(will|going to|tomorrow|upcoming|(?:next|coming|following) "
    r"(?:\w+ )?(?:hour|day|week|month|quarter|year|season|time)s?)\b",
    re.IGNORECASE,
)
#: What follows these is whose prediction it is, or how often.
_EACH = re.compile(
    r"\bper\b|\b(?:for|of|in|at) (?:each|every)\b|\bby (?:the|each|every)\b", re.IGNORECASE
)
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
    #: The words of the goal, of the noun that is asked for, and of the givens.
    aim: list[str]
    noun: list[str]
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

    @cached_property
    def initials(self) -> str:
        """The first letters of the words of its goal that say something."""
        return "".join(word[0] for word in content(self.goal))

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
    def asks_class(self) -> bool:
        """Whether it asks which of several, and for no quantity."""
        return self.kind and not self.quantity

    @property
    def asks_whether(self) -> bool:
        """Whether yes or no answers it, and no quantity."""
        return self.whether and not self.quantity

    @cached_property
    def asked(self) -> list[str]:
        """The words for what is asked for."""
        return [*self.noun, *self.subjects, *([self.head] if self.head else [])]

    @cached_property
    def wants_number(self) -> bool:
        """Whether what is asked for is called a quantity."""
        return any(map(lexicon.is_quantity, self.asked))

    @cached_property
    def events(self) -> list[str]:
        """The words of its goal for what happens or does not: churn, default, late."""
        return [word for word in self.aim if lexicon.is_event(word)]


def read_intent(text: str, schema_names: list[str]) -> Intent:
    """The intent in a sentence; names of an output schema that fit no column count as words."""
    asks, beside = asked_part(phrases.reworded(text))
    goal, given = split_at(asks, GIVEN)
    goal, listed = of_list(goal)
    given = f"{listed} {given} {beside}"
    wanted, each = split_at(goal, _EACH)
    aim, company = split_at(wanted, _WITH)
    subjects, implied = phrases.subjects(goal), phrases.implied(goal)
    weights: dict[str, float] = {}
    verb = grammar.verb_of(aim)
    head = verb or grammar.head_of(aim)
    noun = grammar.noun_of(goal)
    for part, weight in (
        (given, GIVEN_WEIGHT),
        (" ".join(schema_names), SCHEMA_WEIGHT),
        (each, EACH_WEIGHT),
        (company, WITH_WEIGHT),
        (implied, IMPLIED_WEIGHT),
        (aim, GOAL_WEIGHT if verb is None else AROUND_WEIGHT),
        (verb or "", GOAL_WEIGHT),
        (subjects, GOAL_WEIGHT),
    ):
        for word in content(part):
            weights[word] = max(weight, weights.get(word, 0.0))
    return Intent(
        text,
        goal,
        weights,
        head,
        aim=list(dict.fromkeys(content(wanted) + content(subjects))),
        noun=noun,
        given=content(given),
        subjects=content(subjects),
        implied=content(implied),
        quantity=bool(_QUANTITY.search(goal)),
        kind=bool(_KIND.search(wanted) or _ONE_OF_SEVERAL.search(goal)),
        whether=_asks_whether(goal, noun),
        series=bool(_SERIES.search(goal)),
        future=bool(_FUTURE.search(goal)),
    )


def _asks_whether(goal: str, noun: list[str]) -> bool:
    """Whether yes or no answers it: not where a quantity is asked for, as the sum he will pay."""
    if _ONE_OF_SEVERAL.search(goal):
        return False
    last = noun[-1] if noun else ""
    asks = _WHETHER.search(goal) or grammar.asks_who(goal) or lexicon.is_event(last)
    return bool(asks) and last not in lexicon.QUANTITIES and not _OPEN.search(goal)
