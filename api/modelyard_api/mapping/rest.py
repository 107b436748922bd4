"""The shapes of requests and answers: field names and types of the specification's examples.

Requests refuse unknown fields, so that a typo is not silently lost. Answers carry examples,
which the OpenAPI document shows.
"""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StrictBool, StrictInt

from modelyard_api.mapping.shapes import (
    WHOLE_NUMBER,
    Answer,
    DatasetReference,
    DeploymentStatus,
    Description,
    DisplayName,
    Environment,
    FaultField,
    Intent,
    Pagination,
    Request,
    SchemaJson,
    SchemaRequest,
    Status,
    Tags,
    UtcTime,
)
from modelyard_crds.fields import MAX_COLUMNS, Metric
from modelyard_crds.plan import (
    MAX_HORIZON,
    MAX_QUANTILES,
    MAX_TARGETS,
    ColumnName,
    Kind,
    Quantile,
    SplitBy,
    Task,
)

# Models


class ModelSummary(Answer):
    """One model of a list."""

    model_name: str
    model_version: str
    name: str
    intent: str
    status: Status
    deployment_status: DeploymentStatus | None
    created_at: UtcTime
    updated_at: UtcTime


class ModelList(Answer):
    """A page of models."""

    models: list[ModelSummary]
    pagination: Pagination


class ModelDetail(Answer):
    """A model."""

    model_name: str
    model_version: str
    name: str
    intent: str
    description: str | None
    status: Status
    deployment_status: DeploymentStatus | None
    endpoint: str | None
    metrics: dict[str, float] | None
    dataset_id: str | None
    input_schema: SchemaJson | None
    output_schema: SchemaJson | None
    created_at: UtcTime
    updated_at: UtcTime
    created_by: str | None
    tags: list[str]
    error: FaultField = None


ColumnList = Annotated[list[ColumnName], Field(json_schema_extra={"uniqueItems": True})]


class SplitRequest(Request):
    """How the rows that judge a model are kept apart from those that it learns from."""

    by: SplitBy
    column: ColumnName | None = Field(
        None, description="Column with the entity or the time of a row."
    )


class PlanRequest(Request):
    """What a person decides of the plan; what is left out is found out."""

    targets: Annotated[ColumnList, Field(min_length=1, max_length=MAX_TARGETS)] | None = Field(
        None, description="Columns to predict."
    )
    task: Kind | None = Field(None, description="Kind of the prediction.")
    positive_class: Annotated[str, Field(max_length=253)] | None = Field(
        None, description="Of two classes the one whose probability is asked for."
    )
    time_index: ColumnName | None = Field(
        None, description="Column with the date or time of a row, for forecasting."
    )
    group_by: ColumnName | None = Field(
        None, description="Column that tells several series apart, for forecasting."
    )
    horizon: Annotated[int, Field(ge=1, le=MAX_HORIZON), WHOLE_NUMBER] | None = Field(
        None, description="Steps ahead that are forecast at most."
    )
    quantiles: (
        Annotated[
            list[Quantile],
            Field(min_length=1, max_length=MAX_QUANTILES, json_schema_extra={"uniqueItems": True}),
        ]
        | None
    ) = Field(None, description="Quantiles of a number that are predicted beside it.")
    exclude: Annotated[ColumnList, Field(max_length=MAX_COLUMNS)] | None = Field(
        None, description="Columns not to learn from."
    )
    split: SplitRequest | None = Field(None, description="Which rows judge the model.")


class ModelCreate(Request):
    """What to build."""

    intent: Intent
    dataset_id: DatasetReference
    name: DisplayName | None = None
    description: Description | None = None
    input_schema: SchemaRequest | None = None
    output_schema: SchemaRequest | None = None
    tags: Tags = Field(default_factory=list)
    plan: PlanRequest | None = None


class ModelCreateByGoal(Request):
    """What to build, in the words of the platform's older client."""

    upload_id: DatasetReference
    goal: Intent
    eval: str | None = None


class BuildStarted(Answer):
    """A build that goes on after the answer."""

    job_id: str
    status: Literal["PENDING"] = "PENDING"
    model_name: str
    model_version: str
    created_at: UtcTime


class ModelUpdate(Request):
    """Metadata to change; what is left out stays."""

    name: DisplayName | None = None
    description: Description | None = None
    tags: Tags | None = None


class ModelUpdated(Answer):
    """The metadata after a change."""

    model_name: str
    model_version: str
    name: str
    description: str | None
    tags: list[str]
    updated_at: UtcTime


class ModelDeleted(Answer):
    """A model that is gone."""

    model_name: str
    model_version: str
    status: Literal["DELETED"] = "DELETED"
    deleted_at: UtcTime


class ModelStatusAnswer(Answer):
    """How far a version is."""

    model_name: str
    model_version: str
    status: Status
    deployment_status: DeploymentStatus | None
    last_updated: UtcTime
    build_progress: int
    error: FaultField = None


class Retrain(Request):
    """What to change for the next version; nothing repeats the last build."""

    upload_id: DatasetReference | None = None
    goal: Intent | None = None
    metric: Metric | None = None
    max_iterations: Annotated[int, Field(ge=1, le=1000), WHOLE_NUMBER] | None = None


class RetrainStarted(Answer):
    """The next version, being built."""

    job_id: str
    status: Literal["PENDING"] = "PENDING"
    model_name: str
    new_version: str
    created_at: UtcTime


class TrainingInfoJson(Answer):
    """How a version was made."""

    dataset_size: int
    training_time_minutes: float
    algorithm: str
    feature_importance: dict[str, float]


class PlannedTargetJson(Answer):
    """One column that is predicted."""

    name: str
    task: Task
    metric: Metric
    positive_class: str | None
    quantiles: list[float] | None


class DroppedColumnJson(Answer):
    """A column that is not learnt from."""

    name: str
    reason: str


class PlannedSplitJson(Answer):
    """Which rows judge the model, and why."""

    by: SplitBy
    column: str | None
    reason: str


class PlanJson(Answer):
    """What was decided before training."""

    targets: list[PlannedTargetJson]
    confidence: float
    proposed_by: str | None
    features: list[str]
    dropped: list[DroppedColumnJson]
    time_index: str | None
    group_by: str | None
    horizon: int | None
    split: PlannedSplitJson | None


class ModelDescription(Answer):
    """All about a version."""

    model_name: str
    model_version: str
    description: str | None
    input_schema: SchemaJson | None
    output_schema: SchemaJson | None
    performance_metrics: dict[str, float] | None
    training_info: TrainingInfoJson | None
    plan: Annotated[
        PlanJson | None,
        Field(exclude_if=lambda value: value is None, description="Only with `?plan=true`."),
    ] = None


# Versions


class VersionSummary(Answer):
    """One version of a list."""

    version_id: str
    version: int
    status: Status
    metrics: dict[str, float] | None
    created_at: UtcTime


class VersionList(Answer):
    """All versions of a model, newest first."""

    model_name: str
    model_version: str
    versions: list[VersionSummary]


class VersionCreate(Request):
    """What the next version is built from."""

    dataset_id: DatasetReference
    intent: Intent | None = None
    input_schema: SchemaRequest | None = None
    output_schema: SchemaRequest | None = None
    plan: PlanRequest | None = Field(None, description="By default that of the last version.")


class VersionStarted(BuildStarted):
    """The next version, being built."""

    version_id: str
    version: int


# Deployments


class CanaryRequest(Request):
    """Another version to try out beside the one that is deployed."""

    version: StrictInt | str
    weight: Annotated[int, Field(ge=0, le=100), WHOLE_NUMBER] = 10


class CanaryJson(Answer):
    """A version that is tried out, and the percent of predictions that it gets."""

    version: int
    weight: int


class Deploy(Request):
    """Where and on how many pods to serve."""

    environment: Environment = "production"
    replicas: Annotated[int, Field(ge=1, le=1000), WHOLE_NUMBER] = 1
    auto_scale: StrictBool = True
    version: StrictInt | str | None = Field(
        None,
        description="Version to serve; by default the newest READY one, and with a canary the one "
        "that the environment has.",
    )
    canary: CanaryRequest | None = Field(
        None, description="Another version to try out; without one, none is."
    )


class DeploymentJson(Answer):
    """One deployment of a list."""

    deployment_id: str
    environment: str
    status: Literal["DEPLOYING", "ACTIVE", "DEGRADED", "FAILED", "UNDEPLOYING"]
    version_id: str | None
    version: int | None
    endpoint: str
    replicas: int
    auto_scale: bool
    created_at: UtcTime
    canary: CanaryJson | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Only while a version is tried out.",
    )
    error: FaultField = None


class DeploymentList(Answer):
    """All deployments of a model."""

    model_name: str
    model_version: str
    deployments: list[DeploymentJson]


class DeployStarted(Answer):
    """A deployment that is starting."""

    deployment_id: str
    model_name: str
    model_version: str
    status: Literal["DEPLOYING"] = "DEPLOYING"
    endpoint: str
    environment: str
    replicas: int
    auto_scale: bool
    created_at: UtcTime


class Undeployed(Answer):
    """A deployment that is going away."""

    model_name: str
    model_version: str
    deployment_id: str
    status: Literal["UNDEPLOYING"] = "UNDEPLOYING"
    undeployed_at: UtcTime


# Predictions


class Explanation(Answer):
    """What each field adds to the score of a typical row."""

    explains: str
    reference: dict[str, JsonValue]
    reference_score: float
    score: float
    contributions: dict[str, float]


class PredictionAnswer(Answer):
    """A prediction."""

    request_id: str
    result: dict[str, JsonValue]
    model_name: str
    model_version: str
    created_at: UtcTime
    explanation: Explanation | None = Field(None, description="Only with `?explain=true`.")


class BatchItem(Answer):
    """The prediction for one row."""

    prediction: dict[str, JsonValue]


# Build logs


class LogEntry(Answer):
    """One line of a build's log."""

    job_id: str
    model_name: str
    timestamp: UtcTime
    level: str
    message: str


class LogList(Answer):
    """A page of log lines."""

    logs: list[LogEntry]
    pagination: Pagination
