"""The policies of a Dataset, as a table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from modelyard_crds.build import PodResult, Profile
from modelyard_crds.conditions import find
from modelyard_crds.dataset import Dataset, DatasetStatus
from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.dataset import (
    DatasetObserved,
    decide_dataset,
    retry_delay,
    source_hash,
)
from modelyard_operator.reconcile.decision import Create, Decision, Delete, Refusal
from modelyard_operator.reconcile.job_problem import start_problem
from modelyard_operator.resources.profile_job import build_profile_job
from unit.operator import samples

PROFILE = Profile(
    digest=samples.DIGEST, rows=10, size_bytes=99, column_count=0, columns=[], format="csv"
)


def observe(dataset: Dataset, **more: Any) -> DatasetObserved:
    return DatasetObserved(dataset=dataset, now=samples.NOW, runtime=samples.RUNTIME, **more)


def status_of(decision: Decision) -> DatasetStatus:
    assert isinstance(decision.status, DatasetStatus)
    return decision.status


def reason_of(decision: Decision) -> str:
    ready = find(status_of(decision).conditions, "Ready")
    assert ready is not None
    return ready.reason


def with_status(dataset: Dataset, decision: Decision) -> Dataset:
    return dataset.model_copy(update={"status": status_of(decision)})


def failed(reason: Reason, code: int = 65, at: Any = samples.NOW) -> Any:
    result = PodResult(reason=reason, message="Words.")
    ended = samples.pod(samples.terminated(code, result=result), container="profile")
    return samples.view(samples.job(status=samples.ended("Failed", at=at)), ended)


def test_unread_source_gets_one_job() -> None:
    decision = decide_dataset(observe(samples.dataset(ready=False)))
    (create,) = decision.writes
    assert isinstance(create, Create)
    assert create.manifest["kind"] == "Job"
    assert decision.needs_secrets
    assert (status_of(decision).phase, reason_of(decision)) == ("PROFILING", "Profiling")


def test_profile_makes_it_ready() -> None:
    done = samples.view(samples.job(status=samples.ended("Complete")))
    unread = samples.dataset(ready=False)
    decision = decide_dataset(observe(unread, current=done, profile=PROFILE))
    assert status_of(decision).phase == "READY"
    assert status_of(decision).digest == samples.DIGEST
    # The Job goes only after the status is safe.
    assert decision.writes == ()
    again = decide_dataset(observe(with_status(unread, decision), current=done))
    assert [type(write) for write in again.writes] == [Delete]
    assert again.status == decision.status


def test_steady_dataset_is_left_alone() -> None:
    done = samples.view(samples.job(status=samples.ended("Complete")))
    unread = samples.dataset(ready=False)
    ready = with_status(unread, decide_dataset(observe(unread, current=done, profile=PROFILE)))
    decision = decide_dataset(observe(ready))
    assert (decision.writes, decision.status, decision.requeue_after) == ((), ready.status, None)


@pytest.mark.parametrize("reason", [Reason.EMPTY_FILE, Reason.NO_HEADER, Reason.NOT_TABULAR])
def test_fault_of_the_data_is_final_until_the_source_changes(reason: Reason) -> None:
    dataset = samples.dataset(ready=False)
    decision = decide_dataset(observe(dataset, current=failed(reason)))
    assert (status_of(decision).phase, reason_of(decision)) == ("ERROR", reason.value)
    after = with_status(dataset, decision)
    assert decide_dataset(observe(after)).writes == ()

    corrected = samples.dataset(ready=False, source={"uri": "s3://bucket/better.csv"})
    corrected = corrected.model_copy(update={"status": after.status})
    again = decide_dataset(observe(corrected))
    assert [type(write) for write in again.writes] == [Create]
    assert reason_of(again) == "Profiling"


def test_unreachable_source_is_tried_again_after_a_while() -> None:
    dataset = samples.dataset(ready=False)
    fresh = failed(Reason.SOURCE_UNREACHABLE, 75)
    decision = decide_dataset(observe(dataset, current=fresh))
    assert decision.writes == ()
    assert decision.requeue_after == 15
    assert (status_of(decision).phase, reason_of(decision)) == ("ERROR", "SourceUnreachable")

    old = failed(Reason.SOURCE_UNREACHABLE, 75, at=samples.NOW - timedelta(seconds=15))
    due = decide_dataset(observe(with_status(dataset, decision), current=old))
    assert [type(write) for write in due.writes] == [Delete]
    assert status_of(due).attempts == 1

    # While the next try runs nothing flaps.
    retried = with_status(dataset, due)
    running = decide_dataset(observe(retried))
    assert [type(write) for write in running.writes] == [Create]
    assert reason_of(running) == "SourceUnreachable"


def test_waits_double_up_to_ten_minutes() -> None:
    waits = [retry_delay(attempts).total_seconds() for attempts in range(12)]
    assert waits[:4] == [15, 30, 60, 120]
    assert max(waits) == 600


def test_metadata_changes_read_nothing_again() -> None:
    renamed = samples.dataset(description="x")
    assert source_hash(renamed) == source_hash(samples.dataset())
    refreshed = samples.dataset().model_copy(
        update={
            "metadata": samples.dataset().metadata.model_copy(
                update={"annotations": {"modelyard.dev/refresh": "1"}}
            )
        }
    )
    assert source_hash(refreshed) != source_hash(samples.dataset())


def test_what_a_failed_reading_lacked_reads_again() -> None:
    """More memory is what a reading needs that ran out of it."""
    roomy = samples.dataset(resources={"limits": {"memory": "8Gi"}})
    assert source_hash(roomy) != source_hash(samples.dataset())
    job = build_profile_job(roomy, source_hash(roomy), samples.RUNTIME)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "8Gi"


def test_a_pod_that_is_refused_again_is_refused_in_the_same_words() -> None:
    """Pitfall 1.7: each try has a pod of another name."""
    told = {
        start_problem(f'Error creating: pods "x-{n}" is forbidden: exceeded quota: q', "f").message
        for n in range(3)
    }
    assert len(told) == 1


def test_jobs_of_earlier_sources_go() -> None:
    old = samples.job("table-p1234567")
    decision = decide_dataset(observe(samples.dataset(ready=False), outdated=(old,)))
    assert [type(write) for write in decision.writes] == [Delete, Create]


def test_refusal_is_said_and_tried_again() -> None:
    refusal = Refusal(Reason.QUOTA_EXCEEDED, "exceeded quota: jobs")
    decision = decide_dataset(observe(samples.dataset(ready=False), refusal=refusal))
    assert reason_of(decision) == "QuotaExceeded"
    assert decision.requeue_after is not None
    stalled = find(status_of(decision).conditions, "Stalled")
    assert stalled is not None
    assert stalled.status == "True"


@pytest.mark.parametrize(
    ("warning", "reason"),
    [
        ('MountVolume.SetUp failed for volume "source": secret "keys" not found', "SecretMissing"),
        ('pods "x" is forbidden: exceeded quota: q', "QuotaExceeded"),
        (
            'pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi',
            "LimitRangeExceeded",
        ),
        ("violates PodSecurity", "ForbiddenByPolicy"),
    ],
)
def test_pod_that_does_not_start_says_why(warning: str, reason: str) -> None:
    waiting = samples.view(samples.job(), warning=warning)
    decision = decide_dataset(observe(samples.dataset(ready=False), current=waiting))
    assert reason_of(decision) == reason
    assert decision.requeue_after is not None
