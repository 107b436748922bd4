"""The policies of a ModelDeployment: target, children, rollout."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelyard_crds.build import PodResult
from modelyard_crds.conditions import find, is_true
from modelyard_crds.model_deployment import ModelDeployment, ModelDeploymentStatus
from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.decision import Apply, Decision, Delete, Refusal
from modelyard_operator.reconcile.deployment_children import Children
from modelyard_operator.reconcile.facts import PodFacts
from modelyard_operator.reconcile.model_deployment import DeploymentObserved, decide_deployment
from modelyard_operator.resources.autoscaler import build_autoscaler
from modelyard_operator.resources.deployment import REPLICAS_MANAGER, Servable, build_deployment
from modelyard_operator.resources.disruption_budget import build_disruption_budget
from modelyard_operator.resources.service import build_service
from unit.operator import samples

AUTOSCALED = {"autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 5}}


def observe(deployment: ModelDeployment | None = None, **more: Any) -> DeploymentObserved:
    observed: dict[str, Any] = {
        "model": samples.model(),
        "versions": (samples.ready_version(1),),
        **more,
    }
    return DeploymentObserved(
        deployment=deployment or samples.deployment(),
        now=samples.NOW,
        runtime=samples.RUNTIME,
        **observed,
    )


def children(
    deployment: ModelDeployment, version: int = 1, *, replicas: int = 1, status: Any = None
) -> Children:
    """The children as the API server would have them after all was applied."""
    servable = Servable(version, f"uid-churn-v{version}", samples.DIGEST)
    raw = copy.deepcopy(build_deployment(deployment, servable, samples.RUNTIME))
    raw["metadata"] |= {"uid": "uid-d", "generation": 1}
    raw["spec"]["replicas"] = replicas
    raw["status"] = status if status is not None else rolled_out(replicas)
    autoscaling = deployment.spec.autoscaling
    return Children(
        deployment=raw,
        service=build_service(deployment),
        autoscaler=found(build_autoscaler(deployment, autoscaling)) if autoscaling else None,
        disruption_budget=(
            found(build_disruption_budget(deployment)) if deployment.spec.replicas > 1 else None
        ),
    )


def found(manifest: dict[str, Any]) -> dict[str, Any]:
    return {**manifest, "metadata": {**manifest["metadata"], "uid": "uid-child"}}


def rolled_out(replicas: int, **changes: Any) -> dict[str, Any]:
    return {
        "observedGeneration": 1,
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "conditions": [
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
        ],
        **changes,
    }


def starting(replicas: int = 1, **changes: Any) -> dict[str, Any]:
    progressing = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
    return rolled_out(
        replicas,
        **{"readyReplicas": 0, "availableReplicas": 0, "conditions": [progressing], **changes},
    )


def pod(version: int = 1, *, ready: bool = True, **more: Any) -> PodFacts:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return samples.pod(
        container="serve",
        labels={"modelyard.dev/version": str(version)},
        status={"conditions": [condition], **more.pop("status", {})},
        **more,
    )


def crashing(**more: Any) -> PodFacts:
    seen = {
        "restartCount": 5,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": more.pop("last", samples.terminated(1)),
    }
    return pod(ready=False, seen=seen, **more)


def status_of(decision: Decision) -> ModelDeploymentStatus:
    assert isinstance(decision.status, ModelDeploymentStatus)
    return decision.status


def standing_of(decision: Decision) -> tuple[str | None, str]:
    ready = find(status_of(decision).conditions, "Ready")
    assert ready is not None
    return status_of(decision).phase, ready.reason


def applied(decision: Decision) -> list[tuple[str, str]]:
    return [
        (write.manifest["kind"], write.manager.removeprefix("modelyard-operator"))
        for write in decision.writes
        if isinstance(write, Apply)
    ]


def test_first_ready_version_is_deployed() -> None:
    decision = decide_deployment(observe())
    assert applied(decision) == [("Service", ""), ("Deployment", "")]
    assert standing_of(decision) == ("DEPLOYING", "RollingOut")
    assert decision.needs_secrets


def test_steady_deployment_is_left_alone() -> None:
    """Pitfall 1.7: nothing to write, and the status is what it was."""
    deployment = samples.deployment()
    seen = observe(deployment, children=children(deployment), pods=(pod(),))
    first = decide_deployment(seen)
    assert first.writes == ()
    assert standing_of(first) == ("ACTIVE", "Ready")
    assert (status_of(first).serving_version, status_of(first).ready_replicas) == (1, 1)
    told = deployment.model_copy(update={"status": first.status})
    second = decide_deployment(replace(seen, deployment=told))
    assert (second.writes, second.status, second.requeue_after) == ((), first.status, None)


TARGETS: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("no model", {"model": None, "versions": ()}, ("DEPLOYING", "ModelMissing")),
    ("no version yet", {"versions": ()}, ("DEPLOYING", "NoReadyVersion")),
    (
        "version on its way",
        {"versions": (samples.version(1),)},
        ("DEPLOYING", "NoReadyVersion"),
    ),
    (
        "pinned to nothing",
        {"deployment": samples.deployment(version=9)},
        ("DEPLOYING", "VersionMissing"),
    ),
    (
        "pinned to one on its way",
        {"deployment": samples.deployment(version=2), "versions": (samples.version(2),)},
        ("DEPLOYING", "VersionNotReady"),
    ),
    (
        "pinned to a failed one",
        {
            "deployment": samples.deployment(version=2),
            "versions": (samples.version(2, status={"phase": "ERROR"}),),
        },
        ("FAILED", "VersionNotReady"),
    ),
]


@pytest.mark.parametrize(("_name", "seen", "expected"), TARGETS, ids=[c[0] for c in TARGETS])
def test_nothing_is_deployed_without_a_version(
    _name: str, seen: dict[str, Any], expected: tuple[str, str]
) -> None:
    decision = decide_deployment(observe(**seen))
    assert decision.writes == ()
    assert standing_of(decision) == expected


def test_following_takes_the_newest_ready_version_and_pinning_the_named_one() -> None:
    versions = (samples.ready_version(1), samples.ready_version(2), samples.version(3))
    followed = decide_deployment(observe(versions=versions))
    pinned = decide_deployment(observe(samples.deployment(version=1), versions=versions))
    assert (status_of(followed).target_version, status_of(pinned).target_version) == (2, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"deployment": samples.deployment(version=9)},
        {"versions": ()},
    ],
)
def test_what_runs_is_not_touched_while_the_target_cannot_be_served(change: dict[str, Any]) -> None:
    """Never serve nothing while a version changes."""
    deployment = change.get("deployment", samples.deployment())
    seen = {"children": children(samples.deployment()), "pods": (pod(),), **change}
    decision = decide_deployment(observe(**{"deployment": deployment, **seen}))
    assert not any(isinstance(write, Delete) for write in decision.writes)
    assert applied(decision) == []
    assert status_of(decision).serving_version == 1
    assert status_of(decision).phase in ("DEPLOYING", "DEGRADED")


def test_drift_is_repaired_with_the_place_named() -> None:
    deployment = samples.deployment()
    seen = children(deployment)
    assert isinstance(seen.deployment, dict)
    seen.deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "evil"
    (write,) = decide_deployment(observe(deployment, children=seen, pods=(pod(),))).writes
    assert isinstance(write, Apply)
    assert write.why == "spec.template.spec.containers[serve].image differs"


@pytest.mark.parametrize(
    ("spec", "found", "wanted"),
    [
        ({"replicas": 3}, 1, 3),
        ({"replicas": 1}, 4, 1),
        ({"replicas": 0}, 2, 0),
        ({"replicas": 2}, 2, None),
        (AUTOSCALED, 4, None),
        (AUTOSCALED, 1, None),
        ({"autoscaling": {"enabled": True, "minReplicas": 3}}, 1, 3),
        (AUTOSCALED, 0, 1),
        ({"replicas": 2, "autoscaling": {"enabled": False}}, 5, 2),
    ],
)
def test_replicas_have_a_manager_of_their_own(
    spec: dict[str, Any], found: int, wanted: int | None
) -> None:
    """Pitfalls 7.1 and 7.10: the autoscaler's number is never lowered, a fixed one is held."""
    deployment = samples.deployment(**spec)
    seen = children(deployment, replicas=found)
    decision = decide_deployment(observe(deployment, children=seen))
    scales = [
        write.manifest["spec"]["replicas"]
        for write in decision.writes
        if isinstance(write, Apply) and write.manager == REPLICAS_MANAGER
    ]
    assert scales == ([] if wanted is None else [wanted])


def test_new_deployment_of_several_pods_is_scaled_at_once() -> None:
    decision = decide_deployment(observe(samples.deployment(replicas=3)))
    assert applied(decision) == [
        ("Service", ""),
        ("Deployment", ""),
        ("Deployment", "-replicas"),
        ("PodDisruptionBudget", ""),
    ]


def test_children_no_longer_wanted_go() -> None:
    before = samples.deployment(replicas=2, **AUTOSCALED)
    seen = children(before, replicas=2)
    decision = decide_deployment(observe(samples.deployment(replicas=1), children=seen))
    gone = [write.kind for write in decision.writes if isinstance(write, Delete)]
    assert gone == ["HorizontalPodAutoscaler", "PodDisruptionBudget"]


IMAGE = pod(ready=False, seen={"state": {"waiting": {"reason": "ImagePullBackOff"}}})
MISMATCH = samples.terminated(
    1, result=PodResult(reason=Reason.ARTIFACT_MISMATCH, message="Digest differs.")
)
OVERDUE = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
REFUSED = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}]

ROLLOUTS: list[tuple[str, dict[str, Any], tuple[PodFacts, ...], tuple[str, str]]] = [
    ("starting", starting(), (pod(ready=False),), ("DEPLOYING", "RollingOut")),
    ("ready", rolled_out(1), (pod(),), ("ACTIVE", "Ready")),
    ("image missing", starting(), (IMAGE,), ("FAILED", "ImagePullFailed")),
    ("bad artifact", starting(), (crashing(last=MISMATCH),), ("FAILED", "ArtifactMismatch")),
    (
        "out of memory",
        starting(),
        (crashing(last=samples.terminated(137, "OOMKilled")),),
        ("FAILED", "OutOfMemory"),
    ),
    ("crash loop", starting(), (crashing(),), ("FAILED", "CrashLoop")),
    (
        "in time no more",
        starting(conditions=OVERDUE),
        (pod(ready=False),),
        ("FAILED", "NotProgressing"),
    ),
    ("quota", starting(conditions=REFUSED), (), ("FAILED", "QuotaExceeded")),
    (
        "old pods serve while new ones fail",
        starting(2, updatedReplicas=1, readyReplicas=1, availableReplicas=1),
        (pod(7), IMAGE),
        ("DEGRADED", "ImagePullFailed"),
    ),
    (
        "older generation",
        rolled_out(1, observedGeneration=0),
        (pod(),),
        ("DEPLOYING", "RollingOut"),
    ),
]


@pytest.mark.parametrize(
    ("_name", "status", "pods", "expected"), ROLLOUTS, ids=[c[0] for c in ROLLOUTS]
)
def test_rollout(
    _name: str, status: dict[str, Any], pods: tuple[PodFacts, ...], expected: tuple[str, str]
) -> None:
    """Pitfalls 7.6 and 7.7."""
    deployment = samples.deployment()
    seen = observe(deployment, children=children(deployment, status=status), pods=pods)
    decision = decide_deployment(seen)
    assert standing_of(decision) == expected
    degraded = find(status_of(decision).conditions, "Degraded")
    assert degraded is not None
    assert (degraded.status == "True") is (expected[0] in ("DEGRADED", "FAILED"))


@pytest.mark.parametrize(("seconds", "expected"), [(10, "CrashLoop"), (61, "Ready")])
def test_pod_has_got_over_its_crashes_after_a_minute(seconds: int, expected: str) -> None:
    """Pitfall 7.7: a process that dies two seconds after Ready is never called ready."""
    end = samples.terminated(1)
    end["terminated"]["finishedAt"] = (samples.NOW - timedelta(seconds=seconds)).isoformat()
    deployment = samples.deployment()
    shaky = pod(seen={"restartCount": 4, "lastState": end})
    seen = observe(deployment, children=children(deployment), pods=(shaky,))
    assert standing_of(decide_deployment(seen))[1] == expected


@pytest.mark.parametrize(
    ("generation", "expected"),
    [(1, ("DEGRADED", "PodUnavailable")), (0, ("DEPLOYING", "RollingOut"))],
)
def test_pod_that_is_missing_degrades_what_was_whole_and_not_what_grows(
    generation: int, expected: tuple[str, str]
) -> None:
    before = samples.conditions("True")
    for condition in before:
        condition["observedGeneration"] = generation
    deployment = samples.deployment(replicas=2, status={"conditions": before})
    status = rolled_out(2, availableReplicas=1, readyReplicas=1)
    seen = observe(
        deployment,
        children=children(deployment, replicas=2, status=status),
        pods=(pod(), pod(ready=False)),
    )
    assert standing_of(decide_deployment(seen)) == expected


@pytest.mark.parametrize(
    ("generation", "expected"), [(2, ("DEPLOYING", "RollingOut")), (1, ("ACTIVE", "Ready"))]
)
def test_new_spec_is_not_ready_by_the_pods_of_the_old_one(
    generation: int, expected: tuple[str, str]
) -> None:
    """Pitfall 1.19: the Deployment that is about to be changed is whole still.

    A repair, which no new spec asks for, takes nothing away from what is served.
    """
    told = {"conditions": samples.conditions("True"), "observedGeneration": 1}
    changed = samples.deployment(resources={"limits": {"memory": "2Gi"}}, status=told)
    metadata = changed.metadata.model_copy(update={"generation": generation})
    changed = changed.model_copy(update={"metadata": metadata})
    before = children(samples.deployment())
    decision = decide_deployment(observe(changed, children=before, pods=(pod(),)))
    assert applied(decision) == [("Deployment", "")]
    assert standing_of(decision) == expected


@pytest.mark.parametrize("applied_version", [1, 2])
def test_next_version_on_its_way_degrades_nothing(applied_version: int) -> None:
    deployment = samples.deployment(status={"conditions": samples.conditions("True")})
    status = (
        rolled_out(1)
        if applied_version == 1
        else starting(2, updatedReplicas=1, availableReplicas=1, readyReplicas=1)
    )
    seen = observe(
        deployment,
        versions=(samples.ready_version(1), samples.ready_version(2)),
        children=children(deployment, applied_version, status=status),
        pods=(pod(1), pod(2, ready=False)),
    )
    assert standing_of(decide_deployment(seen)) == ("DEPLOYING", "RollingOut")


def test_old_version_is_named_while_both_serve() -> None:
    deployment = samples.deployment()
    seen = observe(
        deployment,
        versions=(samples.ready_version(1), samples.ready_version(2)),
        children=children(deployment, 2, replicas=1, status=starting(2, updatedReplicas=1)),
        pods=(pod(1), pod(2)),
    )
    decision = decide_deployment(seen)
    assert (status_of(decision).serving_version, status_of(decision).target_version) == (1, 2)


def test_nothing_wanted_is_asleep() -> None:
    deployment = samples.deployment(replicas=0)
    seen = observe(deployment, children=children(deployment, replicas=0, status=rolled_out(0)))
    assert standing_of(decide_deployment(seen)) == ("ACTIVE", "Asleep")


def test_taken_name_is_said() -> None:
    """Pitfall 1.17."""
    refusal = Refusal(Reason.NAME_CONFLICT, "Service 'x' belongs to nobody.")
    decision = decide_deployment(observe(refusal=refusal))
    assert standing_of(decision) == ("FAILED", "NameConflict")
    assert decision.requeue_after is not None


def test_autoscaler_without_measurements_degrades_what_is_served() -> None:
    """Pitfall 7.11: it is said, and predictions go on being sent there."""
    deployment = samples.deployment(**AUTOSCALED)
    seen = children(deployment)
    assert isinstance(seen.autoscaler, dict)
    since = (samples.NOW - timedelta(minutes=3)).isoformat()
    blind = {"type": "ScalingActive", "status": "False", "lastTransitionTime": since}
    seen.autoscaler["status"] = {"conditions": [blind]}
    decision = decide_deployment(observe(deployment, children=seen, pods=(pod(),)))
    assert standing_of(decision) == ("ACTIVE", "NoScalingMetrics")
    conditions = status_of(decision).conditions
    assert (is_true(conditions, "Ready"), is_true(conditions, "Degraded")) == (True, True)


def test_one_that_is_being_deleted_says_so_and_repairs_nothing() -> None:
    going = samples.deployment()
    deleted_at = going.metadata.model_copy(update={"deletion_timestamp": samples.NOW})
    going = going.model_copy(update={"metadata": deleted_at})
    decision = decide_deployment(observe(going, pods=(pod(),)))
    assert standing_of(decision) == ("UNDEPLOYING", "Terminating")
    assert (decision.writes, decision.requeue_after) == ((), None)
