"""Whether the values of a column can be an answer to what an intent asks.

Called by ``evidence``.
"""

import re

from modelyard_runtime.data.table import Column
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.values import FEW_VALUES, is_measured, is_whole

TWO, MOST_CLASSES, MANY_TEXTS = 2, 200, 50
#: A column with a value in fewer rows is filled in for a few of them only.
_SPARSE = 0.5
#: What answers “how likely” with a number.
_CHANCES = frozenset({"chance", "probability", "prob", "likelihood", "odds"})
_COUNTED = re.compile(
    r"\b(?P<number>\d+|two|three|four|five|six|seven|eight|nine|ten)"
    r"[ -](?:\w+[ -])?(?:categor|class|group|level|grade|band|segment|type|kind|"
    r"tier|step|stage|bracket)",
    re.IGNORECASE,
)
_SCALE = re.compile(
    r"\b(?P<least>\d+|one|two|three|four|five)(?: ?(?:-|\u2013|to) ?)(?P<most>\d+|five|ten)\b|"
    r"\b(?P<points>\d+|three|four|five|six|seven|ten)[ -](?:point|star)s?\b",
    re.IGNORECASE,
)


def of_kind(intent: Intent, column: Column) -> dict[str, float]:
    """How the values of a column answer such a question."""
    text, two = column.type == "string", column.distinct == TWO
    measured = is_measured(column)
    number = intent.wants_number and not (
        intent.quantity or intent.asks_whether or intent.asks_class
    )
    return {
        "quantity_of_two": intent.quantity and two,
        "quantity_of_text": intent.quantity and text and not two,
        "quantity_measured": intent.quantity and measured,
        "number_measured": number and measured,
        "number_of_text": number and text,
        "whether_of_two": intent.asks_whether and two,
        "whether_of_many": intent.asks_whether and not two and not measured,
        "whether_measured": intent.asks_whether and measured and not _is_chance(column),
        "class_of_few": intent.asks_class and _has_classes(column),
        "class_measured": intent.asks_class and measured,
        "counted": _is_counted(intent, column),
        "sparse": column.known < _SPARSE * len(column.values),
        "unlearnable": (text and column.distinct > MOST_CLASSES) or column.type == "datetime",
        "many_texts": _has_many_texts(column),
    }


def fits(intent: Intent, column: Column) -> bool:
    """Whether a column has the two values, or the classes, that are asked for."""
    two = intent.asks_whether and column.distinct == TWO
    return two or (intent.asks_class and _has_classes(column) and not _has_many_texts(column))


def _has_classes(column: Column) -> bool:
    few = is_whole(column) and column.distinct <= FEW_VALUES // 2
    return column.type == "string" or column.distinct == TWO or few


def _has_many_texts(column: Column) -> bool:
    return column.type == "string" and column.distinct > MANY_TEXTS


def _is_chance(column: Column) -> bool:
    return not _CHANCES.isdisjoint(lexicon.words(column.name))


def _is_counted(intent: Intent, column: Column) -> bool:
    """Whether the intent says how many values there are, or from where to where they go."""
    # Two values are no scale.
    if not TWO < column.distinct <= FEW_VALUES:
        return False
    counts = {_number(found["number"]) for found in _COUNTED.finditer(intent.text)}
    if column.distinct in counts:
        return True
    if not is_whole(column):
        return False
    known = column.values[~column.missing]
    return any(
        int(known.max()) == _number(found["most"] or found["points"])
        and int(known.min()) == _number(found["least"] or "1")
        for found in _SCALE.finditer(intent.text)
    )


def _number(word: str) -> int:
    return int(lexicon.stem(word.lower()))
