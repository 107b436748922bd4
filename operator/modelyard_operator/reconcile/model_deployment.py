"""ModelDeployment: what is due for it and how it stands; the questions are in files beside."""

from dataclasses import dataclass
from datetime import datetime

from modelyard_crds import names
from modelyard_crds.conditions import Condition, with_condition
from modelyard_crds.data_drift import DriftSummary
from modelyard_crds.model import Model
from modelyard_crds.model_deployment import (
    DeploymentPhase,
    ModelDeployment,
    ModelDeploymentStatus,
)
from modelyard_crds.model_version import ModelVersion
from modelyard_crds.reasons import ConditionType, Reason
from modelyard_operator.reconcile.data_drift import report_drift
from modelyard_operator.reconcile.decision import Decision, Refusal, Standing, Verdict, judged
from modelyard_operator.reconcile.deployment_canary import (
    NO_CANARY,
    CanaryDecision,
    CanaryObserved,
    canary_condition,
    decide_canary,
)
from modelyard_operator.reconcile.deployment_children import NO_CHILDREN, Children, children_due
from modelyard_operator.reconcile.deployment_rollout import Rollout, rollout_verdict
from modelyard_operator.reconcile.deployment_scaling import scaling_verdict
from modelyard_operator.reconcile.deployment_target import Target, choose_target
from modelyard_operator.reconcile.facts import PodFacts
from modelyard_operator.resources.deployment import selector_labels
from modelyard_operator.resources.runtime import Runtime
from modelyard_operator.resources.service import endpoint

REFUSED_AGAIN = 20.0


@dataclass(frozen=True)
class DeploymentObserved:
    """All that a decision on a ModelDeployment rests on."""

    deployment: ModelDeployment
    now: datetime
    runtime: Runtime
    model: Model | None = None
    versions: tuple[ModelVersion, ...] = ()
    children: Children = NO_CHILDREN
    pods: tuple[PodFacts, ...] = ()
    canary: CanaryObserved = NO_CANARY
    refusal: Refusal | None = None
    #: What the pods counted; None while that is not known.
    drift: tuple[DriftSummary, ...] | None = None


def decide_deployment(seen: DeploymentObserved) -> Decision:
    """What is due for a ModelDeployment, and how it stands."""
    if seen.deployment.metadata.deletion_timestamp is not None:
        return _undeploying(seen)
    target = choose_target(seen.deployment, seen.model, seen.versions, seen.children.deployed)
    due = children_due(seen.deployment, target.servable, seen.children, seen.runtime)
    rollout = Rollout.of(seen.deployment, seen.children, seen.pods, target, seen.now)
    rollout = rollout.before(due, seen.deployment)
    verdict = _verdict(seen, target, rollout)
    pods_may_start = seen.children.deployment is None or verdict.standing is Standing.STALLED
    canary = _canary(seen)
    return Decision(
        status=_status(seen, target, rollout, verdict, canary),
        writes=(*due, *canary.writes),
        requeue_after=_soonest(verdict, canary.verdict),
        needs_secrets=target.servable is not None and (pods_may_start or canary.starts_pods),
    )


def _canary(seen: DeploymentObserved) -> CanaryDecision:
    return decide_canary(
        seen.deployment,
        seen.model,
        seen.versions,
        seen.children.replicas,
        seen.canary,
        seen.runtime,
        seen.now,
    )


def _soonest(*verdicts: Verdict | None) -> float | None:
    waits = (verdict.requeue_after for verdict in verdicts if verdict is not None)
    return min((wait for wait in waits if wait is not None), default=None)


def _undeploying(seen: DeploymentObserved) -> Decision:
    """Whoever deletes it in the foreground sees it until its pods have ended; nothing is due."""
    target = Target(None)
    rollout = Rollout.of(seen.deployment, seen.children, seen.pods, target, seen.now)
    message = "It is being deleted: its pods answer what they were asked and end."
    verdict = Verdict(Standing.PROGRESSING, Reason.TERMINATING, message)
    return Decision(status=_status(seen, target, rollout, verdict, CanaryDecision(())))


def _status(
    seen: DeploymentObserved,
    target: Target,
    rollout: Rollout,
    verdict: Verdict,
    canary: CanaryDecision,
) -> ModelDeploymentStatus:
    selector = ",".join(f"{key}={value}" for key, value in selector_labels(seen.deployment).items())
    phase = _phase(verdict, rollout)
    drift = report_drift(
        seen.deployment,
        _conditions(
            seen,
            verdict,
            degraded=phase in ("DEGRADED", "FAILED") or verdict.reason is Reason.NO_SCALING_METRICS,
        ),
        seen.drift,
        rollout.serving_version,
        seen.now,
    )
    return seen.deployment.status.model_copy(
        update={
            "id": names.deployment_id(seen.deployment.metadata.uid),
            "phase": phase,
            "observed_generation": seen.deployment.metadata.generation,
            "endpoint": endpoint(seen.deployment),
            "serving_version": rollout.serving_version,
            "target_version": target.servable.number if target.servable else None,
            "replicas": rollout.replicas,
            "ready_replicas": rollout.ready_replicas,
            "selector": selector,
            "drifted_columns": drift.columns,
            "canary": canary.status,
            "conditions": canary_condition(
                drift.conditions,
                canary,
                generation=seen.deployment.metadata.generation,
                now=seen.now,
            ),
        }
    )


def _conditions(seen: DeploymentObserved, verdict: Verdict, *, degraded: bool) -> list[Condition]:
    generation = seen.deployment.metadata.generation
    conditions = list(seen.deployment.status.conditions)
    return with_condition(
        judged(conditions, verdict, generation=generation, now=seen.now),
        ConditionType.DEGRADED,
        degraded,
        verdict.reason,
        verdict.message,
        generation=generation,
        now=seen.now,
    )


def _verdict(seen: DeploymentObserved, target: Target, rollout: Rollout) -> Verdict:
    """The first answer of: the API server, the target, the pods; then whether load is measured."""
    if seen.refusal is not None:
        return Verdict(Standing.STALLED, seen.refusal.reason, seen.refusal.message, REFUSED_AGAIN)
    verdict = target.verdict or rollout_verdict(rollout)
    return scaling_verdict(seen.children.autoscaler, verdict, seen.now) or verdict


def _phase(verdict: Verdict, rollout: Rollout) -> DeploymentPhase:
    if verdict.reason is Reason.TERMINATING:
        return "UNDEPLOYING"
    if verdict.standing is Standing.READY:
        return "ACTIVE"
    if rollout.ready_replicas:
        broken = verdict.standing is Standing.STALLED or verdict.reason is Reason.POD_UNAVAILABLE
        return "DEGRADED" if broken else "DEPLOYING"
    return "FAILED" if verdict.standing is Standing.STALLED else "DEPLOYING"
