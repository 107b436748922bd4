"""What the values of a column say: categories that an intent names, and what they can answer.

Called by ``evidence``, ``target`` and ``task``.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from modelyard_runtime.data.table import Column
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.abbreviations import composed
from modelyard_runtime.plan.intent import Intent

#: A column of more categories is not asked for by the names of its values.
MAX_NAMED_CATEGORIES = 50
FEW_VALUES = 20
#: Letters of a category that may stand for a word of the intent.
_SHORT_CATEGORY = 3
#: Categories of one letter, of which an intent spells out two: M and F of male or female.
_MOST_LETTERS = 6
_LETTER = re.compile(r"\b[A-Z]\b")
_LETTERS = re.compile(r"\b(?P<first>[A-Z]) ?(?:-|\u2013|to) ?(?P<last>[A-Z])\b")
#: How surely a category is put together of two words.
_PUT_TOGETHER = 0.99
#: How sure a word for a category is at least.
_ALIKE = 0.8


def is_identifier(column: Column) -> bool:
    """Whether a column numbers or names its rows."""
    tokens = set(lexicon.words(column.name))
    if tokens & {"id", "uuid", "guid"}:
        return True
    unique = column.type != "float" and column.distinct > 0.95 * max(1, column.known)
    return bool(tokens & {"key", "index", "no", "nr", "number", "num"}) and unique


def is_measured(column: Column) -> bool:
    """Whether a column is a quantity rather than a choice of a few."""
    return column.type in {"integer", "float"} and column.distinct > FEW_VALUES


def is_whole(column: Column) -> bool:
    """Whether a column has whole numbers, also where empty cells made them 3.0."""
    if column.type != "float":
        return column.type == "integer"
    known = column.values[~column.missing]
    return bool((known == np.round(known)).all())


def is_flag(column: Column) -> bool:
    """Whether a column says yes or no."""
    if column.type == "boolean":
        return True
    if column.distinct != 2:  # noqa: PLR2004 - two values
        return False
    values = {label.strip(" .").lower() for label in column.label_counts}
    return values <= lexicon.YES_OR_NO


def named_values(intent: Intent, column: Column) -> dict[str, float]:
    """Categories that the intent names, as in ``malignant or benign``."""
    if column.type != "string" or len(column.categories) > MAX_NAMED_CATEGORIES:
        return {}
    named = named_categories(intent, column.categories)
    if len(named) <= 1 and intent.alternatives:
        named = _by_letters(intent, column.categories) or named
    if _are_listed_letters(intent, column.categories):
        named = list(column.categories)
    if len(named) > 1:
        every = len(named) == len(column.categories)
        kind = "every_value" if every else "two_values"
        return {kind: 1.0, "alternatives": float(intent.alternatives)}
    alike = _alike(intent, column)
    few = len(alike) < 2  # noqa: PLR2004 - alternatives are two
    if few and intent.alternatives and _are_shortened(intent, column.categories):
        return {"shortened": 1.0}
    most = len(alike) > 1 and len(alike) / len(column.categories)
    one = bool(named or alike)
    return {
        "one_value": float(bool(named)),
        "one_of_two": float(one and len(column.categories) == 2),  # noqa: PLR2004 - two values
        "most_values": float(most),
        "alternatives": float(bool(most) and intent.alternatives),
    }


def _alike(intent: Intent, column: Column) -> list[str]:
    """The categories of which the goal says a word that is theirs alone, or one for it: junk."""
    spoken = [word for word in intent.goal_words if word not in lexicon.STOPWORDS]
    known = {lexicon.stem(token) for token in lexicon.words(column.name)} | lexicon.STOPWORDS
    tokens = {
        category: {
            token
            for token in lexicon.words(category)
            if len(token) >= _SHORT_CATEGORY and known.isdisjoint({token, lexicon.stem(token)})
        }
        for category in column.categories
    }
    counts = Counter(token for own in tokens.values() for token in own)
    return [
        category
        for category, own in tokens.items()
        if any(
            counts[token] == 1
            and (lexicon.likeness(token, word) >= _ALIKE or _is_clipped(word, token))
            for token in own
            for word in spoken
        )
    ]


def _is_clipped(word: str, token: str) -> bool:
    """Whether a word is the beginning of a category: neg of negative."""
    return len(word) == _SHORT_CATEGORY and token.startswith(word)


def _are_listed_letters(intent: Intent, categories: Sequence[str]) -> bool:
    """Whether categories are letters that the intent lists, also from one to another: A-D."""
    if not 1 < len(categories) <= _MOST_LETTERS or any(
        len(category) != 1 or not category.isupper() for category in categories
    ):
        return False
    spoken = {*_LETTER.findall(intent.text)}
    ranges = {(found["first"], found["last"]) for found in _LETTERS.finditer(intent.text)}
    return spoken >= {*categories} or (min(categories), max(categories)) in ranges


def named_categories(intent: Intent, categories: Sequence[str]) -> list[str]:
    """The categories whose words all stand in the intent, in the order of the intent."""
    spoken = [lexicon.root(word) for word in intent.words]
    found = []
    for category in categories:
        tokens = [token for token in lexicon.words(category) if token not in lexicon.STOPWORDS]
        keys = [lexicon.root(token) for token in tokens]
        if keys and all(key in spoken for key in keys) and not all(k.isdigit() for k in keys):
            found.append((spoken.index(keys[0]), category))
        elif category.isupper() and (place := _shortened_at(intent.words, category)) is not None:
            found.append((place, category))
    return [category for _, category in sorted(found)]


def _shortened_at(spoken: Sequence[str], category: str) -> int | None:
    """Where neighbouring words stand of which a category is the initials or put together: ``PIF``
    of “paid in full”, ``CHGOFF`` of “charged off”.
    """
    short = "".join(lexicon.words(category))
    if not _SHORT_CATEGORY <= len(short) <= _MOST_LETTERS or not short.isalpha():
        return None
    if short in spoken:
        return spoken.index(short)
    initials = "".join(word[0] for word in spoken)
    if short in initials:
        return initials.index(short)
    pairs = [(i, spoken[i : i + 2]) for i in range(len(spoken) - 1)]
    return next((i for i, pair in pairs if composed(short, pair) >= _PUT_TOGETHER), None)


def _by_letters(intent: Intent, categories: Sequence[str]) -> list[str]:
    """Categories of which the intent says all but their numbers, as two words of it at least:
    heinz or hunts of ``heinz28``, ``heinz32`` and ``hunts32``.
    """
    letters = {
        category: " ".join(word for word in lexicon.words(category) if not word.isdigit())
        for category in categories
    }
    named = named_categories(intent, list(dict.fromkeys(letters.values())))
    return [one for one, word in letters.items() if word in named] if len(named) > 1 else []


def _are_shortened(intent: Intent, categories: Sequence[str]) -> bool:
    """Whether most categories begin like a word of the intent, as ``WinF`` and “window”."""
    starts = [tokens[0] for category in categories if (tokens := lexicon.words(category))]
    found = sum(
        len(start) >= _SHORT_CATEGORY and any(word.startswith(start) for word in intent.weights)
        for start in starts
    )
    return found > len(categories) / 2 or _are_initials(intent, starts)


def _are_initials(intent: Intent, letters: Sequence[str]) -> bool:
    known = set(letters)
    if len(known) > _MOST_LETTERS or any(len(letter) != 1 for letter in letters):
        return False
    words = intent.words
    choices = [(words[i - 1], words[i + 1]) for i in range(1, len(words) - 1) if words[i] == "or"]
    return any(len({a[0], b[0]} & known) > 1 for a, b in choices)
