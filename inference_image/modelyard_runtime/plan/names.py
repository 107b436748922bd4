"""What of a column's name an intent says: word by word, and how much each of them tells.

Called by ``evidence``.
"""

import re
from collections.abc import Sequence
from itertools import takewhile

from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent

_GENERIC_WEIGHT, _UNIT_WEIGHT = 0.15, 0.05
#: Parts of a name that an intent may spell apart, and letters below which that is chance.
_MOST_PARTS, _SHORTEST, _SHORTEST_WITH_DIGITS = 4, 3, 2
_INSIDE = 4
#: Letters and numbers that alternate: C6H6, CO2 but no week1.
_FORMULA = re.compile(r"(?<![A-Za-z0-9])(?:[A-Z][a-z]?\d+)+(?:[A-Z][a-z]?\d*)*(?![A-Za-z0-9])")
_NUMBERED = re.compile(r"([A-Za-z]+)[ _.-]?(\d+)")
_FINAL = frozenset({"final", "last", "end", "ends", "finally"})


def telling(token: str) -> bool:
    """Whether a word of a name says what its column holds."""
    return not (lexicon.is_generic(token) or token.isdigit())


def name_pieces(intent: Intent, name: str) -> list[str]:
    """The words of a name; what is two written as one is cut, unless the intent says it so."""
    return [
        piece
        for word in lexicon.name_words(name)
        for piece in ((word,) if word in intent.weights else lexicon.pieces(word))
    ]


def last(tokens: Sequence[str]) -> str:
    """The word that a name is about: its last one that says something, before ``of`` and such."""
    early = list(takewhile(lambda token: token not in lexicon.BEHIND_HEAD, tokens))
    for wanted in (telling, _no_unit):
        for part in (early, tokens):
            found = [token for token in part if wanted(token)]
            if found:
                return found[-1]
    return tokens[-1]


def likeness_of(intent: Intent, token: str) -> float:
    """How surely an intent means a word of a name."""
    if token in intent.numbers:
        return 1.0
    return max(intent.likeness(token), _inside(intent, token), float(token in intent.joined))


def coverage(tokens: Sequence[str], found: Sequence[float]) -> float:
    """The share of a name that is found, by how much its words tell."""
    weights = [_weight(token) for token in tokens]
    return sum(w * f for w, f in zip(weights, found, strict=True)) / sum(weights)


def is_initials(intent: Intent, name: str) -> bool:
    """Whether a name of several parts stands in the intent, as ``pm25`` in “PM2.5”, or is the
    initials of words in it, as ``rul`` of “remaining useful life”.
    """
    if any(_is_formula(intent, part) for part in _FORMULA.findall(name)):
        return True
    tokens, spoken = lexicon.words(name), intent.goal_words
    tokens = [token for token in tokens if token not in lexicon.UNITS] or tokens
    whole = "".join(tokens)
    if any(token.isdigit() for token in tokens):
        parts = range(2, _MOST_PARTS + 1)
        runs = ("".join(spoken[i : i + n]) for n in parts for i in range(len(spoken) - n + 1))
        return len(whole) >= _SHORTEST_WITH_DIGITS and whole in runs
    if len(tokens) != 1:
        return False
    if len(whole) < _SHORTEST:
        return len(whole) > 1 and whole in intent.initials
    return _of_initials(whole, intent.initials)


def _is_formula(intent: Intent, part: str) -> bool:
    return re.search(rf"(?<!\w){part}(?!\w)", intent.goal, re.IGNORECASE) is not None


def ends_series(intent: Intent, name: str, names: Sequence[str]) -> bool:
    """Whether a name is the last of a numbered series, and the last of such is asked for: the final
    grade of G1, G2 and G3.
    """
    found = _NUMBERED.fullmatch(name)
    if found is None or _FINAL.isdisjoint(intent.words):
        return False
    meant = [other for word in intent.noun for other in (word, *lexicon.synonyms(word))]
    if not any(word.startswith(found[1].lower()) for word in meant):
        return False
    parts = [part for part in map(_NUMBERED.fullmatch, names) if part and part[1] == found[1]]
    return len(parts) > 1 and int(found[2]) == max(int(part[2]) for part in parts)


def _of_initials(name: str, initials: str) -> bool:
    """Of three and more also in another order: ``lfp`` is “participating in the labor force”."""
    runs = (initials[i : i + len(name)] for i in range(len(initials) - len(name) + 1))
    return any(sorted(run) == sorted(name) for run in runs)


def _no_unit(token: str) -> bool:
    return not (token in lexicon.UNITS or token.isdigit())


def _weight(token: str) -> float:
    if token in lexicon.UNITS:
        return _UNIT_WEIGHT
    return _GENERIC_WEIGHT if lexicon.is_generic(token) else 1.0


def _inside(intent: Intent, token: str) -> float:
    """A word of the intent within a name written as one, such as ``saleprice``."""
    shares = [
        weight * len(word) / len(token)
        for word, weight in intent.weights.items()
        if _INSIDE <= len(word) < len(token) and word in token
    ]
    return max(shares, default=0.0)
