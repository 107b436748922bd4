"""Model: an intent and the data to learn it from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from modelyard_crds.base import (
    AGE_COLUMN,
    LABEL_RULE,
    MESSAGE_COLUMN,
    NAME_RULE,
    REASON_COLUMN,
    ApiModel,
    Column,
    KindInfo,
    NameRef,
    Resource,
)
from modelyard_crds.conditions import Condition, Conditions
from modelyard_crds.fields import Schema, Training
from modelyard_crds.plan import PLAN_RULES, PlanOverrides

INTENT_MAX_LENGTH = 2000
Phase = Literal["DRAFT", "BUILDING", "READY", "ERROR"]
DeploymentSummary = Literal["DEPLOYING", "DEPLOYED", "DEGRADED", "FAILED", "UNDEPLOYING"]


class ModelSpec(ApiModel):
    """What to predict, from which data, and how hard to try."""

    display_name: str | None = Field(None, description="Name for people.", max_length=253)
    description: str | None = Field(None, description="What it is for.", max_length=4096)
    intent: str = Field(
        description="What to predict, in a sentence.", min_length=1, max_length=INTENT_MAX_LENGTH
    )
    dataset_ref: NameRef = Field(description="The Dataset to learn from.")
    input_schema: Schema | None = Field(
        None, description="Fields of a request; by default every useful column."
    )
    output_schema: Schema | None = Field(
        None, description="Fields of a prediction; by default from the intent."
    )
    tags: list[Annotated[str, Field(min_length=1, max_length=63)]] = Field(
        default_factory=list, description="Words to find it by.", max_length=32
    )
    paused: bool = Field(False, description="Make no new version while set.")
    training: Training = Field(
        default_factory=Training,
        description="How to search.",
        # Without a default here the API server would not fill in those of its fields.
        json_schema_extra={"default": {}},
    )
    plan: PlanOverrides | None = Field(
        None,
        description="What a person decides of the plan; by default all is found out.",
        json_schema_extra=PLAN_RULES,
    )
    version_history_limit: int = Field(
        10, description="Finished versions to keep besides those in use.", ge=1, le=1000
    )


class ModelStatus(ApiModel):
    """How far the model is."""

    id: str | None = Field(None, description="Id in REST.", max_length=32)
    phase: Phase | None = Field(None, description="Summary in one word.")
    observed_generation: int | None = Field(None, description="Generation of the spec seen.")
    latest_version: int | None = Field(None, description="Newest version.", ge=0)
    ready_version: int | None = Field(None, description="Newest READY version.", ge=0)
    deployment_status: DeploymentSummary | None = Field(
        None, description="Summary over the model's deployments."
    )
    conditions: Conditions = Field(default_factory=list[Condition])


class Model(Resource):
    """An intent and the data to learn it from; each build of it is a ModelVersion."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="Model",
        plural="models",
        singular="model",
        short_name="mdl",
        rules=(
            NAME_RULE,
            LABEL_RULE,
            # REST answers GET /models/build-logs itself.
            LABEL_RULE._replace(
                rule="self.metadata.name != 'build-logs'",
                message="the name build-logs is reserved",
            ),
        ),
        columns=(
            Column("Phase", "string", ".status.phase", "Summary."),
            Column("Latest", "integer", ".status.latestVersion", "Newest version."),
            Column("Serving", "string", ".status.deploymentStatus", "Its deployments."),
            REASON_COLUMN,
            Column("Intent", "string", ".spec.intent", "What it predicts."),
            AGE_COLUMN,
            MESSAGE_COLUMN,
        ),
    )

    kind: str = "Model"
    spec: ModelSpec
    status: ModelStatus = Field(default_factory=ModelStatus)
