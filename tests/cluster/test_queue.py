"""A build in a queue: a stand-in for Kueue admits its Job, takes it back, and admits it again."""

from __future__ import annotations

import pytest

from support import objects
from support.durations import LONG, MEDIUM
from support.kubectl import Kubectl, condition

pytestmark = pytest.mark.cluster

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


def admit(kubectl: Kubectl, admitted: bool) -> None:
    kubectl.patch("job", "tumours-v1", {"spec": {"suspend": not admitted}})


def test_a_queued_build_waits_without_being_stuck_and_nobody_fights_the_queue(
    kubectl: Kubectl,
) -> None:
    """Pitfall 3.11."""
    training = {"maxIterations": 3, "timeBudget": "60s", "queueName": "gold"}
    kubectl.apply(objects.dataset(), objects.model(training=training))
    model = kubectl.wait_reason("model", "tumours", "Suspended", within=LONG)
    assert "waits in queue gold" in condition(model, "Ready")["message"]
    assert condition(model, "Stalled")["status"] == "False"
    job = kubectl.get("job", "tumours-v1")
    assert job is not None
    assert job["metadata"]["labels"][QUEUE_LABEL] == "gold"
    kubectl.never("job", "tumours-v1", lambda seen: not seen["spec"]["suspend"])

    admit(kubectl, True)
    kubectl.wait(
        "modelversion",
        "tumours-v1",
        lambda seen: seen["status"]["phase"] == "BUILDING",
        within=MEDIUM,
        what="BUILDING",
    )
    admit(kubectl, False)
    kubectl.wait_reason("modelversion", "tumours-v1", "Suspended", within=MEDIUM)
    admit(kubectl, True)
    ready = kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    assert ready["status"]["latestVersion"] == 1
