"""Conditions, and the one function that sets them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from modelyard_crds.base import ApiModel
from modelyard_crds.reasons import ConditionType, Reason

MESSAGE_MAX_LENGTH = 1024

ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(ApiModel):
    """An observation of the object, keyed by type (Kubernetes API conventions)."""

    type: str = Field(description="Kind of the observation.", max_length=316)
    status: ConditionStatus = Field(description="Whether it holds.")
    reason: str = Field(
        description="One CamelCase word; docs/reference/conditions.md lists them.",
        max_length=256,
        pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
    )
    message: str = Field(
        "", description="The cause and the next step, for a person.", max_length=32768
    )
    last_transition_time: datetime = Field(description="When status last changed.")
    observed_generation: int | None = Field(
        None, description="The generation of the spec that this speaks about.", ge=0
    )


Conditions = Annotated[
    list[Condition],
    Field(
        description="Observations by type.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
        max_length=16,
    ),
]


def rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC with Z and whole seconds, as the API server stores times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shorten(message: str, limit: int = MESSAGE_MAX_LENGTH) -> str:
    """The message, cut to limit characters so that no status can outgrow what etcd accepts."""
    return message if len(message) <= limit else message[: limit - 1] + "…"


def find(conditions: Sequence[Condition], type_: str) -> Condition | None:
    """The condition of a type, or None."""
    return next((condition for condition in conditions if condition.type == type_), None)


def is_true(conditions: Sequence[Condition], type_: str) -> bool:
    """Whether the condition of a type is there and True."""
    condition = find(conditions, type_)
    return condition is not None and condition.status == "True"


def with_condition(
    conditions: Sequence[Condition],
    type_: ConditionType,
    holds: bool | None,
    reason: Reason,
    message: str,
    *,
    generation: int,
    now: datetime,
) -> list[Condition]:
    """The conditions with one set; lastTransitionTime moves only when its status flips.

    ``holds`` None stands for Unknown. Other conditions, also foreign ones, stay as they are.
    """
    status: ConditionStatus = "Unknown" if holds is None else "True" if holds else "False"
    before = find(conditions, type_)
    flipped = before is None or before.status != status
    condition = Condition(
        type=type_.value,
        status=status,
        reason=reason.value,
        message=shorten(message),
        last_transition_time=(
            now.astimezone(UTC).replace(microsecond=0)
            if before is None or flipped
            else before.last_transition_time
        ),
        observed_generation=generation,
    )
    others = [other for other in conditions if other.type != type_.value]
    return sorted([*others, condition], key=lambda item: item.type)
