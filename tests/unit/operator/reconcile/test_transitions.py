"""Events tell of flips, not of words."""

from __future__ import annotations

from modelyard_crds.conditions import Condition
from modelyard_operator.reconcile.transitions import transition
from unit.operator import samples


def conditions(*arguments: str) -> list[Condition]:
    return [Condition.model_validate(raw) for raw in samples.conditions(*arguments)]


def test_first_sight_is_told() -> None:
    told = transition([], conditions("False", "Building"))
    assert told is not None
    assert (told.type, told.reason) == ("Normal", "Building")


def test_other_words_are_not_told() -> None:
    """Pitfall 1.14: thirty failing pulls are one event."""
    before = conditions("False", "ImagePullFailed", "try 1", "True")
    assert transition(before, conditions("False", "ImagePullFailed", "try 2", "True")) is None


def test_trouble_is_a_warning() -> None:
    told = transition(conditions("True"), conditions("False", "OutOfMemory", "", "True"))
    assert told is not None
    assert told.type == "Warning"
