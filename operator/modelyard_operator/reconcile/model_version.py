"""ModelVersion: is it built, is its one Job running, how did it end?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from modelyard_crds import names
from modelyard_crds.build import Progress
from modelyard_crds.memory import is_large
from modelyard_crds.model_version import ModelVersion
from modelyard_crds.reasons import Reason
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
from modelyard_operator.reconcile.job_problem import (
    JobView,
    Words,
    ended_by_memory,
    failure,
    obstacle,
    team,
)
from modelyard_operator.reconcile.model_version_result import (
    Published,
    logs_address,
    result_fields,
    summary,
)
from modelyard_operator.reconcile.pod_problem import Problem
from modelyard_operator.resources.runtime import Runtime
from modelyard_operator.resources.training_job import build_training_job
from modelyard_operator.resources.training_pods import (
    build_pods_secret,
    build_pods_service,
    leader,
)

#: How often the progress of a build is read from the store, at the most and at the least. That it
#: has ended is learnt from its Job and pod at once.
PROGRESS_INTERVAL = 2.0
LONGEST_PROGRESS_INTERVAL = 30.0
#: So many builds are looked at a second: with 200 side by side each is every 4 s.
LOOKS_A_SECOND = 50
REFUSED_AGAIN = 20.0
STORE_AGAIN = 10.0
#: A Job that was deleted mid-build is made again this often, then the version is given up.
MAX_REBUILDS = 1
#: The Job of a failed build stays for a look at its pods.
FAILED_JOB_KEPT = timedelta(minutes=10)

#: One sentence for a Job and for its pod, so that a pod that is there is no status to write.
STARTING = "The build's Job was made; its pod is starting."

WORDS = Words(
    resources_field="spec.training.resources",
    deadline_field="Give the pod more CPU (spec.training.resources) or raise "
    "spec.training.timeBudget: the Job may take twice that and half an hour.",
    unknown=Reason.TRAINING_FAILED,
)


@dataclass(frozen=True)
class VersionObserved:
    """All that a decision on a ModelVersion rests on."""

    version: ModelVersion
    now: datetime
    runtime: Runtime
    store_url: str
    view: JobView | None = None
    published: Published | None = None
    progress: Progress | None = None
    store_problem: str = ""
    refusal: Refusal | None = None
    #: How many Jobs there are, of all versions.
    jobs: int = 1
    #: Whether the Service is there by which the pods of a build find each other.
    connected: bool = False
    #: A secret for those pods, of which nothing is known before it is used.
    fresh_secret: str = ""

    @property
    def interval(self) -> float:
        """Seconds until the build is looked at again."""
        return min(LONGEST_PROGRESS_INTERVAL, max(PROGRESS_INTERVAL, self.jobs / LOOKS_A_SECOND))

    @property
    def model_uid(self) -> str:
        """The uid of the Model, from which public ids derive."""
        owners = self.version.metadata.owner_references
        return next((o.uid for o in owners if o.kind == "Model"), self.version.metadata.uid)

    @property
    def job_id(self) -> str:
        """The build's id in REST."""
        return names.job_id(self.model_uid, self.version.spec.version)


@dataclass(frozen=True)
class _Answer:
    verdict: Verdict
    phase: str
    writes: tuple[Write, ...] = ()
    found: dict[str, Any] | None = None


def decide_version(seen: VersionObserved) -> Decision:
    """What is due for a ModelVersion, and how it stands."""
    answer = next(answer for policy in _POLICIES if (answer := policy(seen)))
    before = seen.version.status
    generation = seen.version.metadata.generation
    status = before.model_copy(
        update={
            "id": names.version_id(seen.model_uid, seen.version.spec.version),
            "job_id": seen.job_id,
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
        writes=(*answer.writes, *_connections(seen)),
        requeue_after=answer.verdict.requeue_after,
        needs_secrets=any(isinstance(write, Create) for write in answer.writes)
        or answer.verdict.reason is Reason.SECRET_MISSING,
    )


def _connections(seen: VersionObserved) -> tuple[Write, ...]:
    """What the pods of a build of several lack to find and trust each other.

    The Secret first: while its creation is not known to have worked, the Service is missing.
    """
    version, view = seen.version, seen.view
    over = version.ended or version.spec.cancelled or seen.refusal is not None
    if view is None or view.job.ended or over or seen.connected or leader(version) is None:
        return ()
    return (
        Create(build_pods_secret(version, view.job.uid, seen.fresh_secret)),
        Create(build_pods_service(version, view.job.uid)),
    )


def _final(seen: VersionObserved) -> _Answer | None:
    """A final phase stays; the Job goes once nothing can be learnt from it any more."""
    status = seen.version.status
    if not seen.version.ended:
        return None
    ready = status.phase == "READY"
    reason, message = last_verdict(
        status.conditions, Reason.READY if ready else Reason.TRAINING_FAILED
    )
    standing = Standing.READY if ready else Standing.STALLED
    writes: tuple[Write, ...] = ()
    wait = None
    if seen.view is not None:
        kept_until = (status.finished_at or seen.now) + FAILED_JOB_KEPT
        keep = status.phase == "ERROR" and seen.view.job.failed and seen.now < kept_until
        wait = (kept_until - seen.now).total_seconds() if keep else None
        writes = () if keep else (_delete(seen, seen.view, "its result is safe"),)
    verdict = Verdict(standing, reason, message, requeue_after=wait)
    return _Answer(verdict, str(status.phase), writes)


def _cancelled(seen: VersionObserved) -> _Answer | None:
    if not seen.version.spec.cancelled:
        return None
    message = "The build was cancelled; annotate the Model with a new modelyard.dev/retrain."
    writes = (_delete(seen, seen.view, "the version was cancelled"),) if seen.view else ()
    verdict = Verdict(Standing.STALLED, Reason.CANCELLED, message)
    return _Answer(verdict, "CANCELLED", writes, {"finished_at": seen.now, "step": None})


def _published(seen: VersionObserved) -> _Answer | None:
    if seen.published is None:
        return None
    manifest = seen.published.manifest
    verdict = Verdict(Standing.READY, Reason.READY, summary(manifest))
    found = {**_started(seen), **result_fields(seen.published), "finished_at": seen.now}
    return _Answer(verdict, "READY", found=found)


def _refused(seen: VersionObserved) -> _Answer | None:
    if seen.refusal is None:
        return None
    verdict = Verdict(
        Standing.STALLED, seen.refusal.reason, seen.refusal.message, requeue_after=REFUSED_AGAIN
    )
    return _Answer(verdict, "PENDING")


def _without_job(seen: VersionObserved) -> _Answer | None:
    if seen.view is not None:
        return None
    status = seen.version.status
    if status.started_at is None:
        job = build_training_job(seen.version, seen.runtime, seen.job_id)
        verdict = Verdict(Standing.PROGRESSING, Reason.PENDING, STARTING, seen.interval)
        found = {**_started(seen), "started_at": seen.now, "progress": 0}
        return _Answer(verdict, "PENDING", (Create(job),), found)
    rebuilds = status.rebuilds or 0
    if rebuilds < MAX_REBUILDS:
        # Forgetting the start is what makes the next reconcile create the Job, so that the
        # count is safe before the Job exists.
        verdict = Verdict(
            Standing.PROGRESSING, Reason.JOB_LOST, "The Job was deleted; it is made again."
        )
        return _Answer(verdict, "PENDING", found={"rebuilds": rebuilds + 1, "started_at": None})
    problem = Problem(
        Reason.JOB_LOST,
        "The Job was deleted twice before it ended; annotate the Model with a new "
        "modelyard.dev/retrain to build again.",
    )
    return _error(seen, problem)


def _ended(seen: VersionObserved) -> _Answer | None:
    view = seen.view
    if view is None:
        return None
    problem = None if _goes_on_without_memory(seen) else ended_by_memory(view, WORDS, seen.now)
    if problem:
        return _error(seen, problem, _delete(seen, view, "more tries end for the same reason"))
    if not view.job.succeeded and not view.job.failed:
        return _leaderless(seen, view)
    if seen.store_problem:
        # The manifest decides, and it cannot be looked for now.
        verdict = Verdict(
            Standing.STALLED, Reason.STORE_UNAVAILABLE, seen.store_problem, STORE_AGAIN
        )
        return _Answer(verdict, "BUILDING")
    if view.job.failed:
        return _error(seen, failure(view, WORDS, seen.now))
    return _error(
        seen,
        Problem(
            Reason.ARTIFACT_MISSING,
            "The Job ended well but its manifest is not in the store; annotate the Model with a "
            "new modelyard.dev/retrain to build again.",
        ),
    )


def _leaderless(seen: VersionObserved, view: JobView) -> _Answer | None:
    """The pod of rank 0 has failed too often: the others would wait for it until the deadline."""
    if not view.job.leaderless:
        return None
    why = "nobody is left to be helped"
    return _error(seen, failure(view, WORDS, seen.now), _delete(seen, view, why))


def _goes_on_without_memory(seen: VersionObserved) -> bool:
    """Whether another pod may get further than one that was ended for its memory.

    Of a large table it takes the finished fits from the store, and leaves out the one that was
    too much for two pods.
    """
    build = seen.version.spec.build
    return is_large(build.dataset_rows, build.dataset_columns)


def _error(seen: VersionObserved, problem: Problem, *writes: Write) -> _Answer:
    verdict = Verdict(Standing.STALLED, problem.reason, problem.message)
    found = {**_started(seen), "finished_at": seen.now, "step": None}
    return _Answer(verdict, "ERROR", writes, found)


def _queued(seen: VersionObserved) -> _Answer | None:
    if seen.view is None or not seen.view.job.suspended:
        return None
    queue = seen.version.spec.build.training.queue_name
    where = f"in queue {queue}" if queue else "until somebody resumes it"
    verdict = Verdict(Standing.PROGRESSING, Reason.SUSPENDED, f"The Job waits {where}.")
    return _Answer(verdict, "PENDING", found=_started(seen))


def _hindered(seen: VersionObserved) -> _Answer | None:
    problem = obstacle(seen.view, WORDS, seen.now) if seen.view else None
    if problem is None:
        return None
    verdict = Verdict(Standing.STALLED, problem.reason, problem.message, seen.interval)
    return _Answer(verdict, "BUILDING", found=_started(seen))


def _running(seen: VersionObserved) -> _Answer:
    pod = seen.view.newest_pod if seen.view else None
    worked = pod is not None and (pod.running or pod.terminated is not None)
    # Once BUILDING, a pod that takes the place of a lost one is no news.
    if not worked and seen.version.status.phase != "BUILDING":
        verdict = Verdict(Standing.PROGRESSING, Reason.PENDING, STARTING, seen.interval)
        return _Answer(verdict, "PENDING", found=_started(seen))
    found = _started(seen)
    if seen.progress is not None:
        # A pod that starts over must not make the bar go back.
        found["progress"] = max(seen.progress.percent, seen.version.status.progress or 0)
        found["step"] = seen.progress.step[:253]
    message = f"The version is being trained{_team(seen)}"
    verdict = Verdict(Standing.PROGRESSING, Reason.BUILDING, message, seen.interval)
    return _Answer(verdict, "BUILDING", found=found)


def _team(seen: VersionObserved) -> str:
    pods = seen.version.spec.build.training.parallelism
    return "." if pods == 1 or seen.view is None else team(seen.view, pods, WORDS, seen.now)


def _started(seen: VersionObserved) -> dict[str, Any]:
    logs = logs_address(seen.store_url, seen.version.metadata.uid)
    if seen.version.status.started_at is not None or seen.view is None:
        return {"logs": logs}
    return {"logs": logs, "started_at": seen.view.job.created_at}


def _delete(seen: VersionObserved, view: JobView, why: str) -> Delete:
    namespace = seen.version.metadata.namespace
    return Delete("batch/v1", "Job", namespace, view.job.name, view.job.uid, why)


_POLICIES: tuple[Callable[[VersionObserved], _Answer | None], ...] = (
    _final,
    _cancelled,
    _published,
    _refused,
    _without_job,
    _ended,
    _queued,
    _hindered,
    _running,
)
