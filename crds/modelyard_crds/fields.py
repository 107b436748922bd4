"""Fields that several kinds share: schemas, durations, resources, training settings."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from modelyard_crds.base import ApiModel, Rule, validations

FieldType = Literal["string", "integer", "float", "boolean", "datetime"]
Metric = Literal[
    "accuracy",
    "balanced_accuracy",
    "f1_score",
    "precision",
    "recall",
    "roc_auc",
    "log_loss",
    "r2",
    "rmse",
    "mae",
    "mape",
]

MAX_COLUMNS = 500
MAX_ENUM = 200

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class FieldSchema(ApiModel):
    """One field of a model's input or output."""

    name: str = Field(description="Name of the field.", min_length=1, max_length=253)
    type: FieldType = Field(description="Type of its values in JSON.")
    description: str | None = Field(None, description="What it means.", max_length=1024)
    required: bool | None = Field(
        None,
        description="Whether a row must have it; by default what the training data shows.",
    )
    enum: list[Annotated[str, Field(max_length=253)]] | None = Field(
        None, description="The values it can have.", max_length=MAX_ENUM
    )
    minimum: float | None = Field(
        None, description="Least value; of a datetime in seconds since 1970 in UTC."
    )
    maximum: float | None = Field(
        None, description="Greatest value; of a datetime in seconds since 1970 in UTC."
    )


Schema = Annotated[
    list[FieldSchema],
    Field(
        max_length=MAX_COLUMNS,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    ),
]

# YAML writers put `cpu: 1`, so that a whole number must pass as well as text.
Quantity = Annotated[
    str,
    BeforeValidator(str),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$",
            "maxLength": 32,
            "description": "A Kubernetes quantity such as 500m or 2Gi.",
        }
    ),
]


class Resources(ApiModel):
    """Resource requests and limits of a pod's container, as in core/v1."""

    requests: dict[str, Quantity] | None = Field(
        None, description="What the scheduler reserves.", max_length=16
    )
    limits: dict[str, Quantity] | None = Field(
        None, description="What the container may use at most.", max_length=16
    )


class Toleration(ApiModel):
    """A taint that the pod puts up with, as in core/v1."""

    key: str | None = Field(None, description="Key of the taint.", max_length=316)
    operator: Literal["Exists", "Equal"] | None = Field(
        None, description="How the value is compared; Equal by default."
    )
    value: str | None = Field(None, description="Value of the taint.", max_length=63)
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint; absent stands for all."
    )
    toleration_seconds: int | None = Field(
        None, description="How long NoExecute is put up with; absent is for ever."
    )


NodeSelector = Annotated[
    dict[str, Annotated[str, Field(max_length=63)]],
    Field(description="Labels that the pod's node must have.", max_length=32),
]


#: Where nobody sets a budget, a search is over long before; a slow one ends here.
LONGEST_SEARCH = "10m"


class Training(ApiModel):
    """How to search for the model, and where its pod may run."""

    metric: Metric | None = Field(
        None, description="What to optimise; by default what suits the task."
    )
    max_iterations: int | None = Field(
        None,
        description="Most candidates to try; by default few, for an answer soon.",
        ge=1,
        le=1000,
    )
    time_budget: str | None = Field(
        None,
        description="Search this long, such as 90s, 10m or 1h30m; by default as long as it takes "
        f"for a good answer, at most {LONGEST_SEARCH}.",
        max_length=16,
        pattern=r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
        min_length=2,
    )
    seed: int = Field(0, description="Seed of everything random.", ge=0, le=2**31 - 1)
    resources: Resources | None = Field(
        None, description="Requests and limits; by default from the dataset's size."
    )
    parallelism: int = Field(
        1, description="Pods that share the search, each with the resources.", ge=1, le=16
    )
    queue_name: str | None = Field(
        None, description="Kueue LocalQueue that admits the Job.", max_length=63
    )
    priority_class_name: str | None = Field(
        None, description="PriorityClass of the pod.", max_length=253
    )
    node_selector: NodeSelector | None = None
    tolerations: list[Toleration] | None = Field(
        None, description="Taints that the pod puts up with.", max_length=16
    )

    @property
    def budget_seconds(self) -> int:
        """When a search ends at the latest, from its beginning."""
        return seconds_of(self.time_budget or LONGEST_SEARCH)


class Source(ApiModel):
    """Where a dataset's content is: an address or a finished upload."""

    uri: str | None = Field(
        None,
        description=(
            "Address of the file: s3://bucket/key, gs://bucket/key, az://container/key, "
            "https://host/path, or example://NAME for a data set that the runtime image ships."
        ),
        max_length=2048,
        pattern=r"^(s3|gs|az|https|example)://.+$",
    )
    upload: str | None = Field(
        None,
        description="Id of a finished upload of this namespace, upload_…",
        pattern=r"^upload_[a-z0-9]{12}$",
        max_length=32,
    )
    credentials_secret_ref: "SecretRef | None" = Field(
        None, description="Secret whose keys open the address, such as AWS_ACCESS_KEY_ID."
    )


class SecretRef(ApiModel):
    """A Secret of the same namespace."""

    name: str = Field(description="Name of the Secret.", min_length=1, max_length=253)


Source.model_rebuild()

ONE_SOURCE = validations(
    Rule("has(self.uri) != has(self.upload)", "exactly one of uri and upload must be given")
)


def seconds_of(duration: str) -> int:
    """Seconds of a duration such as ``1h30m``.

    Raises ValueError when the text is not one.
    """
    match = _DURATION.fullmatch(duration)
    if not duration or match is None:
        msg = f"{duration!r} is not a duration such as 90s, 10m or 1h30m"
        raise ValueError(msg)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def schema_by_name(schema: list[FieldSchema] | None) -> dict[str, Any]:
    """The REST form of a schema: field name to type, or to a fragment where more is known."""
    return {field.name: _rest_form(field) for field in schema or []}


def _rest_form(field: FieldSchema) -> Any:
    fragment = field.to_json()
    del fragment["name"]
    return fragment["type"] if set(fragment) == {"type"} else fragment
