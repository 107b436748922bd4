"""What became of a Job: the answers that profiling and training have in common."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.facts import JobFacts, PodFacts, newest
from modelyard_operator.reconcile.pod_problem import (
    Context,
    Problem,
    out_of_memory,
    problem_of,
    said,
    sentence,
)

#: A Job without a pod, or a pod without its volumes, for longer than this has a reason that
#: only its events tell.
EXPECTED_WITHIN = timedelta(seconds=5)

_MISSING_SECRET = re.compile(r'secret "([^"]+)" not found')
#: Each try names another pod; without it the same trouble has the same words.
_REFUSED_POD = re.compile(r'^(Error creating: )?pods "[^"]*" is forbidden: ')
#: As the admission plugin words it: maximum memory usage per Container is 1Gi, but limit is 2Gi.
_LIMIT_RANGE = re.compile(r" per (Container|Pod) is ")


@dataclass(frozen=True)
class JobView:
    """One Job with its pods, and the words of the event that says why it does not start.

    Of a Job of several pods that of rank 0 decides; the others only help it.
    """

    job: JobFacts
    pods: tuple[PodFacts, ...]
    warning: str = ""

    @property
    def newest_pod(self) -> PodFacts | None:
        """The pod that counts."""
        return newest(of_rank(self.pods, 0))

    @property
    def helpers(self) -> tuple[PodFacts, ...]:
        """The newest pod of each other rank."""
        ranks = sorted({pod.rank for pod in self.pods} - {0})
        found = (newest(of_rank(self.pods, rank)) for rank in ranks)
        return tuple(pod for pod in found if pod is not None)


class Words(NamedTuple):
    """How this Job is called to the user."""

    #: The field of the spec in which resources are set.
    resources_field: str
    #: The field that lengthens the deadline.
    deadline_field: str
    #: The reason where nothing better is known.
    unknown: Reason


def unexplained_wait(job: JobFacts, pods: tuple[PodFacts, ...], now: datetime) -> str | None:
    """The uid of the object whose events should tell why the Job does not start."""
    if job.ended is not None or job.suspended:
        return None
    pod = newest(of_rank(pods, 0))
    if pod is None:
        return job.uid if _overdue(job.created_at, now) else None
    mounting = bool(pod.node) and not pod.containers_started and pod.phase == "Pending"
    return pod.uid if mounting and _overdue(pod.created_at, now) else None


def of_rank(pods: tuple[PodFacts, ...], rank: int) -> tuple[PodFacts, ...]:
    """The pods that were made for a rank, one after the other."""
    return tuple(pod for pod in pods if pod.rank == rank)


def _overdue(since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since > EXPECTED_WITHIN


def obstacle(view: JobView, words: Words, now: datetime) -> Problem | None:
    """What keeps a Job that has not ended from going on, while it is happening."""
    if view.warning:
        return start_problem(view.warning, words.resources_field)
    pod = view.newest_pod
    if pod is None or pod.terminating:
        return None
    problem = problem_of(pod, Context(now, words.resources_field))
    return None if problem and problem.reason is Reason.OUT_OF_MEMORY else problem


def team(view: JobView, pods: int, words: Words, now: datetime) -> str:
    """How many pods of a build of several work, and what keeps one from helping.

    The build goes on without it.
    """
    working = sum(pod.running for pod in (view.newest_pod, *view.helpers) if pod is not None)
    context = Context(now, words.resources_field)
    for pod in view.helpers:
        problem = None if pod.terminating or pod.running else problem_of(pod, context)
        if problem:
            without = f"It goes on without pod {pod.rank}: {problem.message}"
            return f" by {working} of {pods} pods. {without}"
    return f" by {working} of {pods} pods."


def ended_by_memory(view: JobView, words: Words, now: datetime) -> Problem | None:
    """Out of memory in the newest pod: another try with the same limit ends the same."""
    pod = view.newest_pod
    return out_of_memory(pod, Context(now, words.resources_field)) if pod else None


def failure(view: JobView, words: Words, now: datetime) -> Problem:
    """Why a failed Job failed."""
    context = Context(now, words.resources_field)
    for pod in sorted(of_rank(view.pods, 0), key=lambda pod: str(pod.created_at), reverse=True):
        if problem := out_of_memory(pod, context) or said(pod.terminated):
            return problem
    if view.job.end_reason == "DeadlineExceeded":
        return Problem(
            Reason.DEADLINE_EXCEEDED,
            f"The Job ran longer than {view.job.deadline_seconds} s and was ended. "
            f"{words.deadline_field}",
        )
    last = view.newest_pod
    if last is not None and (last.disrupted or last.pod_reason == "Evicted"):
        return Problem(
            Reason.NODE_LOST,
            f"The pod's node went away ({last.pod_message or last.node or 'no details'}).",
        )
    return Problem(words.unknown, _unexplained(view))


def start_problem(message: str, resources_field: str) -> Problem:
    """Why there is no pod, or it has no volumes, from the words of the event about it."""
    message = _REFUSED_POD.sub("", message)
    if "exceeded quota" in message:
        return Problem(
            Reason.QUOTA_EXCEEDED,
            f"A quota of the namespace refuses the pod: {sentence(message)} Free or raise the "
            f"quota, or lower {resources_field}; it goes on by itself.",
        )
    if _LIMIT_RANGE.search(message):
        return Problem(
            Reason.LIMIT_RANGE_EXCEEDED,
            f"A LimitRange of the namespace refuses the pod: {sentence(message)} "
            f"Set {resources_field} within it.",
        )
    if secret := _MISSING_SECRET.search(message):
        return Problem(
            Reason.SECRET_MISSING,
            f"The Secret {secret[1]!r} does not exist in this namespace. "
            "Create it; the pod goes on by itself.",
        )
    return Problem(
        Reason.FORBIDDEN_BY_POLICY,
        f"The pod cannot start: {sentence(message)} Once that is cured, it goes on by itself.",
    )


def _unexplained(view: JobView) -> str:
    pod = view.newest_pod
    end = pod.terminated if pod else None
    if end is not None:
        return (
            f"The pod {pod.name if pod else ''} ended with exit code {end.exit_code} "
            f"({end.reason or 'no reason'}) and left no message."
        )
    return f"The Job failed: {view.job.end_message or view.job.end_reason or 'no details'}"
