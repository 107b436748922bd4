"""ModelDeployment: the version that it tries out beside the one it serves.

Nothing is remembered of a canary: what is due and how it stands follow from the spec and from what
is there, so taking ``spec.canary`` away always goes back to the stable version alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from modelyard_crds.conditions import Condition, with_condition
from modelyard_crds.model import Model
from modelyard_crds.model_deployment import Canary, CanaryStatus, ModelDeployment
from modelyard_crds.model_version import ModelVersion
from modelyard_crds.reasons import ConditionType, Reason
from modelyard_operator.reconcile.decision import Standing, Verdict, Write
from modelyard_operator.reconcile.deployment_children import (
    NO_CHILDREN,
    Children,
    canary_due,
    least_replicas,
)
from modelyard_operator.reconcile.deployment_rollout import Rollout, rollout_verdict
from modelyard_operator.reconcile.deployment_target import choose_target
from modelyard_operator.reconcile.facts import PodFacts
from modelyard_operator.resources.runtime import Runtime

FIELD = "spec.canary.version"


@dataclass(frozen=True)
class CanaryObserved:
    """The canary's children and pods that were found."""

    children: Children = NO_CHILDREN
    pods: tuple[PodFacts, ...] = ()


NO_CANARY = CanaryObserved()


@dataclass(frozen=True)
class CanaryDecision:
    """What is due for a canary, and how it stands; both are None where none is asked for."""

    writes: tuple[Write, ...]
    status: CanaryStatus | None = None
    verdict: Verdict | None = None

    @property
    def starts_pods(self) -> bool:
        """Whether pods of it are yet to come up."""
        return self.verdict is not None and self.verdict.standing is not Standing.READY


def decide_canary(
    deployment: ModelDeployment,
    model: Model | None,
    versions: Sequence[ModelVersion],
    stable_pods: int | None,
    found: CanaryObserved,
    runtime: Runtime,
    now: datetime,
) -> CanaryDecision:
    """What is due for the canary of a ModelDeployment that has ``stable_pods`` pods beside it."""
    canary = deployment.spec.canary
    if canary is None:
        return CanaryDecision(canary_due(deployment, None, found.children, runtime))
    tried = _as_deployment(deployment, canary, stable_pods)
    target = choose_target(tried, model, versions, None, FIELD)
    writes = canary_due(tried, target.servable, found.children, runtime)
    rollout = Rollout.of(tried, found.children, found.pods, target, now, ConditionType.CANARY_READY)
    rollout = rollout.before(writes, tried)
    verdict = target.verdict or rollout_verdict(rollout)
    if verdict.reason is Reason.READY:
        told = f"Version {canary.version} answers {canary.weight} % of the predictions."
        verdict = replace(verdict, message=told)
    # Pods of the canary before may be going still: they count for nothing.
    answering = rollout.ready_replicas if rollout.serving_version == canary.version else 0
    status = CanaryStatus(
        version=canary.version,
        weight=canary.weight if answering else 0,
        ready_replicas=answering,
    )
    return CanaryDecision(writes, status, verdict)


def canary_condition(
    conditions: list[Condition], decision: CanaryDecision, *, generation: int, now: datetime
) -> list[Condition]:
    """The conditions with CanaryReady among them; without where there is no canary."""
    verdict = decision.verdict
    if verdict is None:
        return [item for item in conditions if item.type != ConditionType.CANARY_READY.value]
    return with_condition(
        conditions,
        ConditionType.CANARY_READY,
        verdict.standing is Standing.READY,
        verdict.reason,
        verdict.message,
        generation=generation,
        now=now,
    )


def _as_deployment(
    deployment: ModelDeployment, canary: Canary, stable_pods: int | None
) -> ModelDeployment:
    """The canary as a deployment of its own, with its share of pods and no autoscaler."""
    pods = least_replicas(deployment) if stable_pods is None else stable_pods
    spec = deployment.spec.model_copy(
        update={
            "version": canary.version,
            "canary": None,
            "autoscaling": None,
            "replicas": min(pods, max(1, math.ceil(pods * canary.weight / 100))),
        }
    )
    return deployment.model_copy(update={"spec": spec})
