"""The vocabulary of decisions: writes that are due, and the status that is true."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from modelyard_crds import names
from modelyard_crds.base import ApiModel
from modelyard_crds.conditions import Condition, find, with_condition
from modelyard_crds.reasons import ConditionType, Reason
from modelyard_operator.resources.runtime import Manifest


@dataclass(frozen=True)
class Create:
    """Make an object whose name is the claim on it; one of that name that is ours is as good."""

    manifest: Manifest


@dataclass(frozen=True)
class Apply:
    """Make an object so, by server-side apply; ``why`` names what was found to differ."""

    manifest: Manifest
    why: str
    manager: str = names.FIELD_MANAGER


@dataclass(frozen=True)
class Delete:
    """Delete this very object; a new one of the same name stays."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    why: str


Write = Create | Apply | Delete


@dataclass(frozen=True)
class Refusal:
    """What the API server answered to a write of the decision before."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Decision:
    """What a reconcile came to. Writes go out in order, then the status."""

    status: ApiModel
    writes: tuple[Write, ...] = ()
    requeue_after: float | None = None
    #: A pod is to be started: the namespace needs the Secrets that pods mount.
    needs_secrets: bool = False


class Standing(Enum):
    """How an object stands: the four combinations of conditions that it can show."""

    READY = (True, False, False)
    PROGRESSING = (False, True, False)
    #: For another object, not for a person.
    WAITING = (False, False, False)
    STALLED = (False, False, True)


@dataclass(frozen=True)
class Verdict:
    """The answer of a policy: how the object stands, why, and when to look again."""

    standing: Standing
    reason: Reason
    message: str
    requeue_after: float | None = None


def judged(
    conditions: list[Condition], verdict: Verdict, *, generation: int, now: datetime
) -> list[Condition]:
    """The conditions that say a verdict: Ready, Progressing and Stalled, never in contradiction."""
    types = (ConditionType.READY, ConditionType.PROGRESSING, ConditionType.STALLED)
    for type_, holds in zip(types, verdict.standing.value, strict=True):
        conditions = with_condition(
            conditions,
            type_,
            holds,
            verdict.reason,
            verdict.message,
            generation=generation,
            now=now,
        )
    return conditions


def last_verdict(conditions: list[Condition], default: Reason) -> tuple[Reason, str]:
    """Reason and message that the conditions say; the default where they say nothing known."""
    ready = find(conditions, ConditionType.READY)
    if ready is None:
        return default, default.text
    known = next((reason for reason in Reason if reason.value == ready.reason), default)
    return known, ready.message
