"""What the values of a column say: categories that an intent names, and what they can answer.

Called by ``evidence``, ``matcher``, ``target`` and ``task``.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from modelyard_runtime.data.table import Column
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.abbreviations import composed
from modelyard_runtime.plan.intent import Intent

#: A column of more categories is not asked for by the names of its values.
_MOST_NAMED = 50
FEW_VALUES = 20
#: The least letters of a category that is the initials of words of the intent ...
_SHORT_CATEGORY = 3
#: ... and the most that a category of initials has.
_MOST_LETTERS = 6
#: How surely a category is put together of two words.
_PUT_TOGETHER = 0.99


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
    return says_yes_or_no(column.label_counts)


def says_yes_or_no(labels: Iterable[str]) -> bool:
    """Whether all of some values are words for yes or no."""
    return lexicon.YES_OR_NO.issuperset(label.strip(" .").lower() for label in labels)


def share_named(intent: Intent, column: Column) -> float:
    """The share of a column's categories that the intent names, where it is two or more."""
    if column.type != "string" or len(column.categories) > _MOST_NAMED:
        return 0.0
    named = named_categories(intent, column.categories)
    return len(named) / len(column.categories) if len(named) > 1 else 0.0


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
