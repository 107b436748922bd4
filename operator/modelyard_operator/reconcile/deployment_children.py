"""ModelDeployment: which of its children must be made, put back or taken away."""

from dataclasses import dataclass

from modelyard_crds.model_deployment import ModelDeployment
from modelyard_operator.reconcile.decision import Apply, Delete, Write
from modelyard_operator.reconcile.drift import drift
from modelyard_operator.reconcile.facts import Raw
from modelyard_operator.resources.autoscaler import build_autoscaler
from modelyard_operator.resources.deployment import (
    ANNOTATION_VERSION_UID,
    REPLICAS_MANAGER,
    Servable,
    Track,
    build_deployment,
    build_replicas,
)
from modelyard_operator.resources.disruption_budget import LEAST_REPLICAS, build_disruption_budget
from modelyard_operator.resources.runtime import Manifest, Runtime
from modelyard_operator.resources.service import build_service


@dataclass(frozen=True)
class Children:
    """The children that were found, raw."""

    deployment: Raw | None = None
    service: Raw | None = None
    autoscaler: Raw | None = None
    disruption_budget: Raw | None = None

    @property
    def deployed(self) -> str | None:
        """The uid of the version that the Deployment was made for."""
        if self.deployment is None:
            return None
        uid: str | None = (
            self.deployment["metadata"].get("annotations", {}).get(ANNOTATION_VERSION_UID)
        )
        return uid

    @property
    def replicas(self) -> int | None:
        """The present scale."""
        if self.deployment is None:
            return None
        replicas: int = self.deployment.get("spec", {}).get("replicas", 1)
        return replicas


NO_CHILDREN = Children()


def least_replicas(deployment: ModelDeployment) -> int:
    """How many pods there are at the least."""
    autoscaling = deployment.spec.autoscaling
    if autoscaling is not None and autoscaling.enabled:
        return autoscaling.min_replicas
    return deployment.spec.replicas


def children_due(
    deployment: ModelDeployment, servable: Servable | None, found: Children, runtime: Runtime
) -> tuple[Write, ...]:
    """The writes that bring the children to what the spec asks for; none where they are."""
    if servable is None:
        # Nothing can be built, and what serves must go on: not a child is touched.
        return ()
    autoscaling = deployment.spec.autoscaling
    scaled = autoscaling is not None and autoscaling.enabled
    wanted_deployment = build_deployment(deployment, servable, runtime)
    return (
        *_applied(build_service(deployment), found.service),
        *_applied(wanted_deployment, found.deployment),
        # An autoscaler that is to go would undo the scale that comes after it.
        *(
            _applied(build_autoscaler(deployment, autoscaling), found.autoscaler)
            if autoscaling is not None and scaled
            else _removed(found.autoscaler, "autoscaling is off")
        ),
        *_scale(deployment, found.replicas, autoscaled=scaled),
        *(
            _applied(build_disruption_budget(deployment), found.disruption_budget)
            if least_replicas(deployment) >= LEAST_REPLICAS
            else _removed(found.disruption_budget, f"fewer than {LEAST_REPLICAS} pods are wanted")
        ),
    )


def canary_due(
    canary: ModelDeployment, servable: Servable | None, found: Children, runtime: Runtime
) -> tuple[Write, ...]:
    """The writes that bring a canary's own children to what it asks for; all go without one."""
    if servable is None:
        why = "no canary is wanted, or its version cannot be served"
        return (*_removed(found.deployment, why), *_removed(found.service, why))
    return (
        *_applied(build_service(canary, Track.CANARY), found.service),
        *_applied(build_deployment(canary, servable, runtime, Track.CANARY), found.deployment),
        *_scale(canary, found.replicas, autoscaled=False, track=Track.CANARY),
    )


def _applied(desired: Manifest, found: Raw | None) -> tuple[Write, ...]:
    if found is None:
        return (Apply(desired, "it is missing"),)
    difference = drift(desired, found)
    return (Apply(desired, f"{difference} differs"),) if difference else ()


def _scale(
    deployment: ModelDeployment,
    found: int | None,
    *,
    autoscaled: bool,
    track: Track = Track.STABLE,
) -> tuple[Write, ...]:
    """A fixed number is held; with the autoscaler on, only what it would raise at once is raised.

    A new Deployment has the API server's default of one pod.
    """
    present = 1 if found is None else found
    least = least_replicas(deployment)
    if present == least or (autoscaled and present > least):
        return ()
    why = f"spec.replicas is {present}, not {least}"
    return (Apply(build_replicas(deployment, least, track), why, REPLICAS_MANAGER),)


def _removed(found: Raw | None, why: str) -> tuple[Write, ...]:
    if found is None:
        return ()
    meta = found["metadata"]
    return (
        Delete(
            found["apiVersion"], found["kind"], meta["namespace"], meta["name"], meta["uid"], why
        ),
    )
