"""Whether the values of a column can be an answer to what an intent asks.

Called by ``evidence``.
"""

from modelyard_runtime.data.table import Column
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.values import FEW_VALUES, is_measured, is_whole

TWO, MOST_CLASSES, MANY_TEXTS = 2, 200, 50
#: What answers “how likely” with a number.
_CHANCES = frozenset({"chance", "probability", "prob", "likelihood", "odds"})


def of_kind(intent: Intent, column: Column) -> dict[str, float]:
    """How the values of a column answer such a question."""
    text, two = column.type == "string", column.distinct == TWO
    measured = is_measured(column)
    number = intent.wants_number and not (
        intent.quantity or intent.asks_whether or intent.asks_class
    )
    return {
        "quantity_measured": intent.quantity and measured,
        "number_of_text": number and text,
        "whether_of_two": intent.asks_whether and two,
        "whether_measured": intent.asks_whether and measured and not _is_chance(column),
        "unlearnable": (text and column.distinct > MOST_CLASSES) or column.type == "datetime",
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
