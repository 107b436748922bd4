"""Deployments: deploy, list, undeploy."""

from typing import Any

from modelyard_api.auth import Caller, Right
from modelyard_api.errors import ConflictError, InvalidInputError
from modelyard_api.handlers import lookup
from modelyard_api.handlers.versions import ready_version
from modelyard_api.mapping import deployments as mapping
from modelyard_api.mapping import rest
from modelyard_api.mapping.text import deployment_name
from modelyard_api.mapping.view import ModelView, ending
from modelyard_api.scopes import Scope
from modelyard_api.services import Services
from modelyard_api.writes import AlreadyExistsError
from modelyard_crds import ModelDeployment, names

#: What changes a deployment that is there; the route asks for what makes one.
EDIT = Right(Scope.WRITE, "patch", "modeldeployments")


async def deploy(
    services: Services, caller: Caller, name: str, body: rest.Deploy, base_url: str
) -> rest.DeployStarted:
    """Serve a READY version; deploying to the same environment again updates in place.

    The version is pinned: what an environment serves changes only by deploying.
    """
    view = await lookup.model_view(services, caller, name)
    present = _in_environment(view, body.environment)
    asked = body.version
    if body.canary and present and asked is None:
        asked = mapping.wanted(present)
    number = ready_version(view, asked)
    canary = ready_version(view, body.canary.version) if body.canary else None
    if canary == number:
        raise _nothing_to_try(number)
    spec = mapping.deployment_spec(body, name, number, canary)
    if present:
        await services.authenticator.authorize(caller, EDIT)
        meta = present.metadata
        kind = services.caches.deployments
        item = await services.writer.patch(kind, meta.namespace, meta.name, {"spec": spec})
    else:
        item = await _create(services, caller, view, spec)
    return mapping.started(view, item, number, base_url)


async def list_deployments(
    services: Services, caller: Caller, name: str, base_url: str
) -> rest.DeploymentList:
    """All deployments of a model."""
    return mapping.deployment_list(await lookup.model_view(services, caller, name), base_url)


async def undeploy(
    services: Services, caller: Caller, name: str, deployment_id: str
) -> rest.Undeployed:
    """Remove a deployment; it is UNDEPLOYING until its pods have ended, after the answer."""
    view = await lookup.model_view(services, caller, name)
    item = await lookup.deployment(services, view, deployment_id)
    await services.writer.retire(services.caches.deployments, item)
    return mapping.undeployed(view, item, services.now())


def _nothing_to_try(number: int) -> InvalidInputError:
    label = names.version_label(number)
    return InvalidInputError(
        f"canary.version is {label}, and so is the version to serve.",
        details={"field": "canary.version"},
        suggestions=["Name another version in canary.version, or leave canary out to promote it."],
    )


async def _create(
    services: Services, caller: Caller, view: ModelView, spec: dict[str, Any]
) -> ModelDeployment:
    environment = spec["environment"]
    created = {key: value for key, value in spec.items() if value is not None}
    metadata = {
        "annotations": {names.ANNOTATION_CREATED_BY: caller.user_id},
        # Collected with its model, also where that is deleted by other means.
        "ownerReferences": [_owner(view)],
    }
    kind = services.caches.deployments
    for taken in (False, True):
        name = deployment_name(view.name, environment, taken=taken)
        try:
            return await services.writer.create(kind, caller.account, name, created, **metadata)
        except AlreadyExistsError:
            present = await services.reader.get(kind, caller.account, name)
            if present and not ending(present) and _pair(present) == (view.name, environment):
                # Another request deployed at the same time: the later one decides.
                await services.authenticator.authorize(caller, EDIT)
                return await services.writer.patch(kind, caller.account, name, {"spec": spec})
    raise ConflictError(
        f"The names for a deployment of '{view.name}' to '{environment}' are taken.",
        suggestions=["Take another environment, or wait for what is UNDEPLOYING to end."],
    )


def _in_environment(view: ModelView, environment: str) -> ModelDeployment | None:
    fitting = [
        item
        for item in view.deployments
        if item.spec.environment == environment and not ending(item)
    ]
    return min(fitting, key=mapping.created_at, default=None)


def _pair(deployment: ModelDeployment) -> tuple[str, str]:
    return deployment.spec.model_ref.name, deployment.spec.environment


def _owner(view: ModelView) -> dict[str, Any]:
    # Blocking the owner's deletion would need a right that the façade does not ask for.
    return {**view.model.owner_reference(), "controller": False, "blockOwnerDeletion": False}
