"""Which change of conditions is worth an event."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from modelyard_crds.conditions import Condition, find, is_true
from modelyard_crds.reasons import ConditionType, Reason


class Transition(NamedTuple):
    """One event to tell."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


#: Reasons for which a canary may be away without anything being wrong.
_AWAITED = frozenset({Reason.ROLLING_OUT, Reason.VERSION_MISSING, Reason.VERSION_NOT_READY})


def transitions(before: Sequence[Condition], after: Sequence[Condition]) -> Iterator[Transition]:
    """The events for changes of status or reason, of Ready and of CanaryReady.

    A message that only says it in other words is no transition; nor is it that a new object is
    being worked on, which nobody would have to be told.
    """
    ready = _moved(before, after, ConditionType.READY)
    begun = not before and is_true(after, ConditionType.PROGRESSING)
    if ready and not begun:
        bad = is_true(after, ConditionType.STALLED) or is_true(after, ConditionType.DEGRADED)
        yield Transition("Warning" if bad else "Normal", ready.reason, ready.message)
    if now := _moved(before, after, ConditionType.CANARY_READY):
        fine = now.status == "True" or now.reason in _AWAITED
        yield Transition("Normal" if fine else "Warning", f"Canary{now.reason}", now.message)


def _moved(
    before: Sequence[Condition], after: Sequence[Condition], type_: ConditionType
) -> Condition | None:
    was, now = find(before, type_), find(after, type_)
    if was and now and (was.status, was.reason) == (now.status, now.reason):
        return None
    return now
