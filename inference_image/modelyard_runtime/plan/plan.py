"""The plan of a build: everything that is decided before a model is trained.

Made once by the build; the manifest and the model card show it, and each part can be overridden
by the fields of the spec.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard_crds.build import Output
from modelyard_crds.fields import FieldSchema, FieldType, Metric
from modelyard_crds.model_version import Task
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.plan.columns import Dropped, Selection, leak_warnings, select_features
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.outputs import decide_outputs
from modelyard_runtime.plan.target import resolve_target
from modelyard_runtime.plan.task import (
    decide_metric,
    decide_positive,
    decide_task,
    expect_classes,
    expect_learnable,
)

SURE = 0.7
IMBALANCED = 0.05
FEW_ROWS = 50


@dataclass(frozen=True)
class Plan:
    """What will be learnt, from which columns, and how it is judged."""

    target: str
    target_type: FieldType
    task: Task
    metric: Metric
    confidence: float
    classes: list[str]
    positive_class: str | None
    features: list[str]
    dropped: list[Dropped]
    input_schema: list[FieldSchema]
    output_schema: list[FieldSchema]
    outputs: list[Output]
    warnings: list[str]


def make_plan(
    text: str,
    table: Table,
    input_schema: Sequence[FieldSchema] | None = None,
    output_schema: Sequence[FieldSchema] | None = None,
    metric: Metric | None = None,
) -> Plan:
    """The plan of an intent over a table.

    Raises UserError with the first thing that does not fit.
    """
    target, confidence, intent = resolve_target(text, table, input_schema, output_schema)
    expect_learnable(target)
    fields = list(output_schema or [])
    target = _as_asked(target, fields)
    own_field = next((field for field in fields if field.name == target.name), None)
    task = decide_task(target, intent, own_field, metric)
    chosen = decide_metric(task, target, metric)
    classes = [] if task == "regression" else expect_classes(target)
    positive = decide_positive(classes, target, intent, fields) if task == "binary" else None
    selection = select_features(table, target, input_schema)
    outputs = decide_outputs(task, target, classes, positive, output_schema)
    return Plan(
        target=target.name,
        target_type=target.type,
        task=task,
        metric=chosen,
        confidence=round(confidence, 2),
        classes=classes,
        positive_class=positive,
        features=[column.name for column in selection.features],
        dropped=selection.dropped,
        input_schema=_resolved_inputs(table, target.name, selection.features, input_schema),
        output_schema=outputs.fields,
        outputs=outputs.sources,
        warnings=_warnings(table, target, confidence, intent, selection),
    )


def _as_asked(target: Column, fields: Sequence[FieldSchema]) -> Column:
    """The target by the type that its labels come back as.

    0 and 1 are false and true where the output schema asks for a boolean; yes and no stay the
    words that they are where it does not.
    """
    asked = any(field.type == "boolean" for field in fields)
    if target.type == "integer" and set(target.label_counts) == {"0", "1"}:
        return target.as_type("boolean") if asked else target
    if target.type != "boolean" or target.spelled is None or asked:
        return target
    plain = [word.lower() for word in target.spelled] == ["false", "true"]
    return target if plain else target.as_type("string")


def _resolved_inputs(
    table: Table,
    target: str,
    features: Sequence[Column],
    stated: Sequence[FieldSchema] | None,
) -> list[FieldSchema]:
    """The fields of a request: what the spec states, completed by what the data shows.

    A stated field that tells nothing is still taken, so that requests need not change.
    """
    used = {column.name for column in features}
    if stated is None:
        stated = [FieldSchema(name=column.name, type=column.type) for column in features]
    resolved = []
    for field in stated:
        if field.name == target:
            continue
        column = table.by_name[field.name]
        required = field.required
        if required is None:
            required = column.name in used and not bool(column.missing.any())
        resolved.append(field.model_copy(update={"type": column.type, "required": required}))
    return resolved


def _warnings(
    table: Table, target: Column, confidence: float, intent: Intent, selection: Selection
) -> list[str]:
    found = [*table.warnings, *selection.warnings, *leak_warnings(selection.features, target)]
    empty = len(target.values) - target.known
    if confidence < SURE:
        found.append(
            f"{target.name!r} was taken as the target although the intent hardly names it: name "
            "it in the output schema to be sure."
        )
    if empty:
        found.append(f"{empty} rows without a value of {target.name!r} were left out.")
    if target.known < FEW_ROWS:
        found.append(f"{target.known} rows are few: the metrics are rough.")
    if target.type == "string" and min(target.label_counts.values()) < IMBALANCED * target.known:
        found.append(f"Some classes of {target.name!r} are rare: look at recall, not at accuracy.")
    if intent.series and any(column.type == "datetime" for column in table.columns):
        found.append("Rows are taken as independent of each other: no lags or seasons are learnt.")
    return found
