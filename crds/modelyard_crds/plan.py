"""The plan of a build: what a person may decide of it, and what it came out as.

``PlanOverrides`` is part of a Model's spec and wins over everything that the runtime would find out
by itself; ``BuildPlan`` is what the manifest and a version's status show.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from modelyard_crds.base import ApiModel, Rule, validations
from modelyard_crds.fields import MAX_COLUMNS, Metric

Task = Literal["binary", "multiclass", "regression"]
#: What a person may ask for; whether classes are two or more the data shows.
Kind = Literal["classification", "regression", "forecasting"]
#: What keeps the rows that judge a model apart from those that it learns from: chance, what they
#: are of, or when they are from.
SplitBy = Literal["random", "group", "time"]

MAX_TARGETS = 20
MAX_HORIZON = 1000
MAX_QUANTILES = 9
LEAST_QUANTILE, GREATEST_QUANTILE = 0.001, 0.999
MAX_REASON = 253

ColumnName = Annotated[str, Field(min_length=1, max_length=253)]
Quantile = Annotated[float, Field(ge=LEAST_QUANTILE, le=GREATEST_QUANTILE)]
_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}

PLAN_RULES = validations(
    Rule(
        "!has(self.positiveClass) || !has(self.targets) || self.targets.size() == 1",
        "positiveClass is of one target: leave it out, or name one target",
    ),
    Rule(
        "!has(self.targets) || !has(self.exclude) || !self.targets.exists(t, t in self.exclude)",
        "a column cannot be predicted and excluded",
    ),
    Rule(
        "!has(self.exclude) || !((has(self.timeIndex) && self.timeIndex in self.exclude) || "
        "(has(self.groupBy) && self.groupBy in self.exclude))",
        "a column cannot be timeIndex or groupBy and excluded",
    ),
    Rule(
        "!(has(self.horizon) || has(self.timeIndex) || has(self.groupBy)) || !has(self.task) || "
        "self.task == 'forecasting'",
        "timeIndex, groupBy and horizon are for task forecasting",
    ),
    Rule(
        "!has(self.quantiles) || !has(self.task) || self.task != 'classification'",
        "quantiles are of numbers: leave them out, or choose task regression or forecasting",
    ),
    Rule(
        "!has(self.split) || !((has(self.task) && self.task == 'forecasting') || "
        "has(self.horizon) || has(self.timeIndex) || has(self.groupBy))",
        "a forecast is judged by its last windows: leave out split",
    ),
    Rule(
        "!has(self.split) || self.split.by != 'random' || !has(self.split.column)",
        "split.column is for split.by group or time",
    ),
    Rule(
        "!has(self.split) || !has(self.split.column) || !has(self.targets) || "
        "!(self.split.column in self.targets)",
        "a column cannot be predicted and split by",
    ),
)


class SplitOverride(ApiModel):
    """How the rows that judge a model are kept apart; asked for, it is never found out."""

    by: SplitBy = Field(
        description="random: any rows; group: rows of one entity stay together; time: the newest "
        "rows judge what the older ones taught."
    )
    column: ColumnName | None = Field(
        None,
        description="Column with the entity or the time of a row; by default the one that the "
        "table shows.",
    )


class PlanOverrides(ApiModel):
    """What a person decides; what is left out is found out from intent, schemas and data."""

    targets: list[ColumnName] | None = Field(
        None,
        description="Columns to predict.",
        min_length=1,
        max_length=MAX_TARGETS,
        json_schema_extra=_SET,
    )
    task: Kind | None = Field(None, description="Kind of the prediction.")
    positive_class: str | None = Field(
        None, description="Of two classes the one whose probability is asked for.", max_length=253
    )
    time_index: ColumnName | None = Field(
        None, description="Column with the date or time of a row, for forecasting."
    )
    group_by: ColumnName | None = Field(
        None, description="Column that tells several series apart, such as a store's id."
    )
    horizon: int | None = Field(
        None, description="Steps ahead that are forecast at most.", ge=1, le=MAX_HORIZON
    )
    quantiles: list[Quantile] | None = Field(
        None,
        description="Quantiles of a number that are predicted beside it: 0.1 and 0.9 are the "
        "bounds that 80 % of the true values lie between.",
        min_length=1,
        max_length=MAX_QUANTILES,
        json_schema_extra=_SET,
    )
    exclude: list[ColumnName] | None = Field(
        None,
        description="Columns not to learn from.",
        max_length=MAX_COLUMNS,
        json_schema_extra=_SET,
    )
    split: SplitOverride | None = Field(
        None, description="Which rows judge the model, where it is no forecast."
    )


class PlannedTarget(ApiModel):
    """One column that is predicted."""

    name: str = Field(description="Column that is predicted.", max_length=253)
    task: Task = Field(description="Kind of its prediction.")
    metric: Metric = Field(description="What is optimised.")
    positive_class: str | None = Field(
        None, description="Of two classes the one whose probability is given.", max_length=253
    )
    quantiles: list[float] | None = Field(
        None, description="Quantiles that are predicted beside it.", max_length=MAX_QUANTILES
    )


MAX_PROPOSER = 128


class DroppedColumn(ApiModel):
    """A column that is not learnt from."""

    name: str = Field(max_length=253)
    reason: str = Field(description="Why it is left out.", max_length=MAX_REASON)


class PlannedSplit(ApiModel):
    """Which rows judge the model."""

    by: SplitBy = Field(description="What keeps them apart from those that it learns from.")
    column: str | None = Field(
        None, description="Column with the entity or the time of a row.", max_length=253
    )
    reason: str = Field(description="Why they are chosen so.", max_length=MAX_REASON)


class BuildPlan(ApiModel):
    """What was decided before training; the fields of spec.plan change it."""

    targets: list[PlannedTarget] = Field(description="What is predicted.", max_length=MAX_TARGETS)
    confidence: float = Field(
        description="How surely the targets are those that were meant.", ge=0, le=1
    )
    proposed_by: str | None = Field(
        None,
        description="Model of the planner endpoint that proposed the targets, where it did.",
        max_length=MAX_PROPOSER,
    )
    features: list[str] = Field(description="Columns that are learnt from.", max_length=MAX_COLUMNS)
    dropped: list[DroppedColumn] | None = Field(
        None, description="Columns that are not.", max_length=MAX_COLUMNS
    )
    time_index: str | None = Field(
        None, description="Date or time of a row, where the future is forecast.", max_length=253
    )
    group_by: str | None = Field(None, description="Column of the series.", max_length=253)
    horizon: int | None = Field(None, description="Steps ahead that are forecast.", ge=1)
    split: PlannedSplit | None = Field(
        None, description="Which rows judge the model; absent for a forecast."
    )
