"""The policies of a ModelVersion, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelyard_crds.build import PodResult, Progress
from modelyard_crds.conditions import find
from modelyard_crds.model_version import ModelVersion, ModelVersionStatus
from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.decision import Create, Decision, Delete, Refusal
from modelyard_operator.reconcile.job_problem import JobView
from modelyard_operator.reconcile.model_version import VersionObserved, decide_version
from modelyard_operator.reconcile.model_version_result import Published
from unit.operator import samples

BUILDING = {"phase": "BUILDING", "startedAt": "2026-03-01T11:59:00Z", "progress": 40}


def observe(version: ModelVersion | None = None, **more: Any) -> VersionObserved:
    return VersionObserved(
        version=version or samples.version(),
        now=samples.NOW,
        runtime=samples.RUNTIME,
        store_url=samples.STORE_URL,
        **more,
    )


def published(version: ModelVersion) -> Published:
    return Published(samples.manifest(version), samples.DIGEST, samples.STORE_URL)


def status_of(decision: Decision) -> ModelVersionStatus:
    assert isinstance(decision.status, ModelVersionStatus)
    return decision.status


def standing_of(decision: Decision) -> tuple[str | None, str]:
    ready = find(status_of(decision).conditions, "Ready")
    assert ready is not None
    return status_of(decision).phase, ready.reason


def running(*, state: Any = None, **job: Any) -> JobView:
    return samples.view(samples.job(**job), samples.pod(state))


def failed(state: Any, reason: str = "BackoffLimitExceeded", **pod: Any) -> JobView:
    job = samples.job(status=samples.ended("Failed", reason), activeDeadlineSeconds=3000)
    return samples.view(job, samples.pod(state, **pod))


def test_new_version_gets_its_job() -> None:
    decision = decide_version(observe())
    (create,) = decision.writes
    assert isinstance(create, Create)
    assert create.manifest["metadata"]["name"] == "churn-v1"
    assert standing_of(decision) == ("PENDING", "Pending")
    assert status_of(decision).started_at == samples.NOW
    assert decision.needs_secrets


LIFE: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
    ("pod on its way", {"view": samples.view(samples.job())}, ("PENDING", "Pending")),
    ("pod at work", {"view": running()}, ("BUILDING", "Building")),
    ("suspended", {"view": running(suspend=True)}, ("PENDING", "Suspended")),
    (
        "image missing",
        {"view": running(state={"waiting": {"reason": "ErrImagePull"}})},
        ("BUILDING", "ImagePullFailed"),
    ),
    (
        "quota",
        {"view": samples.view(samples.job(), warning="exceeded quota: cpu")},
        ("BUILDING", "QuotaExceeded"),
    ),
    (
        "refused",
        {"refusal": Refusal(Reason.FORBIDDEN_BY_POLICY, "no")},
        ("PENDING", "ForbiddenByPolicy"),
    ),
    (
        "fault of the data",
        {"view": failed(samples.user_fault())},
        ("ERROR", "TargetNotFound"),
    ),
    (
        "out of memory, at once",
        {"view": running(state=samples.terminated(137, "OOMKilled"))},
        ("ERROR", "OutOfMemory"),
    ),
    (
        "deadline",
        {"view": failed({"running": {}}, "DeadlineExceeded")},
        ("ERROR", "DeadlineExceeded"),
    ),
    (
        "node lost",
        {
            "view": failed(
                samples.terminated(137),
                status={"conditions": [{"type": "DisruptionTarget", "status": "True"}]},
            )
        },
        ("ERROR", "NodeLost"),
    ),
    ("unknown", {"view": failed(samples.terminated(1))}, ("ERROR", "TrainingFailed")),
    (
        "ended without a manifest",
        {"view": samples.view(samples.job(status=samples.ended("Complete")))},
        ("ERROR", "ArtifactMissing"),
    ),
    (
        "store away at the end",
        {
            "view": samples.view(samples.job(status=samples.ended("Complete"))),
            "store_problem": "no answer",
        },
        ("BUILDING", "StoreUnavailable"),
    ),
]


@pytest.mark.parametrize(("_name", "seen", "expected"), LIFE, ids=[case[0] for case in LIFE])
def test_life_of_a_build(_name: str, seen: dict[str, Any], expected: tuple[str, str]) -> None:
    decision = decide_version(observe(**seen))
    assert standing_of(decision) == expected
    if expected[0] in ("PENDING", "BUILDING"):
        assert decision.requeue_after is not None or expected[1] == "Suspended"


@pytest.mark.parametrize(("_name", "seen", "_"), LIFE, ids=[case[0] for case in LIFE])
def test_deciding_again_changes_nothing(_name: str, seen: dict[str, Any], _: Any) -> None:
    """Pitfall 1.7: reconcile after reconcile is one reconcile."""
    first = decide_version(observe(**seen))
    if isinstance(next(iter(first.writes), None), Create):
        return
    told = samples.version().model_copy(update={"status": first.status})
    second = decide_version(replace(observe(**seen), version=told))
    assert second.status == first.status


def test_published_manifest_makes_it_ready_whatever_became_of_the_job() -> None:
    """Pitfall 3.4."""
    version = samples.version(status=BUILDING)
    for view in (None, running(), failed(samples.terminated(1))):
        decision = decide_version(observe(version, view=view, published=published(version)))
        status = status_of(decision)
        assert standing_of(decision) == ("READY", "Ready")
        assert status.metrics == {"accuracy": 0.9, "roc_auc": 0.912346}
        assert status.artifact is not None
        assert status.artifact.digest == samples.DIGEST
        assert status.progress == 100
        assert decision.writes == ()


@pytest.mark.parametrize("phase", ["READY", "ERROR", "CANCELLED"])
def test_final_phase_stays(phase: str) -> None:
    """Pitfall 3.3: neither a missing nor a new Job moves it."""
    version = samples.version(
        status={"phase": phase, "conditions": samples.conditions("False", "TrainingFailed")}
    )
    for view in (None, running(), failed(samples.terminated(1))):
        decision = decide_version(observe(version, view=view, published=published(version)))
        assert status_of(decision).phase == phase
        assert not any(isinstance(write, Create) for write in decision.writes)


def test_job_goes_once_the_result_is_safe_and_a_failed_one_a_little_later() -> None:
    done = samples.view(samples.job(status=samples.ended("Complete")))
    ready = samples.ready_version()
    assert [type(w) for w in decide_version(observe(ready, view=done)).writes] == [Delete]
    broken = failed(samples.terminated(1))
    for age, writes in ((timedelta(minutes=1), 0), (timedelta(minutes=11), 1)):
        finished = (samples.NOW - age).isoformat()
        version = samples.version(
            status={"phase": "ERROR", "finishedAt": finished, "conditions": []}
        )
        decision = decide_version(observe(version, view=broken))
        assert len(decision.writes) == writes
        assert (decision.requeue_after is None) is bool(writes)


def test_lost_job_is_made_again_once() -> None:
    version = samples.version(status=BUILDING)
    lost = decide_version(observe(version))
    assert lost.writes == ()
    assert (status_of(lost).rebuilds, status_of(lost).started_at) == (1, None)

    again = decide_version(observe(version.model_copy(update={"status": lost.status})))
    assert [type(write) for write in again.writes] == [Create]
    lost_again = decide_version(observe(version.model_copy(update={"status": again.status})))
    assert standing_of(lost_again) == ("ERROR", "JobLost")
    assert lost_again.writes == ()


def test_cancelling_ends_the_pod_and_says_so() -> None:
    version = samples.version(status=BUILDING, cancelled=True)
    decision = decide_version(observe(version, view=running()))
    assert [type(write) for write in decision.writes] == [Delete]
    assert standing_of(decision) == ("CANCELLED", "Cancelled")


def test_progress_never_goes_back() -> None:
    version = samples.version(status=BUILDING)
    for percent, shown in ((10, 40), (70, 70)):
        progress = Progress(percent=percent, step="folds", updated_at=samples.NOW)
        decision = decide_version(observe(version, view=running(), progress=progress))
        assert status_of(decision).progress == shown
        assert status_of(decision).step == "folds"


def test_pod_that_replaces_another_is_no_news() -> None:
    version = samples.version(status={**BUILDING, "conditions": []})
    lost = samples.pod(samples.terminated(137), age=timedelta(minutes=9))
    new = samples.pod({"waiting": {"reason": "ContainerCreating"}}, uid="uid-new")
    decision = decide_version(observe(version, view=samples.view(samples.job(), lost, new)))
    assert standing_of(decision) == ("BUILDING", "Building")


def test_failure_is_explained_by_the_pod_that_knows() -> None:
    result = PodResult(reason=Reason.CONSTANT_TARGET, message="One value.")
    told = samples.pod(samples.terminated(65, result=result))
    view = samples.view(samples.job(status=samples.ended("Failed", "PodFailurePolicy")), told)
    decision = decide_version(observe(view=view))
    assert standing_of(decision) == ("ERROR", "ConstantTarget")


RANK = "batch.kubernetes.io/job-completion-index"


def several(pods: int = 3, **more: Any) -> ModelVersion:
    return samples.version(of=samples.model(training={"parallelism": pods}), **more)


def ranked(rank: int, state: Any = None, **more: Any) -> Any:
    return samples.pod(state, uid=f"uid-{rank}", labels={RANK: str(rank)}, **more)


def test_several_pods_get_a_secret_and_a_service_that_go_with_their_job() -> None:
    decision = decide_version(observe(several(), view=running(), fresh_secret="s"))
    secret, service = (write.manifest for write in decision.writes if isinstance(write, Create))
    assert (secret["kind"], secret["stringData"]) == ("Secret", {"secret": "s"})
    assert (service["kind"], service["spec"]["clusterIP"]) == ("Service", "None")
    for manifest in (secret, service):
        (owner,) = manifest["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Job", "uid-churn-v1")
    again = decide_version(observe(several(), view=running(), connected=True))
    assert again.writes == ()
    assert decide_version(observe(view=running())).writes == (), "one pod needs neither"


def test_a_job_that_is_made_again_shares_nothing_with_the_one_before() -> None:
    first, second = (several(status={**BUILDING, "rebuilds": count}) for count in (0, 1))
    assert made_for(first).isdisjoint(made_for(second))


def made_for(version: ModelVersion) -> set[str]:
    writes = decide_version(observe(version, view=running())).writes
    return {write.manifest["metadata"]["name"] for write in writes if isinstance(write, Create)}


def test_it_says_how_many_pods_work_and_which_cannot() -> None:
    waiting = ranked(2, {"waiting": {"reason": "ErrImagePull", "message": "no such image"}})
    view = samples.view(samples.job(), ranked(0), ranked(1), waiting)
    decision = decide_version(observe(several(status=BUILDING), view=view, connected=True))
    ready = find(status_of(decision).conditions, "Ready")
    assert ready is not None
    assert ready.message.startswith("The version is being trained by 2 of 3 pods. It goes on wit")
    assert "pod 2" in ready.message
    assert "no such image" in ready.message
    assert standing_of(decision) == ("BUILDING", "Building")


def test_a_helper_that_failed_does_not_fail_the_version() -> None:
    """Neither for its memory nor for good: only rank 0 decides."""
    out = ranked(1, samples.terminated(137, "OOMKilled"), age=timedelta(minutes=1))
    for status in ({"active": 1}, {"active": 1, "failedIndexes": "1-2"}):
        view = samples.view(samples.job(status=status), ranked(0), out)
        decision = decide_version(observe(several(status=BUILDING), view=view, connected=True))
        assert standing_of(decision) == ("BUILDING", "Building")
        assert "OOMKilled" not in str(status_of(decision).conditions)


@pytest.mark.parametrize("indexes", ["0", "0-1", "0,2"])
def test_where_rank_0_failed_for_good_the_others_are_not_kept_waiting(indexes: str) -> None:
    result = PodResult(reason=Reason.TRAINING_FAILED, message="A fault of ours.")
    lead = ranked(0, samples.terminated(70, result=result), age=timedelta(minutes=9))
    job = samples.job(status={"active": 2, "failedIndexes": indexes})
    view = samples.view(job, lead, ranked(1))
    decision = decide_version(observe(several(status=BUILDING), view=view, connected=True))
    assert standing_of(decision) == ("ERROR", "TrainingFailed")
    assert [type(write) for write in decision.writes] == [Delete]


def test_a_large_table_goes_on_after_a_pod_was_ended_for_its_memory() -> None:
    """Pitfall 3.2: finished fits are in the store, and the one that was too much is left out."""
    version = samples.version(status=BUILDING)
    large = version.spec.build.model_copy(update={"dataset_rows": 300_000, "dataset_columns": 10})
    spec = version.spec.model_copy(update={"build": large})
    version = version.model_copy(update={"spec": spec})
    out = running(state=samples.terminated(137, "OOMKilled"))
    assert standing_of(decide_version(observe(version, view=out))) == ("BUILDING", "Building")
    at_last = failed(samples.terminated(137, "OOMKilled"))
    assert standing_of(decide_version(observe(version, view=at_last))) == ("ERROR", "OutOfMemory")
