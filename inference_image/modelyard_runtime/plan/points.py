"""How much an intent speaks for a column: its name, its values, and the type of the answer.

One number a column, 1 where the name is said in full. Called by ``target``.
"""

import re
from collections.abc import Sequence

from modelyard_runtime.data.table import Column
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent

#: A column of more categories is not asked for by the names of its values.
MAX_NAMED_CATEGORIES = 50
FEW_VALUES = 20

_STATED, _SPELLED, _COVERAGE, _HEAD = 1.5, 1.3, 0.65, 0.35
#: What a column loses that a request gives.
_AS_INPUT = 0.5
_GENERIC_WEIGHT, _UNIT_WEIGHT = 0.15, 0.05
_ALL_VALUES, _TWO_VALUES, _ONE_VALUE = 1.1, 0.9, 0.45
#: How far a column of another kind than the answer still fits.
_OTHER_KIND = 0.5
#: Text of more values than classes are learnt is hardly meant.
_MOST_CLASSES, _UNLEARNABLE = 200, 0.4
#: Letters of a category that may stand for a word of the intent.
_SHORT_CATEGORY = 3
#: Parts of a name that an intent may spell apart, and letters below which that is chance.
_MOST_PARTS, _SHORTEST, _SHORTEST_WITH_DIGITS = 4, 3, 2
_INSIDE = 4


def points(intent: Intent, column: Column, inputs: set[str]) -> float:
    """What speaks for a column; those that a request gives are less likely meant."""
    given = column.name in inputs
    if _stated(intent, column.name):
        return _STATED - _AS_INPUT * given
    if _spelled_out(intent, column.name):
        return _SPELLED - _AS_INPUT * given
    name, values = _name_points(intent, column.name), _value_points(intent, column)
    evidence = max(name, values) + 0.3 * min(name, values)
    if evidence == 0:
        return 0.0
    evidence *= _kind_factor(intent, column)
    if column.type == "string" and column.distinct > _MOST_CLASSES:
        evidence *= _UNLEARNABLE
    bonus = _type_points(intent, column)
    if intent.head is not None and lexicon.likeness(last(column.name), intent.head) > 0:
        bonus += 0.12
    if inputs:
        bonus += -0.6 if given else 0.2
    if is_identifier(column):
        bonus -= 0.5
    return evidence + bonus


def last(name: str) -> str:
    """The word that a name is about: its last one that says something."""
    tokens = lexicon.name_words(name) or [name]
    for wanted in (_telling, _no_unit):
        found = [token for token in tokens if wanted(token)]
        if found:
            return found[-1]
    return tokens[-1]


def is_identifier(column: Column) -> bool:
    """Whether a column numbers or names its rows."""
    tokens = set(lexicon.words(column.name))
    unique = column.type != "float" and column.distinct > 0.95 * max(1, column.known)
    return bool(tokens & {"id", "uuid", "guid", "key", "index", "no", "nr"}) and unique


def named_categories(intent: Intent, categories: Sequence[str]) -> list[str]:
    """The categories whose words all stand in the intent, in the order of the intent."""
    spoken = intent.stems
    found = []
    for category in categories:
        tokens = [token for token in lexicon.words(category) if token not in lexicon.STOPWORDS]
        keys = [lexicon.stem(token) for token in tokens]
        if keys and all(key in spoken for key in keys) and not all(k.isdigit() for k in keys):
            found.append((spoken.index(keys[0]), category))
    return [category for _, category in sorted(found)]


def is_measured(column: Column) -> bool:
    """Whether a column is a quantity rather than a choice of a few."""
    return column.type in {"integer", "float"} and column.distinct > FEW_VALUES


def _telling(token: str) -> bool:
    return not (lexicon.is_generic(token) or token.isdigit())


def _no_unit(token: str) -> bool:
    return not (token in lexicon.UNITS or token.isdigit())


def _stated(intent: Intent, name: str) -> bool:
    """A name with an underscore, which nobody writes by chance, or ``name = value``."""
    spelled = re.escape(name)
    if "_" in name and re.search(rf"(?<!\w){spelled}(?!\w)", intent.text, re.IGNORECASE):
        return True
    return re.search(rf"(?<!\w){spelled}\s*==?\s*\S", intent.text, re.IGNORECASE) is not None


def _spelled_out(intent: Intent, name: str) -> bool:
    """Whether a name of several parts stands in the intent, as ``pm25`` in “PM2.5”, or is the
    initials of words in it, as ``rul`` of “remaining useful life”.
    """
    tokens, spoken = lexicon.words(name), intent.words
    whole = "".join(tokens)
    if any(token.isdigit() for token in tokens):
        parts = range(2, _MOST_PARTS + 1)
        runs = ("".join(spoken[i : i + n]) for n in parts for i in range(len(spoken) - n + 1))
        return len(whole) >= _SHORTEST_WITH_DIGITS and whole in runs
    return len(tokens) == 1 and len(whole) >= _SHORTEST and _is_initials(whole, intent.asked)


def _is_initials(name: str, spoken: Sequence[str]) -> bool:
    """Also in another order: ``lfp`` is “participating in the labor force”."""
    initials = "".join(word[0] for word in spoken)
    runs = (initials[i : i + len(name)] for i in range(len(initials) - len(name) + 1))
    return any(sorted(run) == sorted(name) for run in runs)


def _name_points(intent: Intent, name: str) -> float:
    tokens = lexicon.name_words(name)
    if not tokens:
        return 0.0
    weights = [_weight(token) for token in tokens]
    found = [max(intent.likeness(token), _inside(intent, token)) for token in tokens]
    coverage = sum(w * f for w, f in zip(weights, found, strict=True)) / sum(weights)
    return _COVERAGE * coverage + _HEAD * found[tokens.index(last(name))]


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


def _value_points(intent: Intent, column: Column) -> float:
    """Categories that the intent names, as in ``malignant or benign``."""
    if column.type != "string" or len(column.categories) > MAX_NAMED_CATEGORIES:
        return 0.0
    named = named_categories(intent, column.categories)
    if len(named) > 1:
        return _ALL_VALUES if len(named) == len(column.categories) else _TWO_VALUES
    if intent.alternatives and _shortened(intent, column.categories) > len(column.categories) / 2:
        return _TWO_VALUES
    return _ONE_VALUE if named else 0.0


def _shortened(intent: Intent, categories: Sequence[str]) -> int:
    """How many categories begin like a word of the intent, as ``WinF`` and “window”."""
    starts = [tokens[0] for category in categories if (tokens := lexicon.words(category))]
    return sum(
        len(start) >= _SHORT_CATEGORY and any(word.startswith(start) for word in intent.weights)
        for start in starts
    )


def _kind_factor(intent: Intent, column: Column) -> float:
    """Yes and no are no quantity, and a measurement answers no yes-or-no question."""
    two = column.distinct <= 2  # noqa: PLR2004 - two values
    if intent.quantity:
        return _OTHER_KIND if two else 1.0
    return _OTHER_KIND if intent.whether and is_measured(column) else 1.0


def _type_points(intent: Intent, column: Column) -> float:
    measured = is_measured(column)
    if intent.quantity:
        return 0.1 if measured else -0.15 if column.type == "string" else 0.0
    if intent.kind or intent.whether:
        return -0.15 if measured and column.type == "float" else 0.0 if measured else 0.1
    return 0.0
