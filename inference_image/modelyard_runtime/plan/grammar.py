"""Who does what in a clause: the noun or verb that is asked for, and whom it is about.

Called by ``intent``.
"""

import re

from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.clauses import split_at

_BOUNDARY = re.compile(
    r"\b(of|for|in|at|per|on|among|across|when|who|that|within|over|during|after|before|"
    r"to (?=(?:the|an?|each|every)\b))\b",
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
        rf"{_DETERMINERS}(?!it\b)\w+\s+{_AUXILIARY}",
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
_WHEN = frozenset({"tomorrow", "tonight", "soon", "later", "again", "together", "anyway"})
#: What score does a student get: such a verb says nothing, what comes before it is asked for.
_EMPTY_VERB = re.compile(r"\b(?:have|has|get|got)\b", re.IGNORECASE)
#: Of what follows these words it is asked how much or how likely it is.
_MEASURES = (
    r"number|amount|count|probability|likelihood|chances?|risk|percentage|share|proportion|degree|"
    r"extent|concentration|frequency"
)
#: What is asked for follows these: the number of *arrests*, predict the *harvest*.
_ASKS = re.compile(
    rf"\b(?:how (?:many|much)|(?:{_MEASURES}) of|which|"
    r"what(?: (?:kind|type|sort) of)?|predict\w*|estimat\w+|forecast\w*|classif\w+|expected|"
    r"average|mean|regress|model(?:l?ing)?|identify|determine|detect|score|tell|find|know)\s+"
    r"(?:(?:the|an?|its|their|his|her|your|my|our|whether|average|mean|expected|value|level|of|what|"
    rf"(?:kind|type|sort|{_MEASURES})(?= of\b))\s+)*(.*)",
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
#: Whose it is that is asked for: the *judge*'s decision.
_OWNER = re.compile(r"\b(\w+)(?:['\u2019]s|s')(?= \w)", re.IGNORECASE)
#: What a goal may begin with: an idea of, a list of.
_ARTICLES = re.compile(
    r"^\W*(?:(?:an?|the|some|our|every|each|one|good|quick|rough|honest|realistic)\s+)*"
    r"(?:(?:(?:number|figure)(?= for)|idea|estimate|forecast|prediction|list|indication|hint|"
    r"suggestion|opinion|view|guess) "
    r"(?:of|for|on|about|as to|what|who)\s+(?:the |an? )?)?",
    re.IGNORECASE,
)
#: How productive is a team: the adjective is asked for.
_HOW = re.compile(
    r"\bhow (?!many|much|often|do|does|did|will|can|is|are|long|far|good|well|likely)(\w+) "
    r"(?:is|are|was|were|will|would)\b",
    re.IGNORECASE,
)
_HOW_BE = re.compile(
    r"^\W*how (?!many\b|much\b|often\b|long\b|likely\b)(?P<how>\w+) "
    r"(?:will|would|can|could|might|may)\s+"
    r"(?:\w+ ){1,5}?be\b",
    re.IGNORECASE,
)
#: Find such ones among many: predict *late* deliveries.
_FINDS_SUCH = re.compile(
    r"\b(?:predict|detect|find|identify|flag|spot|block|catch|forecast|recogni[sz]e|filter) "
    r"(?:the |any |all )?(?P<such>\w+) (?:\w+ ){0,2}?\w+[^s\W]s\b",
    re.IGNORECASE,
)
#: Several of whom some are asked for, which is a question of yes or no: which *flights* are late.
_WHICH_OF_MANY = re.compile(
    r"\bwhich (?:of (?:our|the|my|these|those) )?"
    r"(?P<many>(?:\w+ ){0,2}(?:\w+[^s\W]s|people)) "
    r"(?:will|would|are|were|won't|might|may|can|could|have|do|did|going|probably|actually)\b"
    r"(?! (?:the|an?|this|that|these|those|our|my|it|we|they|he|she|you|each|every|most)\b)",
    re.IGNORECASE,
)


def verb_of(goal: str) -> str | None:
    """What someone does, or how something is, where that is asked for: *earn*, *productive*."""
    degree = _HOW_BE.search(goal)
    if degree:
        return degree["how"].lower()
    question = _QUESTION.search(goal) or _PASSIVE.search(goal)
    if question:
        clause = content(split_at(question["clause"], _ENDS)[0])
        spoken = [word for word in clause if word not in _WHEN]
        empty = _EMPTY_VERB.search(split_at(question["clause"], _BOUNDARY)[0])
        return spoken[-1] if spoken and not empty else None
    found = (content(match["verb"]) for match in (p.search(goal) for p in _PREDICATES) if match)
    return next((verbs[0] for verbs in found if verbs), None)


def noun_of(goal: str) -> list[str]:
    """The words of the noun that is asked for: those behind the asking, up to the next clause."""
    others = {*content(" ".join(_OWNER.findall(goal))), *asks_who(goal)}
    such = _FINDS_SUCH.search(goal)
    if such and lexicon.is_event(such["such"]):
        return [such["such"].lower()]
    starts = [*_HOW.findall(goal), *(match.group(1) for match in _ASKS.finditer(goal))]
    for rest in [*starts, _ARTICLES.sub("", goal)]:
        found = content(split_at(rest, _ENDS)[0])
        if found:
            return [word for word in found if word not in others]
    return []


def asks_who(goal: str) -> list[str]:
    """The words for those of whom some are asked for: which of our *employees* will leave."""
    found = _WHICH_OF_MANY.search(goal)
    return content(found["many"]) if found else []


def content(text: str) -> list[str]:
    """The words that say something; numbers only do as a part of a name that is spelled out."""
    return [
        word for word in lexicon.words(text) if word not in lexicon.STOPWORDS and not word.isdigit()
    ]


def head_of(goal: str) -> str | None:
    """The word that the goal is about: the last one before ``of``, ``for`` and the like."""
    for part in _BOUNDARY.split(goal):
        found = content(part)
        if found and not _BOUNDARY.fullmatch(part):
            return found[-1]
    return None
