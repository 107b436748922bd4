"""Words: how column names and sentences are cut up, and when two words mean the same.

The words themselves are data, ``lexicon.toml``: general English and the abbreviations of databases.
"""

import re
import tomllib
from functools import cache
from importlib import resources
from itertools import pairwise, takewhile

from modelyard_runtime.plan.abbreviations import is_skeleton
from modelyard_runtime.plan.morphology import made_of

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_SUFFIXES = (
    *("ancies", "encies", "ances", "ences"),
    *("ulently", "ulent", "ically", "ations", "ation", "ities", "ments", "ingly", "ising"),
    *("izing", "ised", "ized", "ence", "ance", "ency", "ancy", "ment", "ions", "ings", "ness"),
    *("able", "ible", "ously", "tic", "ity", "ion", "ors", "ers", "ing", "ant", "ent", "als"),
    *("ous", "ive", "ful", "ise", "ize", "ies", "ics", "or", "er", "ed", "al", "ic", "ly"),
    *("es", "is", "s", "y", "e"),
)
_INFLECTIONS = frozenset({"ing", "ed", "es", "s", "e", "y", "er"})
_STEM_PASSES = 3


_DATA = tomllib.loads(resources.files(__package__).joinpath("lexicon.toml").read_text("utf-8"))


def _inverted(table: dict[str, str]) -> dict[str, str]:
    return {form: word for word, forms in table.items() for form in forms.split()}


_FORMS = _inverted(_DATA["forms"])
ABBREVIATIONS = _inverted(_DATA["abbreviations"])
#: Words of a column's name that say little about what it holds.
GENERIC = frozenset(_DATA["generic"].split())
#: Words of a name that say in what it is measured.
UNITS = frozenset(_DATA["units"].split())
#: Names that by convention are what is to be predicted.
CONVENTIONAL = frozenset(_DATA["conventional"].split())
#: Words of a name that say who, what, where or when a row is.
LABELS = frozenset(_DATA["labels"].split())
#: Words of a name for what is known before what is asked for happens, and for what is yet to come.
EARLIER, TO_COME = (frozenset(_DATA[key].split()) for key in ("earlier", "to_come"))
#: Nouns whose answer is a number.
QUANTITIES = frozenset(_DATA["quantities"].split())
#: Words of a name that say that it holds what became of a row.
OUTCOMES = frozenset(_DATA["outcomes"].split())
YES_OR_NO = frozenset(_DATA["yes_or_no"].split())
STOPWORDS = frozenset(_DATA["stopwords"].split())
#: In a name, what follows these is when: default_next_month, churn_within_30_days.
_WINDOW = frozenset(_DATA["window"].split())
#: What follows these in a name is beside the point: history_with_obesity.
BEHIND_HEAD = frozenset(_DATA["behind_head"].split())
_SMALL = frozenset(_DATA["small"].split())
_SYNONYMS = _DATA["synonyms"].strip().splitlines()
_SHORTEST_PIECE = 3
#: Words of which names are written as one: saleprice, totqty.
_PIECES = frozenset({word for line in _SYNONYMS for word in line.split()} | GENERIC).union(
    ABBREVIATIONS,
    ABBREVIATIONS.values(),
    (word for word in STOPWORDS if len(word) > _SHORTEST_PIECE),
)
#: What many words end in that are none of two: postage, percentage.
_ENDINGS = frozenset({"age", "able", "ability", "ant", "est", "ion"})


def words(text: str) -> list[str]:
    """The words of a sentence or a name, lower case: snake, kebab and camel are cut up, kWh is
    not.
    """
    return [part for word in _WORD.findall(text) for part in _parts(word)]


def _parts(word: str) -> list[str]:
    low = word.lower()
    return [low] if low in UNITS else [part.lower() for part in _CAMEL.sub(" ", word).split()]


def name_words(name: str) -> list[str]:
    """The words of a column's name without the time that they are about."""
    found = words(name)
    early = list(takewhile(lambda word: word not in _WINDOW, found)) or found
    return _punctual(early)


@cache
def pieces(word: str) -> tuple[str, ...]:
    """A word of a name that is two known ones written as one, as those two."""
    if word in _PIECES or word in UNITS or word in STOPWORDS:
        return (word,)
    for end in range(_SHORTEST_PIECE, len(word) - _SHORTEST_PIECE + 1):
        first, second = word[:end], word[end:]
        if first in _PIECES and _is_piece(second) and second not in _ENDINGS:
            return first, second
    return (word,)


def _is_piece(word: str) -> bool:
    return word in _PIECES or (word.endswith("s") and word[:-1] in _PIECES)


def _punctual(found: list[str]) -> list[str]:
    """``reached_on_time`` is about being punctual, not about time."""
    ends = [i for i, pair in enumerate(pairwise(found)) if pair == ("on", "time")]
    return found if not ends else [*found[: ends[0]], "punctual", *found[ends[0] + 2 :]]


def is_generic(token: str) -> bool:
    """Whether a word of a column's name says little about what it holds."""
    known = token in GENERIC or token in _SMALL or token in UNITS
    return known or ABBREVIATIONS.get(token) in GENERIC


def is_event(word: str) -> bool:
    """Whether a word says what happens to some rows and not to others: churn, default."""
    return stem(word) in _stems_of("events")


def is_quantity(word: str) -> bool:
    """Whether a word asks for a number: price, duration."""
    return stem(ABBREVIATIONS.get(word, word)) in _stems_of("quantities")


@cache
def _stems_of(table: str) -> frozenset[str]:
    return frozenset(map(stem, _DATA[table].split()))


def stems(text: str) -> list[str]:
    """The stems of the words of a text."""
    return [stem(word) for word in words(text)]


@cache
def stem(word: str) -> str:
    """The part of a word that its forms share: progressed, progression → progress."""
    word = _FORMS.get(word, word)
    for _ in range(_STEM_PASSES):
        shorter = _shorter(word)
        if shorter == word:
            break
        word = shorter
    doubled = len(word) > 3 and word[-1] == word[-2]  # noqa: PLR2004 - stopped → stop
    if doubled and (word[-1] not in "sl" or (word[-1] == "l" and len(word) > 5)):  # noqa: PLR2004 - cancelled → cancel, but sell
        word = word[:-1]
    return word


@cache
def root(word: str) -> str:
    """The stem of what a word is made of: emissions → emit."""
    return stem(made_of(word))


def _shorter(word: str) -> str:
    if word.endswith("ss"):
        return word
    for suffix in _SUFFIXES:
        # Distance is nothing of a district.
        least = 3 if suffix in _INFLECTIONS else 5 if suffix in {"ance", "ances"} else 4
        if word.endswith(suffix) and len(word) - len(suffix) >= least:
            return word[: -len(suffix)]
    return word


@cache
def _groups() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_SYNONYMS):
        for word in line.split():
            found.setdefault(stem(word), set()).add(number)
    return {key: frozenset(value) for key, value in found.items()}


@cache
def short_forms(word: str) -> tuple[str, ...]:
    """How data sets shorten a word: wt of weight."""
    key = stem(word)
    return tuple(short for short, long in ABBREVIATIONS.items() if stem(long) == key)


@cache
def synonyms(word: str) -> tuple[str, ...]:
    """Other words that may stand for it."""
    groups = _groups().get(stem(word), frozenset())
    lines = (line.split() for number, line in enumerate(_SYNONYMS) if number in groups)
    return tuple(dict.fromkeys(other for line in lines for other in line if other != word))


_MIN_PREFIX = 4
#: Two stems that share so much of their beginning are forms of one word: satisfied, satisfaction.
_MIN_COMMON, _MIN_COMMON_SHARE = 5, 0.65
_SAME, _FORM, _ABBREVIATED, _DERIVED = 1.0, 0.96, 0.95, 0.9
_SKELETON, _SYNONYM, _PREFIX = 0.85, 0.8, 0.7
_SHORTEST_SKELETON = 3


@cache
def likeness(token: str, word: str) -> float:
    """How surely a token of a name means a word of a sentence, from 0 to 1."""
    one, other = stem(token), stem(word)
    if one == other:
        return _SAME if _inflected(token, word) else _FORM
    long = ABBREVIATIONS.get(token)
    if long is not None and stem(long) == other:
        return _ABBREVIATED
    if root(token) == root(word):
        return _DERIVED
    groups = _groups()
    names = groups.get(one, frozenset()) | groups.get(stem(long or token), frozenset())
    if names & groups.get(other, frozenset()):
        return _SYNONYM
    if len(token) >= _SHORTEST_SKELETON and token[-1] == word[-1] and is_skeleton(token, word):
        return _SKELETON
    short, full = sorted((one, other), key=len)
    if len(short) >= _MIN_PREFIX and full in {"re" + short, "un" + short, "non" + short}:
        return _PREFIX
    # What is clipped may have a plural of its own: cigs.
    clipped = len(short) == _MIN_PREFIX - 1 and token == short + "s"
    if (len(short) >= _MIN_PREFIX or clipped) and full.startswith(short):
        return _PREFIX
    common = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )
    if common >= _MIN_COMMON and common >= _MIN_COMMON_SHARE * len(full):
        return _PREFIX
    return 0.0


def _inflected(one: str, other: str) -> bool:
    """Whether two words of one stem are the same but for number, person or tense."""
    short, full = sorted((one, other), key=len)
    return full.startswith(short) and full[len(short) :] in {"", "s", "es", "d", "ed", "ing"}
