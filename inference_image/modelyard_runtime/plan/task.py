"""What kind of prediction the target is, what is optimised, and which class is the positive one."""

import math
from collections.abc import Sequence

from modelyard_crds.fields import FieldSchema, Metric
from modelyard_crds.plan import Kind, Task
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.values import is_whole, named_categories

CLASSIFICATION: tuple[Metric, ...] = (
    *("accuracy", "balanced_accuracy", "f1_score", "precision", "recall", "roc_auc", "log_loss"),
)
REGRESSION: tuple[Metric, ...] = ("r2", "rmse", "mae", "mape")
MIN_ROWS = 10
MIN_PER_CLASS = 2
#: Rows whose class has too few examples are left out where they are no larger a share.
MOST_LEFT_OUT = 0.05
MAX_CLASSES = 200
#: Whole numbers of so few values may be classes, where something speaks for it.
FEW_NUMBERS = 20
VERY_FEW_NUMBERS = 5
RARE_CLASS = 0.1
#: Numbers of a column with such a name stand for kinds.
_CLASS_WORDS = frozenset(
    {"class", "label", "category", "type", "kind", "species", "segment", "cluster", "group"}
)

_POSITIVE = ("true", "1", "yes", "y", "t", "positive", "pos", "success", "good")
_PROBABILITY = frozenset({"prob", "probability", "proba", "likelihood", "risk", "score", "chance"})


def expect_learnable(target: Column) -> None:
    """Raise UserError where the target cannot be learnt, whatever the task."""
    if target.unreadable:
        raise UserError(
            Reason.TYPE_MISMATCH,
            f"The target {target.name!r} is numbers but for {target.unreadable} cells, the first "
            f"in row {target.unreadable_row}: correct or empty them, or state its type in the "
            "output schema.",
        )
    if target.known == 0:
        raise UserError(
            Reason.TOO_FEW_EXAMPLES,
            f"The target {target.name!r} has no value in any row: fill it in.",
        )
    if target.distinct == 1:
        raise UserError(
            Reason.CONSTANT_TARGET,
            f"The target {target.name!r} has the same value in every row: there is nothing to "
            "predict. Add rows with other values, or choose another column.",
        )
    if target.known < MIN_ROWS:
        raise UserError(
            Reason.TOO_FEW_ROWS,
            f"The target {target.name!r} has a value in {target.known} rows, at least {MIN_ROWS} "
            "are needed: add rows.",
        )


def decide_task(
    target: Column,
    intent: Intent,
    field: FieldSchema | None,
    metric: Metric | None,
    stated: Kind | None = None,
) -> Task:
    """Binary, multiclass or regression; what is stated wins where the values allow it.

    Raises UserError where the target is of no kind that is built.
    """
    if target.type == "datetime":
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"The target {target.name!r} is a date: dates are not predicted. Add a column with a "
            "number, such as the days until then, and predict that.",
        )
    if stated not in {None, "classification"}:
        return _stated_number(target, stated)
    if stated or target.type in {"string", "boolean"}:
        return "binary" if target.distinct == 2 else "multiclass"  # noqa: PLR2004 - two classes
    return _task_of_number(target, intent, field, metric)


def _stated_number(target: Column, stated: Kind | None) -> Task:
    if target.type in {"string", "boolean"}:
        raise UserError(
            Reason.TYPE_MISMATCH,
            f"spec.plan.task is {stated}, but {target.name!r} is no number: choose classification, "
            "or another column.",
        )
    return "regression"


def _task_of_number(
    target: Column, intent: Intent, field: FieldSchema | None, metric: Metric | None
) -> Task:
    if metric in REGRESSION:
        return "regression"
    if target.distinct == 2:  # noqa: PLR2004 - two classes
        return "binary"
    if not is_whole(target) or target.distinct > MAX_CLASSES:
        return "regression"
    if metric in CLASSIFICATION:
        return "multiclass"
    stated_float = field is not None and field.type == "float" and not is_probability(field.name)
    few = target.distinct <= VERY_FEW_NUMBERS
    how_much = intent.quantity and not (few and intent.kind)
    if how_much or stated_float or target.distinct > FEW_NUMBERS:
        return "regression"
    classes = intent.kind or not _CLASS_WORDS.isdisjoint(lexicon.words(target.name))
    return "multiclass" if classes or few else "regression"


def is_probability(name: str) -> bool:
    """Whether a field's name asks for a probability rather than for the value itself."""
    return bool(set(lexicon.words(name)) & _PROBABILITY)


def rare_classes(target: Column) -> list[str]:
    """Classes of too few examples that can be left out: few rows, and classes enough without."""
    counts = target.label_counts
    rare = [label for label, count in counts.items() if count < MIN_PER_CLASS]
    lost = sum(counts[label] for label in rare)
    left = len(counts) - len(rare)
    return rare if left > 1 and lost <= MOST_LEFT_OUT * target.known else []


def expect_classes(target: Column) -> list[str]:
    """The classes in the order of their probabilities.

    Raises UserError naming a class with too few examples.
    """
    counts = target.label_counts
    rare = [label for label, count in counts.items() if count < MIN_PER_CLASS]
    if rare or len(counts) > MAX_CLASSES:
        _expect_no_words_among_numbers(target)
    if len(counts) > MAX_CLASSES:
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"The target {target.name!r} has {len(counts)} different values, at most "
            f"{MAX_CLASSES} classes are learnt: group them, or choose another column.",
        )
    if rare:
        raise UserError(
            Reason.TOO_FEW_EXAMPLES,
            f"The class {rare[0]!r} of {target.name!r} has one example, at least {MIN_PER_CLASS} "
            "are needed: add rows of it, or merge it with another class."
            + (f" {len(rare) - 1} other classes have one as well." if len(rare) > 1 else ""),
        )
    if target.type == "string":
        return sorted(counts)
    # Numbers and booleans come in the order of their values.
    return list(counts)


def _expect_no_words_among_numbers(target: Column) -> None:
    """Raise UserError for numbers that words have made a text: as classes they mean nothing."""
    if target.type != "string":
        return
    counts = target.label_counts
    numbers = [label for label in counts if _is_number(label)]
    words = sum(count for label, count in counts.items() if not _is_number(label))
    if len(numbers) > max(FEW_NUMBERS, len(counts) / 2) and words:
        raise UserError(
            Reason.TYPE_MISMATCH,
            f"The target {target.name!r} has numbers in {target.known - words} rows and words in "
            f"{words}: correct or empty the cells with words, so that rows without a number are "
            "left out.",
        )


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def decide_metric(task: Task, target: Column, stated: Metric | None) -> Metric:
    """What is optimised.

    Raises UserError where the stated metric is of another task.
    """
    fitting = REGRESSION if task == "regression" else CLASSIFICATION
    if stated is not None:
        if stated not in fitting:
            raise UserError(
                Reason.UNSUPPORTED_METRIC,
                f"The metric {stated!r} does not fit {task} of {target.name!r}: choose one of "
                f"{', '.join(fitting)}.",
            )
        return stated
    if task == "regression":
        return "r2"
    if task == "binary":
        return "roc_auc"
    counts = target.label_counts
    share = min(counts.values()) / target.known
    return "f1_score" if share < RARE_CLASS / len(counts) else "accuracy"


def decide_positive(
    classes: Sequence[str], target: Column, intent: Intent, fields: Sequence[FieldSchema]
) -> str:
    """The class whose probability is asked for: named, or true, or the rarer one."""
    spoken = {stem for field in fields for stem in lexicon.stems(field.name)}
    by_schema = [label for label in classes if set(lexicon.stems(label)) & spoken]
    if len(by_schema) == 1:
        return by_schema[0]
    named = named_categories(intent, classes)
    if named:
        return named[0]
    by_name = [
        label for label in classes if set(lexicon.stems(label)) & set(lexicon.stems(target.name))
    ]
    if len(by_name) == 1:
        return by_name[0]
    by_word = [label for word in _POSITIVE for label in classes if label.strip().lower() == word]
    if by_word:
        return by_word[0]
    return min(classes, key=lambda label: (target.label_counts[label], label))
