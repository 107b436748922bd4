"""ModelVersion: one build of a Model, complete in itself and never changed."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from modelyard_crds.base import (
    AGE_COLUMN,
    MESSAGE_COLUMN,
    REASON_COLUMN,
    ApiModel,
    Column,
    KindInfo,
    NameRef,
    Resource,
    Rule,
    validations,
)
from modelyard_crds.conditions import Condition, Conditions
from modelyard_crds.dataset import DatasetFormat
from modelyard_crds.fields import Schema, Source, Training
from modelyard_crds.model import INTENT_MAX_LENGTH
from modelyard_crds.plan import BuildPlan, PlanOverrides, Task

VersionPhase = Literal["PENDING", "BUILDING", "READY", "ERROR", "CANCELLED"]
TERMINAL_PHASES = frozenset({"READY", "ERROR", "CANCELLED"})
MAX_FEATURE_IMPORTANCE = 20
MAX_METRICS = 512


def _immutable(field: str) -> dict[str, Any]:
    return validations(
        Rule("self == oldSelf", f"{field} cannot be changed; change the Model to make a version")
    )


class Build(ApiModel):
    """All that a build needs, so that it can be repeated from this object alone."""

    intent: str = Field(
        description="What to predict, in a sentence.", min_length=1, max_length=INTENT_MAX_LENGTH
    )
    dataset_ref: NameRef = Field(description="The Dataset that was read.")
    dataset_digest: str = Field(
        description="sha256 of the content that is learnt from.",
        pattern=r"^sha256:[0-9a-f]{64}$",
        max_length=71,
    )
    dataset_size_bytes: int = Field(0, description="Bytes of the content.", ge=0)
    dataset_rows: int = Field(0, description="Rows of the content.", ge=0)
    dataset_columns: int = Field(0, description="Columns of the content.", ge=0)
    source: Source = Field(description="Where the content is.")
    format: DatasetFormat = Field("auto", description="How to read it.")
    input_schema: Schema | None = Field(None, description="Fields of a request.")
    output_schema: Schema | None = Field(None, description="Fields of a prediction.")
    training: Training = Field(description="How to search.")
    plan: PlanOverrides | None = Field(None, description="What a person decided of the plan.")


class ModelVersionSpec(ApiModel):
    """Which model's build this is, and the build."""

    model_ref: NameRef = Field(
        description="The Model that this is a version of.",
        json_schema_extra=_immutable("spec.modelRef"),
    )
    version: int = Field(
        description="Number of the version, from 1.",
        ge=1,
        le=999999,
        json_schema_extra=_immutable("spec.version"),
    )
    spec_hash: str = Field(
        description="Hash of what the Model's spec asked for.",
        pattern=r"^[0-9a-f]{64}$",
        max_length=64,
        json_schema_extra=_immutable("spec.specHash"),
    )
    build: Build = Field(
        description="The resolved build.", json_schema_extra=_immutable("spec.build")
    )
    cancelled: bool = Field(
        False,
        description="Set to end the build.",
        json_schema_extra=validations(
            Rule("self || !oldSelf", "a cancelled version stays cancelled; retrain the Model")
        ),
    )


class TrainingInfo(ApiModel):
    """How the model was made."""

    dataset_size: int = Field(description="Rows that were learnt from.", ge=0)
    dataset_rows: int | None = Field(
        None,
        description="Rows of the dataset; more than datasetSize where a sample was learnt from or "
        "rows lack the target.",
        ge=0,
    )
    training_seconds: float = Field(description="Duration of the build in the pod.", ge=0)
    algorithm: str = Field(description="The estimator that won.", max_length=128)
    candidates: int = Field(0, description="Candidates tried.", ge=0)
    feature_importance: dict[str, float] = Field(
        default_factory=dict,
        description=f"Share of each input, the {MAX_FEATURE_IMPORTANCE} greatest.",
        max_length=MAX_FEATURE_IMPORTANCE,
    )


class Artifact(ApiModel):
    """What serving pods load."""

    uri: str = Field(description="Address of the manifest in the store.", max_length=2048)
    digest: str = Field(
        description="sha256 of the manifest, which holds those of all files.",
        pattern=r"^sha256:[0-9a-f]{64}$",
        max_length=71,
    )
    size_bytes: int = Field(description="Bytes of all files.", ge=0)


class ModelVersionStatus(ApiModel):
    """How the build goes and what came of it."""

    id: str | None = Field(None, description="Id in REST, ver_…", max_length=32)
    job_id: str | None = Field(None, description="Id of the build in REST, job_…", max_length=32)
    phase: VersionPhase | None = Field(None, description="Summary in one word.")
    observed_generation: int | None = Field(None, description="Generation of the spec seen.")
    progress: int | None = Field(None, description="Percent of the build.", ge=0, le=100)
    step: str | None = Field(None, description="What the build is doing.", max_length=253)
    rebuilds: int | None = Field(None, description="Jobs lost and made again.", ge=0)
    started_at: datetime | None = Field(None, description="When the Job was made.")
    finished_at: datetime | None = Field(None, description="When the build ended.")
    task: Task | None = Field(None, description="Kind of the prediction.")
    target: str | None = Field(
        None, description="Column that is predicted, the first of several.", max_length=253
    )
    plan: BuildPlan | None = Field(None, description="What was decided before training.")
    metric: str | None = Field(None, description="What was optimised.", max_length=32)
    metrics: dict[str, float] | None = Field(
        None,
        description=(
            "Measured on rows that were not learnt from; of several targets the means, and "
            "those of each as target.metric."
        ),
        max_length=MAX_METRICS,
    )
    training_info: TrainingInfo | None = Field(None, description="How it was made.")
    input_schema: Schema | None = Field(None, description="Fields of a request.")
    output_schema: Schema | None = Field(None, description="Fields of a prediction.")
    warnings: list[Annotated[str, Field(max_length=512)]] | None = Field(
        None, description="What a person should know of data and plan.", max_length=20
    )
    artifact: Artifact | None = Field(None, description="What serving pods load.")
    logs: str | None = Field(None, description="Address of the logs.", max_length=2048)
    conditions: Conditions = Field(default_factory=list[Condition])


class ModelVersion(Resource):
    """One build of a Model: immutable spec, one Job, one artifact."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="ModelVersion",
        plural="modelversions",
        singular="modelversion",
        short_name="mver",
        rules=(
            # Spelled by parts: the cost of joining them cannot be estimated.
            Rule(
                "self.metadata.name.matches('-v[1-9][0-9]*$')"
                " && self.metadata.name.startsWith(self.spec.modelRef.name)"
                " && self.metadata.name.lastIndexOf('-v') == self.spec.modelRef.name.size()"
                " && int(self.metadata.name.substring(self.spec.modelRef.name.size() + 2))"
                " == self.spec.version",
                "metadata.name must be {spec.modelRef.name}-v{spec.version}",
            ),
        ),
        columns=(
            Column("Model", "string", ".spec.modelRef.name", "Its Model."),
            Column("Version", "integer", ".spec.version", "Its number."),
            Column("Phase", "string", ".status.phase", "Summary."),
            Column("Progress", "integer", ".status.progress", "Percent of the build."),
            Column("Step", "string", ".status.step", "What the build is doing."),
            Column("Algorithm", "string", ".status.trainingInfo.algorithm", "What won."),
            REASON_COLUMN,
            AGE_COLUMN,
            MESSAGE_COLUMN,
        ),
    )

    kind: str = "ModelVersion"
    spec: ModelVersionSpec
    status: ModelVersionStatus = Field(default_factory=ModelVersionStatus)

    @property
    def ended(self) -> bool:
        """Whether the phase is final."""
        return self.status.phase in TERMINAL_PHASES
