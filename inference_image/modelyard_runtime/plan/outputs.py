"""What a prediction consists of: the fields of the output schema, or those that suit the task.

The rules are those of the REST contract: a field named as a probability is one, text and whole
numbers are the class, a number of a regression is the value.
"""

from collections.abc import Sequence
from typing import NamedTuple

from modelyard_crds.build import Output
from modelyard_crds.fields import FieldSchema
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column
from modelyard_runtime.errors import UserError
from modelyard_runtime.features import BOOLEAN_WORDS
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.goal import Goal
from modelyard_runtime.plan.quantiles import field_ask, quantile_field, quantile_meaning
from modelyard_runtime.plan.task import is_probability
from modelyard_runtime.plan.unbuilt import asks_for_spread


class Outputs(NamedTuple):
    """The fields of a prediction and where each comes from."""

    fields: list[FieldSchema]
    sources: list[Output]


def decide_outputs(
    goals: Sequence[Goal], targets: Sequence[Column], stated: Sequence[Sequence[FieldSchema]]
) -> Outputs:
    """The outputs of a model: of each goal the fields that are stated for it, else its own.

    Raises UserError where a stated field cannot be what its type says.
    """
    pairs = [
        (field, source.model_copy(update={"target": goal.target if len(goals) > 1 else None}))
        for goal, target, fields in zip(goals, targets, stated, strict=True)
        for field, source in _of_goal(goal, target, fields)
    ]
    return Outputs([field for field, _ in pairs], [source for _, source in pairs])


def _of_goal(
    goal: Goal, target: Column, stated: Sequence[FieldSchema]
) -> list[tuple[FieldSchema, Output]]:
    if stated:
        pairs = [_stated(field, goal, target, stated) for field in stated]
        shown = {source.quantile for _, source in pairs}
        return pairs + [_quantile(goal, q) for q in goal.quantiles if q not in shown]
    field = FieldSchema(name=target.name, type=target.type)
    if goal.task == "regression":
        field = FieldSchema(name=target.name, type="float")
        value = (field, Output(name=target.name, source="value"))
        return [value, *(_quantile(goal, level) for level in goal.quantiles)]
    main = Output(name=target.name, source="class")
    if goal.task == "binary":
        name = f"{target.name}_probability"
        description = f"Probability that {target.name} is {goal.positive_class}."
        source = Output(name=name, source="probability", label=goal.positive_class)
    else:
        name = f"{target.name}_probabilities"
        description = "Probability of each class, by its name."
        source = Output(name=name, source="probabilities")
    more = FieldSchema(name=name, type="float", description=description)
    return [(field, main), (more, source)]


def _quantile(
    goal: Goal, level: float, field: FieldSchema | None = None
) -> tuple[FieldSchema, Output]:
    field = field or FieldSchema(name=quantile_field(goal.target, level), type="float")
    meaning = field.description or quantile_meaning(goal.target, level)
    source = Output(name=field.name, source="quantile", quantile=level)
    return field.model_copy(update={"description": meaning}), source


def _stated(
    field: FieldSchema, goal: Goal, target: Column, fields: Sequence[FieldSchema]
) -> tuple[FieldSchema, Output]:
    classes, positive = goal.classes, goal.positive_class
    if field.type == "datetime":
        raise _mismatch(field, "a date", "a number, a text or a boolean")
    if goal.task == "regression":
        ask = field_ask(field.name, target.name)
        if ask is None and asks_for_spread(field.name, target.name):
            raise _no_spread(field, target)
        if field.type not in {"float", "integer"}:
            raise _mismatch(field, f"a {field.type}", f"float, as {target.name!r} is a number")
        if ask is not None:
            return _quantile(goal, ask.within(goal.interval), field)
        return field, Output(name=field.name, source="value")
    if field.type == "float" and (is_probability(field.name) or target.type == "string"):
        return _probability(field, target, _label_of(field.name, classes, positive, fields))
    wrong = [label for label in classes if not _fits(label, field.type)]
    if wrong:
        raise _mismatch(field, f"a {field.type}", f"string, as {wrong[0]!r} is one of its values")
    return field, Output(name=field.name, source="class")


def _probability(
    field: FieldSchema, target: Column, label: str | None
) -> tuple[FieldSchema, Output]:
    if label is None:
        output = Output(name=field.name, source="confidence")
        described = f"Probability that the predicted {target.name} is right."
    else:
        output = Output(name=field.name, source="probability", label=label)
        described = f"Probability that {target.name} is {label}."
    return field.model_copy(update={"description": field.description or described}), output


def _label_of(
    name: str, classes: Sequence[str], positive: str | None, fields: Sequence[FieldSchema]
) -> str | None:
    """The class whose probability a field is: the one it names, else the positive one.

    A risk beside a probability is that of the other outcome. Among more than two classes none is
    positive: a field that names none means whichever is predicted.
    """
    spoken = set(lexicon.stems(name))
    named = [label for label in classes if set(lexicon.stems(label)) & spoken]
    if len(named) == 1:
        return named[0]
    if positive is None:
        return None
    others = [field.name for field in fields if field.name != name and is_probability(field.name)]
    opposite = "risk" in lexicon.words(name) and any(
        "risk" not in lexicon.words(other) for other in others
    )
    if opposite and len(classes) == 2:  # noqa: PLR2004 - two classes
        return next(label for label in classes if label != positive)
    return positive


def _fits(label: str, type_: str) -> bool:
    if type_ == "string":
        return True
    if type_ == "boolean":
        return label.strip().lower() in BOOLEAN_WORDS
    try:
        return type_ == "float" or float(label).is_integer()
    except ValueError:
        return False


def _no_spread(field: FieldSchema, target: Column) -> UserError:
    return UserError(
        Reason.UNSUPPORTED_TASK,
        f"The output field {field.name!r} asks for an extreme or a spread of {target.name!r}: only "
        "its expected value and its quantiles are predicted. Instead, ask for bounds, "
        f"{target.name}_lower and {target.name}_upper, or for a quantile, "
        f"{quantile_field(target.name, 0.9)}.",
    )


def _mismatch(field: FieldSchema, given: str, expected: str) -> UserError:
    return UserError(
        Reason.TYPE_MISMATCH,
        f"The output field {field.name!r} is stated as {given}, expected {expected}: change the "
        "output schema.",
    )
