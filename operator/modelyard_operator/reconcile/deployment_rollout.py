"""ModelDeployment: how far its pods are, and what keeps them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelyard_crds import names
from modelyard_crds.conditions import find
from modelyard_crds.model_deployment import ModelDeployment
from modelyard_crds.reasons import ConditionType, Reason
from modelyard_operator.reconcile.decision import Apply, Standing, Verdict, Write
from modelyard_operator.reconcile.deployment_children import Children, least_replicas
from modelyard_operator.reconcile.deployment_target import Target
from modelyard_operator.reconcile.facts import PodFacts, Raw, newest
from modelyard_operator.reconcile.job_problem import start_problem
from modelyard_operator.reconcile.pod_problem import Context, Problem, problem_of, said

LOOK_AGAIN = 5.0
#: A container that ended this often and last within this time is in a crash loop; one that has
#: stayed up for it has got over it.
CRASHES = 3
STABLE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Rollout:
    """The Deployment and its pods, as far as they decide."""

    now: datetime
    exists: bool
    observed: bool
    wanted: int
    replicas: int
    updated: int
    available: int
    ready_replicas: int
    serving_version: int | None
    target_version: int | None
    #: Whether this very spec was served in full before, by pods of this very template.
    settled: bool
    deadline_exceeded: bool
    creation_failure: str
    pods: tuple[PodFacts, ...]

    @classmethod
    def of(
        cls,
        deployment: ModelDeployment,
        children: Children,
        pods: Iterable[PodFacts],
        target: Target,
        now: datetime,
        condition: ConditionType = ConditionType.READY,
    ) -> "Rollout":
        """The facts of a raw Deployment and its pods; ``condition`` says whether it was served."""
        raw: Raw = children.deployment or {}
        status = raw.get("status", {})
        conditions = {item["type"]: item for item in status.get("conditions", ())}
        progressing = conditions.get("Progressing", {})
        failure = conditions.get("ReplicaFailure", {})
        alive = tuple(pod for pod in pods if not pod.terminating)
        wanted = target.servable.number if target.servable else None
        return cls(
            now=now,
            exists=bool(raw),
            observed=status.get("observedGeneration", 0) >= raw["metadata"].get("generation", 0)
            if raw
            else False,
            wanted=least_replicas(deployment),
            replicas=status.get("replicas", 0),
            updated=status.get("updatedReplicas", 0),
            available=status.get("availableReplicas", 0),
            ready_replicas=status.get("readyReplicas", 0),
            serving_version=_serving(alive, wanted),
            target_version=wanted,
            settled=_settled(deployment, condition)
            and progressing.get("reason") == "NewReplicaSetAvailable",
            deadline_exceeded=progressing.get("reason") == "ProgressDeadlineExceeded",
            creation_failure=(
                failure.get("message", "") if failure.get("status") == "True" else ""
            ),
            pods=tuple(pod for pod in alive if pod.version == wanted),
        )

    def before(self, writes: Iterable[Write], deployment: ModelDeployment) -> "Rollout":
        """The same ahead of writes: where they carry a new spec, the Deployment has not seen it."""
        new = deployment.status.observed_generation != deployment.metadata.generation
        return replace(self, observed=False) if new and any(map(_rolls, writes)) else self

    @property
    def complete(self) -> bool:
        """Whether enough pods of the wanted version are available, and no older ones are left."""
        return (
            self.exists
            and self.observed
            and self.updated == self.replicas
            and self.available >= self.wanted
            and self.serving_version == self.target_version
        )


def rollout_verdict(rollout: Rollout) -> Verdict:
    """How the deployment stands, by its pods."""
    return next(verdict for policy in _POLICIES if (verdict := policy(rollout)))


def _rolls(write: Write) -> bool:
    """Whether a write changes a Deployment in more than its scale."""
    return (
        isinstance(write, Apply)
        and write.manifest["kind"] == "Deployment"
        and write.manager == names.FIELD_MANAGER
    )


def _settled(deployment: ModelDeployment, condition: ConditionType) -> bool:
    ready = find(deployment.status.conditions, condition)
    if ready is None or ready.observed_generation != deployment.metadata.generation:
        return False
    return ready.status == "True" or ready.reason == Reason.POD_UNAVAILABLE.value


def _serving(pods: Iterable[PodFacts], wanted: int | None) -> int | None:
    """The version that ready pods serve; while two are, the one that is going."""
    ready = {pod.version for pod in pods if pod.ready and pod.version is not None}
    others = ready - {wanted}
    return max(others) if others else max(ready, default=None)


def _asleep(rollout: Rollout) -> Verdict | None:
    if rollout.wanted or not rollout.observed or rollout.replicas:
        return None
    message = "spec.replicas is 0: no pod serves until it is raised."
    return Verdict(Standing.READY, Reason.ASLEEP, message)


def _crashing(rollout: Rollout) -> Verdict | None:
    context = Context(rollout.now, "spec.resources")
    for pod in rollout.pods:
        if pod.restarts < CRASHES and pod.waiting_reason != "CrashLoopBackOff":
            continue
        end = pod.last_terminated or pod.terminated
        recent = (
            end is None or end.finished_at is None or (rollout.now - end.finished_at < STABLE_AFTER)
        )
        if pod.waiting_reason == "CrashLoopBackOff" or recent:
            return _stalled(problem_of(pod, context) or said(end) or _crash_loop(pod))
    return None


def _crash_loop(pod: PodFacts) -> Problem:
    end = pod.last_terminated or pod.terminated
    how = f" with exit code {end.exit_code} ({end.reason})" if end else ""
    return Problem(
        Reason.CRASH_LOOP,
        f"Pod {pod.name} has ended {pod.restarts} times{how}; see its log with "
        f"kubectl logs {pod.name} --previous.",
    )


def _ready(rollout: Rollout) -> Verdict | None:
    if not rollout.complete:
        return None
    return Verdict(Standing.READY, Reason.READY, f"Version {rollout.serving_version} is served.")


def _refused(rollout: Rollout) -> Verdict | None:
    words = rollout.creation_failure
    return _stalled(start_problem(words, "spec.resources")) if words else None


def _hindered(rollout: Rollout) -> Verdict | None:
    pod = newest(tuple(pod for pod in rollout.pods if not pod.ready))
    if pod is None:
        return None
    context = Context(rollout.now, "spec.resources")
    problem = problem_of(pod, context) or said(pod.last_terminated) or said(pod.terminated)
    return _stalled(problem) if problem else None


def _overdue(rollout: Rollout) -> Verdict | None:
    if not rollout.deadline_exceeded or not rollout.observed:
        return None
    return _stalled(
        Problem(
            Reason.NOT_PROGRESSING,
            f"Pods of version {rollout.target_version} did not become ready in time; "
            "kubectl describe their pods.",
        )
    )


def _unavailable(rollout: Rollout) -> Verdict | None:
    short = rollout.available < rollout.wanted
    if not (rollout.observed and rollout.settled and short):
        return None
    message = f"{rollout.available} of {rollout.wanted} pods are available."
    return Verdict(Standing.PROGRESSING, Reason.POD_UNAVAILABLE, message, LOOK_AGAIN)


def _rolling(rollout: Rollout) -> Verdict:
    message = f"Pods of version {rollout.target_version} are starting."
    return Verdict(Standing.PROGRESSING, Reason.ROLLING_OUT, message, LOOK_AGAIN)


def _stalled(problem: Problem) -> Verdict:
    return Verdict(Standing.STALLED, problem.reason, problem.message, LOOK_AGAIN)


_POLICIES: tuple[Callable[[Rollout], Verdict | None], ...] = (
    _asleep,
    _crashing,
    _ready,
    _refused,
    _hindered,
    _overdue,
    _unavailable,
    _rolling,
)
