"""An autoscaler without measurements is told to whoever looks at the deployment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.decision import Standing, Verdict
from modelyard_operator.reconcile.deployment_scaling import scaling_verdict
from unit.operator import samples

SERVED = Verdict(Standing.READY, Reason.READY, "Version 1 is served.")
WORDS = "unable to get metrics for resource cpu: no metrics returned"


def autoscaler(status: str, reason: str, age: int = 300) -> dict[str, Any]:
    since = (samples.NOW - timedelta(seconds=age)).isoformat()
    condition = {"type": "ScalingActive", "status": status, "reason": reason, "message": WORDS}
    return {"status": {"conditions": [condition | {"lastTransitionTime": since}]}}


BLIND = autoscaler("False", "FailedGetContainerResourceMetric")


def test_its_words_are_copied_with_what_to_look_at() -> None:
    """Pitfall 7.11."""
    told = scaling_verdict(BLIND, SERVED, samples.NOW)
    assert told is not None
    assert (told.standing, told.reason) == (Standing.READY, Reason.NO_SCALING_METRICS)
    assert "Version 1 is served." in told.message
    assert f"{WORDS}. " in told.message
    assert "metrics-server" in told.message
    assert told.requeue_after is None


def test_a_pod_that_has_just_started_has_no_measurements_yet() -> None:
    young = autoscaler("False", "FailedGetContainerResourceMetric", age=50)
    assert scaling_verdict(young, SERVED, samples.NOW) == replace(SERVED, requeue_after=70.0)


@pytest.mark.parametrize(
    "found",
    [
        None,
        {},
        {"status": {"conditions": None}},
        autoscaler("True", "ValidMetricFound"),
        autoscaler("False", "ScalingDisabled"),
    ],
)
def test_one_that_measures_or_has_nothing_to_measure_changes_nothing(
    found: dict[str, Any] | None,
) -> None:
    assert scaling_verdict(found, SERVED, samples.NOW) is None


def test_what_is_graver_is_said_first() -> None:
    starting = Verdict(Standing.PROGRESSING, Reason.ROLLING_OUT, "Pods are starting.")
    assert scaling_verdict(BLIND, starting, samples.NOW) is None
