"""Which change of conditions is worth an event."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from modelyard_crds.conditions import Condition, find, is_true
from modelyard_crds.reasons import ConditionType


class Transition(NamedTuple):
    """One event to tell."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def transition(before: Sequence[Condition], after: Sequence[Condition]) -> Transition | None:
    """The event for a change of Ready's status or reason; None where neither moved.

    A message that only says it in other words is no transition.
    """
    was, now = find(before, ConditionType.READY), find(after, ConditionType.READY)
    if now is None or (was is not None and (was.status, was.reason) == (now.status, now.reason)):
        return None
    bad = is_true(after, ConditionType.STALLED) or is_true(after, ConditionType.DEGRADED)
    return Transition("Warning" if bad else "Normal", now.reason, now.message)
