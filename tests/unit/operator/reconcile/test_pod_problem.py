"""What a pod says about its trouble becomes a reason, and words with a next step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.facts import PodFacts
from modelyard_operator.reconcile.pod_problem import Context, problem_of
from unit.operator import samples

CONTEXT = Context(samples.NOW, "spec.training.resources")
UNSCHEDULABLE = {
    "phase": "Pending",
    "containerStatuses": [],
    "conditions": [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient memory.",
        }
    ],
}


def waiting(reason: str) -> PodFacts:
    return samples.pod({"waiting": {"reason": reason, "message": "words of the kubelet"}})


@pytest.mark.parametrize(
    ("pod", "reason", "words"),
    [
        (waiting("ErrImagePull"), Reason.IMAGE_PULL_FAILED, "words of the kubelet"),
        (waiting("ImagePullBackOff"), Reason.IMAGE_PULL_FAILED, "modelyard/inference:1"),
        (waiting("InvalidImageName"), Reason.IMAGE_PULL_FAILED, "InvalidImageName"),
        (waiting("CreateContainerConfigError"), Reason.CONTAINER_CONFIG_ERROR, "kubelet"),
        (waiting("RunContainerError"), Reason.CONTAINER_CONFIG_ERROR, "kubelet"),
        (samples.pod(status=UNSCHEDULABLE), Reason.UNSCHEDULABLE, "3 Insufficient memory"),
        (
            samples.pod(samples.terminated(137, "OOMKilled")),
            Reason.OUT_OF_MEMORY,
            "limit of 2Gi and was ended. Set spec.training.resources.limits.memory to at least 4Gi",
        ),
        (
            samples.pod(seen={"lastState": samples.terminated(137, "OOMKilled")}),
            Reason.OUT_OF_MEMORY,
            "2Gi",
        ),
    ],
)
def test_trouble_has_reason_and_words(pod: PodFacts, reason: Reason, words: str) -> None:
    """Pitfalls 3.1 and 3.6."""
    problem = problem_of(pod, CONTEXT)
    assert problem is not None
    assert problem.reason is reason
    assert words in problem.message


@pytest.mark.parametrize(
    "pod",
    [
        samples.pod(),
        waiting("ContainerCreating"),
        waiting("PodInitializing"),
        samples.pod(samples.terminated(0, "Completed")),
        samples.pod(status=UNSCHEDULABLE, age=timedelta(seconds=1)),
    ],
)
def test_pod_on_its_way_has_no_trouble(pod: PodFacts) -> None:
    assert problem_of(pod, CONTEXT) is None


def test_sidecar_is_not_looked_at() -> None:
    """Pitfall 3.10: our container's state counts."""
    raw = samples.raw_pod(samples.terminated(0, "Completed"))
    raw["status"]["containerStatuses"].insert(
        0, {"name": "mesh", "state": {"waiting": {"reason": "ErrImagePull"}}}
    )
    assert problem_of(PodFacts.of(raw, "train"), CONTEXT) is None


def test_cut_termination_message_counts_as_none() -> None:
    """Pitfall 3.5."""
    state = samples.terminated(65)
    state["terminated"]["message"] = '{"reason": "TargetNotFo'
    end = samples.pod(state).terminated
    assert end is not None
    assert end.result is None
