"""ModelDeployment: one version of a Model, served in one environment."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from modelyard_crds.base import (
    AGE_COLUMN,
    MESSAGE_COLUMN,
    NAME_RULE,
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
from modelyard_crds.fields import NodeSelector, Resources, Toleration

DeploymentPhase = Literal["DEPLOYING", "ACTIVE", "DEGRADED", "FAILED", "UNDEPLOYING"]
MAX_REPLICAS = 1000


class Autoscaling(ApiModel):
    """Bounds and aim of the HorizontalPodAutoscaler."""

    enabled: bool = Field(True, description="Let load decide the number of pods.")
    min_replicas: int = Field(1, description="Least pods.", ge=1, le=MAX_REPLICAS)
    max_replicas: int = Field(5, description="Most pods.", ge=1, le=MAX_REPLICAS)
    target_cpu_utilization: int = Field(
        description="Percent of the CPU request to aim at.",
        default=70,
        ge=1,
        le=100,
        alias="targetCPUUtilization",
    )
    scale_down_stabilization_seconds: int = Field(
        120, description="Pods stay for so long after the load that needed them.", ge=0, le=3600
    )


class DriftLimits(ApiModel):
    """From when on the condition DataDrift is True."""

    threshold: float = Field(
        0.2,
        description="Population stability index above which a column has drifted.",
        ge=0.01,
        le=10,
    )
    min_rows: int = Field(
        200, description="Rows below which nothing is said.", ge=50, le=10_000_000
    )


class PredictionLog(ApiModel):
    """A sample of rows and their predictions, kept in the object store for some days."""

    sample_rate: float = Field(
        0.01, description="Share of rows that are kept; 1 keeps all.", ge=0.0001, le=1
    )
    exclude: list[Annotated[str, Field(max_length=253)]] = Field(
        default_factory=list,
        description="Fields, of rows or predictions, that are never written.",
        max_length=256,
    )


class Canary(ApiModel):
    """Another version, tried out beside the one served on a share of its predictions."""

    version: int = Field(description="Version to try out.", ge=1, le=999999)
    weight: int = Field(
        10,
        description="Percent of the predictions asked of this deployment through the REST API.",
        ge=0,
        le=100,
    )


class ModelDeploymentSpec(ApiModel):
    """What to serve, where, and on how many pods."""

    model_ref: NameRef = Field(
        description="The Model to serve.",
        json_schema_extra=validations(
            Rule("self == oldSelf", "spec.modelRef cannot be changed; make another ModelDeployment")
        ),
    )
    version: int | None = Field(
        None,
        description="Version to serve; absent follows the newest READY one.",
        ge=1,
        le=999999,
    )
    environment: str = Field(
        "production",
        description="Name of the environment.",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        max_length=32,
        json_schema_extra=validations(
            Rule(
                "self == oldSelf",
                "spec.environment cannot be changed; make another ModelDeployment",
            )
        ),
    )
    canary: Canary | None = Field(
        None, description="Another version to try out; absent tries none and takes one away."
    )
    replicas: int = Field(1, description="Pods, while autoscaling is off.", ge=0, le=MAX_REPLICAS)
    autoscaling: Autoscaling | None = Field(
        None,
        description="Bounds of the autoscaler; absent keeps spec.replicas.",
        json_schema_extra=validations(
            Rule(
                "self.minReplicas <= self.maxReplicas",
                "autoscaling.minReplicas must not be greater than autoscaling.maxReplicas",
            )
        ),
    )
    resources: Resources | None = Field(None, description="Requests and limits of each pod.")
    node_selector: NodeSelector | None = None
    tolerations: list[Toleration] | None = Field(
        None, description="Taints that the pods put up with.", max_length=16
    )
    drift: DriftLimits | None = Field(
        None, description="When the condition DataDrift is True; absent takes the defaults."
    )
    prediction_log: PredictionLog | None = Field(
        None, description="Keep a sample of predictions; absent keeps none."
    )


class DriftedColumn(ApiModel):
    """A column whose values are no longer those of training."""

    name: str = Field(max_length=253)
    psi: float = Field(description="Population stability index when the condition last changed.")


class CanaryStatus(ApiModel):
    """How the version that is tried out stands; the condition CanaryReady says why."""

    version: int = Field(description="Version that is tried out.", ge=0)
    weight: int = Field(
        description="Percent of predictions that it gets: 0 until its pods are ready.", ge=0, le=100
    )
    ready_replicas: int = Field(0, description="Pods of it that are ready.", ge=0)


class ModelDeploymentStatus(ApiModel):
    """What is served."""

    id: str | None = Field(None, description="Id in REST, dep_…", max_length=32)
    phase: DeploymentPhase | None = Field(None, description="Summary in one word.")
    observed_generation: int | None = Field(None, description="Generation of the spec seen.")
    endpoint: str | None = Field(None, description="Address inside the cluster.", max_length=512)
    serving_version: int | None = Field(None, description="Version that ready pods serve.", ge=0)
    target_version: int | None = Field(None, description="Version being rolled out.", ge=0)
    canary: CanaryStatus | None = Field(None, description="The version that is tried out.")
    replicas: int | None = Field(None, description="Pods there are.", ge=0)
    ready_replicas: int | None = Field(None, description="Pods that are ready.", ge=0)
    selector: str | None = Field(None, description="Label selector of the pods.", max_length=512)
    drifted_columns: list[DriftedColumn] | None = Field(
        None, description="Columns that the condition DataDrift is about.", max_length=20
    )
    conditions: Conditions = Field(default_factory=list[Condition])


class ModelDeployment(Resource):
    """One version of a Model, served in one environment behind a stable address."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="ModelDeployment",
        plural="modeldeployments",
        singular="modeldeployment",
        short_name="mdep",
        rules=(
            NAME_RULE,
            Rule(
                "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must begin with a letter and have only lower-case letters, "
                "digits and hyphens, since a Service carries it",
            ),
            Rule(
                "!has(self.spec.canary) || has(self.spec.version)",
                "spec.canary needs spec.version: with both named, neither is guessed",
            ),
            Rule(
                "!has(self.spec.canary) || !has(self.spec.version) "
                "|| self.spec.canary.version != self.spec.version",
                "spec.canary.version must not be spec.version; to promote the canary, set "
                "spec.version to it and remove spec.canary",
            ),
        ),
        columns=(
            Column("Model", "string", ".spec.modelRef.name", "Its Model."),
            Column("Environment", "string", ".spec.environment", "Its environment."),
            Column("Phase", "string", ".status.phase", "Summary."),
            Column("Version", "integer", ".status.servingVersion", "Version that answers."),
            Column("Ready", "integer", ".status.readyReplicas", "Pods that are ready."),
            REASON_COLUMN,
            AGE_COLUMN,
            Column("Canary", "integer", ".status.canary.version", "Version tried out.", wide=True),
            Column("Weight", "integer", ".status.canary.weight", "Its percent.", wide=True),
            Column("Endpoint", "string", ".status.endpoint", "Address.", wide=True),
            MESSAGE_COLUMN,
        ),
        scale={
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    )

    kind: str = "ModelDeployment"
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus = Field(default_factory=ModelDeploymentStatus)
