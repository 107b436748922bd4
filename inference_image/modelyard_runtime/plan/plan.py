"""The plan of a build: everything that is decided before a model is trained.

Made once by the build; the manifest, a version's status and the model card show it, and what a
spec states wins over what would be found out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard_crds.build import Output
from modelyard_crds.conditions import shorten
from modelyard_crds.fields import FieldSchema, Metric
from modelyard_crds.plan import MAX_REASON, BuildPlan, DroppedColumn, PlannedTarget, PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.columns import (
    Dropped,
    Selection,
    leak_warnings,
    select_features,
    without,
)
from modelyard_runtime.plan.goal import Goal, decide_goal, with_goals
from modelyard_runtime.plan.outputs import decide_outputs
from modelyard_runtime.plan.quantiles import Spoken, read_spoken
from modelyard_runtime.plan.series import Series, covariates, find_series
from modelyard_runtime.plan.split import Split, find_split
from modelyard_runtime.plan.target import Targets, expect_meant, resolve_targets
from modelyard_runtime.plan.unbuilt import said_to_be_less

SURE = 0.7
IMBALANCED = 0.05
FEW_ROWS = 50
NOTHING_STATED = PlanOverrides()


@dataclass(frozen=True)
class Plan:
    """What will be learnt, from which columns, and how it is judged."""

    goals: list[Goal]
    confidence: float
    features: list[str]
    dropped: list[Dropped]
    input_schema: list[FieldSchema]
    output_schema: list[FieldSchema]
    outputs: list[Output]
    warnings: list[str]
    #: The features whose words are learnt from.
    free_text: list[str]
    #: Where the target is continued over time.
    series: Series | None = None
    #: Which rows judge the model, where it is not.
    split: Split | None = None
    #: The model of an endpoint that proposed the targets, where one did.
    proposed_by: str | None = None

    @property
    def target(self) -> str:
        """The column that is predicted, the first of several."""
        return self.goals[0].target

    @property
    def task(self) -> str:
        """The kind of its prediction."""
        return self.goals[0].task

    @property
    def positive_class(self) -> str | None:
        """Of two classes the one whose probability is asked for."""
        return self.goals[0].positive_class

    @property
    def classes(self) -> list[str]:
        """Its classes, in the order of their probabilities."""
        return self.goals[0].classes

    def summary(self) -> BuildPlan:
        """The plan as manifest and status show it."""
        return BuildPlan(
            targets=[
                PlannedTarget(
                    name=goal.target,
                    task=goal.task,
                    metric=goal.metric,
                    positive_class=goal.positive_class,
                    quantiles=list(goal.quantiles) or None,
                )
                for goal in self.goals
            ],
            confidence=self.confidence,
            proposed_by=self.proposed_by,
            features=self.features,
            dropped=[
                DroppedColumn(name=item.column, reason=shorten(item.reason, MAX_REASON))
                for item in self.dropped
            ]
            or None,
            time_index=self.series and self.series.time_index,
            group_by=self.series and self.series.group_by,
            horizon=self.series and self.series.horizon,
            split=self.split and self.split.summary(),
        )


def make_plan(
    text: str,
    table: Table,
    input_schema: Sequence[FieldSchema] | None = None,
    output_schema: Sequence[FieldSchema] | None = None,
    metric: Metric | None = None,
    stated: PlanOverrides = NOTHING_STATED,
) -> Plan:
    """The plan of an intent over a table; what is stated wins.

    Raises UserError with the first thing that does not fit.
    """
    spoken = read_spoken(text, table.names)
    found = resolve_targets(spoken.text, table, input_schema, output_schema, stated)
    fields = list(output_schema or [])
    decided = [
        decide_goal(column, found.fields_of(column, fields), found.intent, metric, stated, spoken)
        for column in found.columns
    ]
    goals, columns = [item.goal for item in decided], [item.column for item in decided]
    whole, table = table, with_goals(table, goals)
    less = _without_quantiles(goals, stated, spoken)
    selection = select_features(table, columns, input_schema, stated.exclude or ())
    inputs = None if input_schema is None else [field.name for field in input_schema]
    series, said = find_series(table, goals, found.intent, stated, inputs)
    selection = _with_series(selection, series, input_schema, table)
    expect_meant(found, goals[0].task, fields, table)
    split, noticed = find_split(table, goals, found.intent, stated, inputs, series)
    if split is not None and split.by == "group" and split.column not in (inputs or ()):
        selection = without(selection, split.column or "", _ENTITY)
    outputs = decide_outputs(goals, columns, [found.fields_of(c, fields) for c in columns])
    return Plan(
        goals=goals,
        confidence=round(found.confidence, 2),
        features=[column.name for column in selection.features],
        dropped=selection.dropped,
        input_schema=_dated(
            _resolved_inputs(table, found, selection.features, input_schema), series
        ),
        output_schema=outputs.fields,
        outputs=outputs.sources,
        warnings=[
            *_warnings(whole, columns, found, selection),
            *said_to_be_less(text, goals[0].target, is_number=goals[0].task == "regression"),
            *(warning for item in decided for warning in item.warnings),
            *less,
            *_zeros(goals, columns),
            *said,
            *noticed,
        ],
        free_text=selection.free_text,
        series=series,
        split=split,
    )


def _without_quantiles(goals: Sequence[Goal], stated: PlanOverrides, spoken: Spoken) -> list[str]:
    """What to know where quantiles are asked for and no number is predicted.

    Raises UserError where the spec states them.
    """
    if any(goal.task == "regression" for goal in goals):
        return []
    target = goals[0].target
    if stated.quantiles:
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"spec.plan.quantiles is stated, but classes of {target!r} are predicted: leave it "
            "out, or choose a column of numbers.",
        )
    said = f"Quantiles are of numbers: the probability of {target!r} is predicted."
    return [said] if spoken.levels else []


def _zeros(goals: Sequence[Goal], columns: Sequence[Column]) -> list[str]:
    """What to know where an error relative to the true value is optimised and some are zero."""
    found = []
    for goal, column in zip(goals, columns, strict=True):
        zeros = int((column.values == 0).sum()) if goal.metric == "mape" else 0
        if zeros:
            found.append(
                f"mape has no value where {goal.target!r} is zero: it looks at the "
                f"{column.known - zeros} other rows only. Choose mae to judge by all."
            )
    return found


def _resolved_inputs(
    table: Table,
    found: Targets,
    features: Sequence[Column],
    stated: Sequence[FieldSchema] | None,
) -> list[FieldSchema]:
    """The fields of a request: what the spec states, completed by what the data shows.

    A stated field that tells nothing is still taken, so that requests need not change.
    """
    used = {column.name for column in features}
    targets = {column.name for column in found.columns}
    if stated is None:
        stated = [FieldSchema(name=column.name, type=column.type) for column in features]
    resolved = []
    for field in stated:
        if field.name in targets:
            continue
        column = table.by_name[field.name]
        required = field.required
        if required is None:
            required = column.name in used and not bool(column.missing.any())
        resolved.append(field.model_copy(update={"type": column.type, "required": required}))
    return resolved


def _warnings(
    table: Table, targets: Sequence[Column], resolved: Targets, selection: Selection
) -> list[str]:
    found = [*table.warnings, *selection.warnings]
    for target in targets:
        found += leak_warnings(selection.features, target)
    if resolved.confidence < SURE:
        found.append(
            f"{targets[0].name!r} was taken as the target although the intent hardly names it: "
            "name it in spec.plan.targets or in the output schema to be sure."
        )
    for target in targets:
        found += _target_warnings(target, table.by_name[target.name].known)
    return found


def _with_series(
    selection: Selection,
    series: Series | None,
    stated: Sequence[FieldSchema] | None,
    table: Table,
) -> Selection:
    """Of a forecast only the date, the series and what the input schema says is known ahead."""
    if series is None:
        return selection
    inputs = None if stated is None else [field.name for field in stated]
    usable = [c.name for c in selection.features if c.name not in selection.free_text]
    kept, unknown = covariates(usable, inputs, series)
    dropped = [item for item in selection.dropped if item.column not in kept]
    texts = [Dropped(name, _NO_WORDS) for name in selection.free_text]
    return Selection(
        [table.by_name[name] for name in kept],
        [*dropped, *texts, *(Dropped(name, _NOT_AHEAD) for name in unknown)],
        selection.warnings,
        [],
    )


_ENTITY = "it tells which entity a row is of, and a new one's is never among those learnt from"
_NO_WORDS = "free text, which forecasts do not learn from"
_NOT_AHEAD = "not known ahead of its time: name it in the input schema if it is"


def _dated(fields: list[FieldSchema], series: Series | None) -> list[FieldSchema]:
    """The fields of a request, whose date is after the history."""
    if series is None:
        return fields
    ahead = {
        "required": True,
        "minimum": series.after,
        "maximum": series.until,
        "description": f"A date after the history, at most {series.horizon} steps of a "
        f"{series.step} ahead.",
    }
    return [
        item.model_copy(update=ahead) if item.name == series.time_index else item for item in fields
    ]


def _target_warnings(target: Column, filled: int) -> list[str]:
    found = []
    empty = len(target.values) - filled
    if empty:
        found.append(f"{empty} rows without a value of {target.name!r} were left out.")
    if target.known < FEW_ROWS:
        found.append(f"{target.known} rows are few: the metrics are rough.")
    if target.type == "string" and min(target.label_counts.values()) < IMBALANCED * target.known:
        found.append(f"Some classes of {target.name!r} are rare: look at recall, not at accuracy.")
    return found
