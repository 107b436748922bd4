"""Dataset: is its present source read, is a pod reading it, may reading be tried again?"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from modelyard_crds import names
from modelyard_crds.build import Profile
from modelyard_crds.dataset import Dataset
from modelyard_crds.fields import MAX_COLUMNS
from modelyard_crds.reasons import RETRIABLE_SOURCE, Reason
from modelyard_operator.reconcile.decision import (
    Create,
    Decision,
    Delete,
    Refusal,
    Standing,
    Verdict,
    Write,
    judged,
    last_verdict,
)
from modelyard_operator.reconcile.facts import JobFacts
from modelyard_operator.reconcile.job_problem import (
    JobView,
    Words,
    ended_by_memory,
    failure,
    obstacle,
)
from modelyard_operator.reconcile.pod_problem import Problem
from modelyard_operator.resources.profile_job import build_profile_job
from modelyard_operator.resources.runtime import Runtime

#: Waits between readings of a source that does not answer: 15 s, 30 s, … 10 min.
FIRST_RETRY = timedelta(seconds=15)
LAST_RETRY = timedelta(minutes=10)
#: How often a pod that does not start is looked at without an event.
LOOK_AGAIN = 5.0
REFUSED_AGAIN = 20.0

WORDS = Words(
    resources_field="spec.resources",
    deadline_field="Make the dataset smaller or bring it nearer.",
    unknown=Reason.PROFILING_FAILED,
)


@dataclass(frozen=True)
class DatasetObserved:
    """All that a decision on a Dataset rests on."""

    dataset: Dataset
    now: datetime
    runtime: Runtime
    #: The Job for the present source.
    current: JobView | None = None
    #: Jobs for sources that the spec named before.
    outdated: tuple[JobFacts, ...] = ()
    #: What the store has for the present source.
    profile: Profile | None = None
    store_problem: str = ""
    refusal: Refusal | None = None

    @property
    def source_hash(self) -> str:
        """The hash of the present source."""
        return source_hash(self.dataset)


@dataclass(frozen=True)
class _Answer:
    verdict: Verdict
    phase: str
    writes: tuple[Write, ...] = ()
    found: dict[str, Any] | None = None


def source_hash(dataset: Dataset) -> str:
    """The hash of all that decides what is read."""
    refresh = dataset.metadata.annotations.get(names.ANNOTATION_REFRESH, "")
    return names.content_hash(dataset.source_key(refresh))


def decide_dataset(seen: DatasetObserved) -> Decision:
    """What is due for a Dataset, and how it stands."""
    answer = next(answer for policy in _POLICIES if (answer := policy(seen)))
    outdated = tuple(
        _delete(seen, job, "the spec names another source now") for job in seen.outdated
    )
    before = seen.dataset.status
    generation = seen.dataset.metadata.generation
    status = before.model_copy(
        update={
            "id": names.dataset_id(seen.dataset.metadata.uid),
            "phase": answer.phase,
            "observed_generation": generation,
            **(answer.found or {}),
            "conditions": judged(
                list(before.conditions), answer.verdict, generation=generation, now=seen.now
            ),
        }
    )
    return Decision(
        status=status,
        writes=outdated + answer.writes,
        requeue_after=answer.verdict.requeue_after,
        needs_secrets=_starts_a_pod(answer),
    )


def _starts_a_pod(answer: _Answer) -> bool:
    creates = any(isinstance(write, Create) for write in answer.writes)
    return creates or answer.verdict.reason is Reason.SECRET_MISSING


def _settled(seen: DatasetObserved) -> _Answer | None:
    """The source was read, or cannot be until somebody changes something: nothing is due."""
    status = seen.dataset.status
    if status.source_hash != seen.source_hash:
        return None
    default = Reason.READY if status.phase == "READY" else Reason.PROFILING_FAILED
    reason, message = last_verdict(status.conditions, default)
    if status.phase == "READY":
        standing = Standing.READY
    elif status.phase == "ERROR" and reason not in RETRIABLE_SOURCE:
        standing = Standing.STALLED
    else:
        return None
    done = (_delete(seen, seen.current.job, "its result is safe"),) if seen.current else ()
    return _Answer(Verdict(standing, reason, message), str(status.phase), done)


def _refused(seen: DatasetObserved) -> _Answer | None:
    if seen.refusal is None:
        return None
    verdict = Verdict(
        Standing.STALLED, seen.refusal.reason, seen.refusal.message, requeue_after=REFUSED_AGAIN
    )
    return _Answer(verdict, "PENDING")


def _unstarted(seen: DatasetObserved) -> _Answer | None:
    if seen.current is not None:
        return None
    job = build_profile_job(seen.dataset, seen.source_hash, seen.runtime)
    return replace(_reading(seen), writes=(Create(job),))


def _read(seen: DatasetObserved) -> _Answer | None:
    profile = seen.profile
    if profile is None or seen.current is None or not seen.current.job.succeeded:
        return None
    text = f"{profile.rows} rows and {profile.column_count} columns were read."
    found = {
        "source_hash": seen.source_hash,
        "attempts": None,
        "digest": profile.digest,
        "rows": profile.rows,
        "size_bytes": profile.size_bytes,
        "columns": list(profile.columns[:MAX_COLUMNS]),
        "column_count": profile.column_count,
    }
    return _Answer(Verdict(Standing.READY, Reason.READY, text), "READY", found=found)


def _ended(seen: DatasetObserved) -> _Answer | None:
    view = seen.current
    if view is None:
        return None
    if view.job.succeeded:
        problem = Problem(
            Reason.STORE_UNAVAILABLE,
            "The profile was written but cannot be read: "
            f"{seen.store_problem or 'it is not in the store'}.",
        )
        return _failed(seen, view, problem)
    if view.job.failed:
        return _failed(seen, view, failure(view, WORDS, seen.now))
    problem_in_pod = ended_by_memory(view, WORDS, seen.now)
    return _failed(seen, view, problem_in_pod) if problem_in_pod else None


def _failed(seen: DatasetObserved, view: JobView, problem: Problem) -> _Answer:
    if problem.reason in RETRIABLE_SOURCE:
        return _retried(seen, view, problem)
    found = {"source_hash": seen.source_hash, "attempts": None}
    done = _delete(seen, view.job, "its result is safe")
    verdict = Verdict(Standing.STALLED, problem.reason, problem.message)
    return _Answer(verdict, "ERROR", (done,), found)


def _retried(seen: DatasetObserved, view: JobView, problem: Problem) -> _Answer:
    attempts = seen.dataset.status.attempts or 0
    ended_at = view.job.ended_at or seen.now
    wait = ended_at + retry_delay(attempts) - seen.now
    message = f"{problem.message} It is tried again by itself."
    found = {"source_hash": seen.source_hash, "attempts": attempts}
    if wait > timedelta(0):
        verdict = Verdict(Standing.STALLED, problem.reason, message, wait.total_seconds())
        return _Answer(verdict, "ERROR", found=found)
    verdict = Verdict(Standing.STALLED, problem.reason, message)
    again = _delete(seen, view.job, "the source is tried again")
    return _Answer(verdict, "ERROR", (again,), {**found, "attempts": attempts + 1})


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after this many failed readings."""
    return min(LAST_RETRY, FIRST_RETRY * float(2 ** min(attempts, 10)))


def _hindered(seen: DatasetObserved) -> _Answer | None:
    problem = obstacle(seen.current, WORDS, seen.now) if seen.current else None
    if problem is None:
        return None
    verdict = Verdict(Standing.STALLED, problem.reason, problem.message, requeue_after=LOOK_AGAIN)
    return _Answer(verdict, "PROFILING")


def _reading(seen: DatasetObserved) -> _Answer:
    status = seen.dataset.status
    if status.attempts and status.source_hash == seen.source_hash:
        # A try after a failure shows the failure until it ends, so that nothing flaps.
        reason, message = last_verdict(status.conditions, Reason.SOURCE_UNREACHABLE)
        verdict = Verdict(Standing.STALLED, reason, message, requeue_after=LOOK_AGAIN)
        return _Answer(verdict, "ERROR")
    verdict = Verdict(
        Standing.PROGRESSING,
        Reason.PROFILING,
        "A pod is reading the content.",
        requeue_after=LOOK_AGAIN,
    )
    found = {} if status.source_hash == seen.source_hash else {"attempts": None}
    return _Answer(verdict, "PROFILING", found=found)


def _delete(seen: DatasetObserved, job: JobFacts, why: str) -> Delete:
    return Delete("batch/v1", "Job", seen.dataset.metadata.namespace, job.name, job.uid, why)


_POLICIES: tuple[Callable[[DatasetObserved], _Answer | None], ...] = (
    _settled,
    _refused,
    _unstarted,
    _read,
    _ended,
    _hindered,
    _reading,
)
