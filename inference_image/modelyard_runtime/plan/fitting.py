"""Whether the values of a column can be an answer to what an intent asks.

Called by ``evidence``.
"""

import re

from modelyard_runtime.data.table import Column
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.values import FEW_VALUES, is_measured, is_whole

MOST_CLASSES, MANY_TEXTS = 200, 50
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


def wants_number(intent: Intent) -> bool:
    """Whether the noun that is asked for is a quantity."""
    asked = {*intent.noun, *intent.subjects, intent.head, intent.predicate}
    known = {lexicon.stem(word) for word in lexicon.QUANTITIES}
    return any(word and lexicon.stem(word) in known for word in asked)


def of_kind(intent: Intent, column: Column, *, is_last: bool) -> dict[str, float]:
    """How the values of a column answer such a question."""
    text, two = column.type == "string", column.distinct == 2  # noqa: PLR2004 - two values
    measured = is_measured(column)
    classes = text or two or (is_whole(column) and column.distinct <= FEW_VALUES // 2)
    asks_class = intent.kind and not intent.quantity
    asks_whether = intent.whether and not intent.quantity
    number = intent.quantity or (wants_number(intent) and not asks_whether and not asks_class)
    many = text and column.distinct > MANY_TEXTS
    return {
        "quantity_of_two": intent.quantity and two,
        "quantity_of_text": intent.quantity and text and not two,
        "quantity_measured": intent.quantity and measured,
        "number_measured": number and not intent.quantity and measured,
        "number_of_text": number and not intent.quantity and text,
        "whether_of_two": asks_whether and two,
        "whether_of_many": asks_whether and not two and not measured,
        "whether_measured": asks_whether and measured and not _is_chance(column),
        "class_of_few": asks_class and classes,
        "class_measured": asks_class and measured,
        "last_fits": is_last and ((asks_whether and two) or (asks_class and classes and not many)),
        "counted": _is_counted(intent, column),
        "sparse": column.known < _SPARSE * len(column.values),
        "unlearnable": (text and column.distinct > MOST_CLASSES) or column.type == "datetime",
        "many_texts": many,
    }


def _is_chance(column: Column) -> bool:
    return not _CHANCES.isdisjoint(lexicon.words(column.name))


def _is_counted(intent: Intent, column: Column) -> bool:
    """Whether the intent says how many values there are, or from where to where they go."""
    if not 2 < column.distinct <= FEW_VALUES:  # noqa: PLR2004 - two are no scale
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
