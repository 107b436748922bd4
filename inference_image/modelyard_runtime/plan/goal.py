"""One target of a plan: its task, metric, classes and positive class.

Called by ``plan`` for each column that is predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from modelyard_crds.fields import FieldSchema, FieldType, Metric
from modelyard_crds.plan import PlanOverrides, Task
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.quantiles import (
    USUAL_INTERVAL,
    Spoken,
    decide_quantiles,
    field_ask,
)
from modelyard_runtime.plan.task import (
    decide_metric,
    decide_positive,
    decide_task,
    expect_classes,
    expect_learnable,
    rare_classes,
)

MAX_LISTED = 10
_PAIR = 2
_NUMBERS = frozenset({"integer", "float"})


@dataclass(frozen=True)
class Goal:
    """What is learnt of one column, and how it is judged."""

    target: str
    target_type: FieldType
    task: Task
    metric: Metric
    classes: list[str]
    positive_class: str | None
    #: Quantiles of a number that are predicted beside it, ascending, and those that are its bounds.
    quantiles: tuple[float, ...] = ()
    interval: tuple[float, float] = USUAL_INTERVAL


class Decided(NamedTuple):
    """A goal, its column by the type of its labels, and what a person should know of it."""

    goal: Goal
    column: Column
    warnings: tuple[str, ...]


def decide_goal(
    column: Column,
    fields: Sequence[FieldSchema],
    intent: Intent,
    metric: Metric | None,
    stated: PlanOverrides,
    spoken: Spoken,
) -> Decided:
    """The goal of a column, and the column by the type that its labels come back as.

    Raises UserError where it cannot be learnt so.
    """
    expect_learnable(column)
    column = _as_asked(column, fields)
    own = next((item for item in fields if item.name == column.name), None)
    kind = stated.task
    if kind is None and column.type in _NUMBERS and column.distinct > _PAIR:
        asks = stated.quantiles or spoken.levels or any(_asks(item, column) for item in fields)
        kind = "regression" if asks else None
    task = decide_task(column, intent, own, metric, kind)
    rare = [] if task == "regression" else rare_classes(column)
    if rare:
        column = column.without(rare)
        task = "binary" if column.distinct == _PAIR else "multiclass"
    chosen = decide_metric(task, column, metric)
    classes = [] if task == "regression" else expect_classes(column)
    positive = None
    if task == "binary":
        positive = _stated_positive(column, classes, stated.positive_class) or decide_positive(
            classes, column, intent, fields
        )
    goal = Goal(column.name, column.type, task, chosen, classes, positive)
    if task != "regression":
        return Decided(goal, column, _left_out(column.name, rare))
    levels, warnings, interval = decide_quantiles(column, fields, stated.quantiles, spoken)
    return Decided(replace(goal, quantiles=levels, interval=interval), column, warnings)


def _left_out(name: str, rare: Sequence[str]) -> tuple[str, ...]:
    if not rare:
        return ()
    shown = ", ".join(repr(label) for label in rare[:MAX_LISTED])
    more = f" and {len(rare) - MAX_LISTED} more" if len(rare) > MAX_LISTED else ""
    return (
        f"Rows of {name!r} with a class of one example were left out, so it is never predicted: "
        f"{shown}{more}. Add rows of it, or merge it with another class.",
    )


def with_goals(table: Table, goals: Sequence[Goal]) -> Table:
    """The table without values of targets that are none of the classes learnt."""
    columns = {goal.target: _learnt(table.by_name[goal.target], goal) for goal in goals}
    if all(table.by_name[name] is column for name, column in columns.items()):
        return table
    return Table(
        tuple(columns.get(column.name, column) for column in table.columns),
        table.rows,
        table.warnings,
    )


def _learnt(column: Column, goal: Goal) -> Column:
    others = set(column.as_type(goal.target_type).label_counts) - set(goal.classes)
    return column.without(others) if goal.classes and others else column


def _asks(field: FieldSchema, column: Column) -> bool:
    return field_ask(field.name, column.name) is not None


def _as_asked(target: Column, fields: Sequence[FieldSchema]) -> Column:
    """The target by the type that its labels come back as.

    0 and 1 are false and true where the output schema asks for a boolean; yes and no stay the
    words that they are where it does not.
    """
    asked = any(item.type == "boolean" for item in fields)
    if target.type == "integer" and set(target.label_counts) == {"0", "1"}:
        return target.as_type("boolean") if asked else target
    if target.type != "boolean" or target.spelled is None or asked:
        return target
    plain = [word.lower() for word in target.spelled] == ["false", "true"]
    return target if plain else target.as_type("string")


def _stated_positive(target: Column, classes: Sequence[str], stated: str | None) -> str | None:
    if stated is None:
        return None
    wanted = stated.strip().lower()
    found = [label for label in classes if label.lower() == wanted]
    if not found:
        raise UserError(
            Reason.UNKNOWN_FIELD,
            f"spec.plan.positiveClass is {stated!r}, which is no value of {target.name!r}: choose "
            f"one of {', '.join(repr(label) for label in classes[:MAX_LISTED])}.",
        )
    return found[0]
