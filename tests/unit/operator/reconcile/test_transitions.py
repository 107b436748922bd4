"""Events tell of flips, not of words."""

from __future__ import annotations

import pytest

from modelyard_crds.conditions import Condition
from modelyard_operator.reconcile.transitions import Transition, transitions
from unit.operator import samples


def conditions(*arguments: str) -> list[Condition]:
    return [Condition.model_validate(raw) for raw in samples.conditions(*arguments)]


def test_first_sight_is_told_where_it_is_not_just_begun() -> None:
    (told,) = transitions([], conditions("False", "DatasetMissing"))
    assert (told.type, told.reason) == ("Normal", "DatasetMissing")
    ready, _ = conditions("False", "Building")
    progressing = ready.model_copy(update={"type": "Progressing", "status": "True"})
    assert not [*transitions([], [ready, progressing])]


def test_other_words_are_not_told() -> None:
    """Pitfall 1.14: thirty failing pulls are one event."""
    before = conditions("False", "ImagePullFailed", "try 1", "True")
    assert not [*transitions(before, conditions("False", "ImagePullFailed", "try 2", "True"))]


def test_trouble_is_a_warning() -> None:
    (told,) = transitions(conditions("True"), conditions("False", "OutOfMemory", "", "True"))
    assert told.type == "Warning"


def canary(status: str, reason: str) -> list[Condition]:
    (ready, *_) = conditions(status, reason)
    return [*conditions("True"), ready.model_copy(update={"type": "CanaryReady"})]


@pytest.mark.parametrize(
    ("status", "reason", "type_"),
    [
        ("True", "Ready", "Normal"),
        ("False", "RollingOut", "Normal"),
        ("False", "CrashLoop", "Warning"),
    ],
)
def test_a_canary_is_told_of_by_itself(status: str, reason: str, type_: str) -> None:
    told = [*transitions(conditions("True"), canary(status, reason))]
    assert told == [Transition(type_, f"Canary{reason}", "")]  # type: ignore[arg-type]
    assert not [*transitions(canary(status, reason), conditions("True"))], "taken away"
