"""Hands are put right, controllers are reported."""

from __future__ import annotations

import pytest

from modelyard_operator.cluster.repairs import MOST_REPAIRS, WINDOW, Repairs
from modelyard_operator.errors import RefusedError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_endless_repair_becomes_a_condition() -> None:
    """Pitfall 1.7: two controllers that put one field back and forth."""
    clock = Clock()
    repairs = Repairs(clock)
    for _ in range(MOST_REPAIRS):
        repairs.note("Deployment", "team-a", "churn", "spec.replicas is 3, not 1")
        clock.now += 1
    with pytest.raises(RefusedError, match=r"Something keeps changing Deployment 'churn'"):
        repairs.note("Deployment", "team-a", "churn", "spec.replicas is 3, not 1")
    repairs.note("Deployment", "team-a", "other", "spec.replicas is 3, not 1")
    clock.now += WINDOW
    repairs.note("Deployment", "team-a", "churn", "spec.replicas is 3, not 1")
