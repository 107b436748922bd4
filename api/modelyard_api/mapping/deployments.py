"""Deployments: requests → specs, ModelDeployments → answers, and which of them answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from modelyard_api.mapping import rest
from modelyard_api.mapping.view import ModelView, deployment_phase, ending, fault, last_change
from modelyard_crds import ModelDeployment, names
from modelyard_crds.model_deployment import MAX_REPLICAS, Autoscaling

PRODUCTION = "production"


def deployment_spec(
    body: rest.Deploy, model: str, version: int, canary: int | None = None
) -> dict[str, Any]:
    """The spec of a ModelDeployment; a merge patch with it also takes away what is not asked for.

    ``canary`` is the version that the body's canary names.
    """
    return {
        "modelRef": {"name": model},
        "environment": body.environment,
        "version": version,
        "replicas": body.replicas,
        "autoscaling": _autoscaling(body.replicas) if body.auto_scale else None,
        "canary": {"version": canary, "weight": body.canary.weight} if body.canary else None,
    }


def of_version(deployments: Sequence[ModelDeployment], number: int) -> list[ModelDeployment]:
    """The deployments that serve a version or try it out, or are on the way to it."""
    return [item for item in deployments if number in {serving(item), wanted(item), tried(item)}]


def serving(deployment: ModelDeployment) -> int | None:
    """The version that ready pods serve."""
    return deployment.status.serving_version or None


def wanted(deployment: ModelDeployment) -> int | None:
    """The version that the deployment is asked to serve."""
    return deployment.spec.version or deployment.status.target_version or serving(deployment)


def tried(deployment: ModelDeployment) -> int | None:
    """The version that the deployment tries out beside the one it serves."""
    return deployment.spec.canary.version if deployment.spec.canary else None


def canary_share(deployment: ModelDeployment) -> int:
    """Percent of its predictions that are the canary's: 0 until pods of that version answer."""
    canary = deployment.status.canary
    return canary.weight if canary and canary.version == tried(deployment) else 0


def canary_answers(deployment: ModelDeployment) -> bool:
    """Whether there are ready pods of the version that is tried out."""
    canary = deployment.status.canary
    return bool(canary and canary.version == tried(deployment) and canary.ready_replicas)


def newest_followed(deployments: Sequence[ModelDeployment], environment: str | None) -> int | None:
    """The newest version served by deployments that follow the newest READY one.

    They are about to serve what has just become READY; until their pods do, this is the newest.
    """
    following = (
        item
        for item in deployments
        if item.spec.version is None
        and environment in {None, item.spec.environment}
        and not ending(item)
    )
    return max((number for item in following if (number := serving(item))), default=None)


def candidates(
    deployments: Sequence[ModelDeployment], number: int, environment: str | None
) -> list[ModelDeployment]:
    """The deployments that may answer for a version, best first.

    The environment that is asked for and no other; without one, production before the rest.
    """
    fitting = [
        item
        for item in of_version(deployments, number)
        if environment in {None, item.spec.environment} and not ending(item)
    ]
    return sorted(
        fitting,
        key=lambda item: (
            serving(item) != number,
            item.spec.environment != PRODUCTION,
            item.metadata.name,
        ),
    )


def endpoint(base_url: str, deployment: ModelDeployment) -> str:
    """Address that answers predictions of a deployment."""
    return f"{base_url}/predict/{names.deployment_id(deployment.metadata.uid)}"


def started(
    view: ModelView, deployment: ModelDeployment, number: int, base_url: str
) -> rest.DeployStarted:
    """The answer to a request to deploy."""
    return rest.DeployStarted(
        deployment_id=names.deployment_id(deployment.metadata.uid),
        model_name=view.name,
        model_version=names.version_label(number),
        endpoint=endpoint(base_url, deployment),
        environment=deployment.spec.environment,
        replicas=replicas(deployment),
        auto_scale=auto_scale(deployment),
        created_at=created_at(deployment),
    )


def deployment_list(view: ModelView, base_url: str) -> rest.DeploymentList:
    """All deployments of a model, newest first."""
    ordered = sorted(view.deployments, key=created_at, reverse=True)
    return rest.DeploymentList(
        model_name=view.name,
        model_version=view.label,
        deployments=[_deployment(view, item, base_url) for item in ordered],
    )


def undeployed(view: ModelView, deployment: ModelDeployment, now: datetime) -> rest.Undeployed:
    """The answer to a request to undeploy."""
    number = serving(deployment) or wanted(deployment) or view.shown
    return rest.Undeployed(
        model_name=view.name,
        model_version=names.version_label(number),
        deployment_id=names.deployment_id(deployment.metadata.uid),
        undeployed_at=now,
    )


def replicas(deployment: ModelDeployment) -> int:
    """Pods that were asked for: with autoscaling the least of them."""
    scaling = deployment.spec.autoscaling
    return scaling.min_replicas if scaling and scaling.enabled else deployment.spec.replicas


def auto_scale(deployment: ModelDeployment) -> bool:
    """Whether load decides the number of pods."""
    return bool(deployment.spec.autoscaling and deployment.spec.autoscaling.enabled)


def created_at(deployment: ModelDeployment) -> datetime:
    """When the deployment was made."""
    return last_change(deployment.metadata.creation_timestamp, [])


def _deployment(view: ModelView, item: ModelDeployment, base_url: str) -> rest.DeploymentJson:
    number = serving(item) or wanted(item)
    status = deployment_phase(item)
    return rest.DeploymentJson(
        deployment_id=names.deployment_id(item.metadata.uid),
        environment=item.spec.environment,
        status=status,
        version_id=view.version_id(number) if number else None,
        version=number,
        endpoint=endpoint(base_url, item),
        replicas=replicas(item),
        auto_scale=auto_scale(item),
        created_at=created_at(item),
        canary=_canary(item),
        error=fault(item.status.conditions) if status in {"FAILED", "DEGRADED"} else None,
    )


def _canary(deployment: ModelDeployment) -> rest.CanaryJson | None:
    number = tried(deployment)
    return rest.CanaryJson(version=number, weight=canary_share(deployment)) if number else None


def _autoscaling(replicas: int) -> dict[str, Any]:
    default = Autoscaling()
    most = max(default.max_replicas, 2 * replicas)
    return Autoscaling(min_replicas=replicas, max_replicas=min(most, MAX_REPLICAS)).to_json()
