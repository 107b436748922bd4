"""Deployments: endpoints 4, 13 and 14 of the specification."""

from fastapi import APIRouter, Depends

from modelyard_api.handlers import deployments
from modelyard_api.mapping import rest
from modelyard_api.routes.bodies import json_only
from modelyard_api.routes.dependencies import (
    BODY,
    BaseUrl,
    Deployer,
    DeploymentReader,
    ServicesDep,
    Undeployer,
    errors,
)

router = APIRouter(tags=["Model deployments"], dependencies=[Depends(json_only)])


@router.post(
    "/models/{model_name}/deploy",
    operation_id="deployModel",
    status_code=202,
    responses=errors(404, 409, *BODY),
)
async def deploy(
    services: ServicesDep,
    caller: Deployer,
    base_url: BaseUrl,
    model_name: str,
    body: rest.Deploy | None = None,
) -> rest.DeployStarted:
    """Serve a READY version in an environment; doing it again updates it in place."""
    return await deployments.deploy(services, caller, model_name, body or rest.Deploy(), base_url)


@router.get(
    "/models/{model_name}/deployments", operation_id="listDeployments", responses=errors(404)
)
async def list_deployments(
    services: ServicesDep, caller: DeploymentReader, base_url: BaseUrl, model_name: str
) -> rest.DeploymentList:
    """List all deployments of a model."""
    return await deployments.list_deployments(services, caller, model_name, base_url)


@router.delete(
    "/models/{model_name}/deployments/{deployment_id}",
    operation_id="undeployModel",
    status_code=202,
    responses=errors(404),
)
async def undeploy(
    services: ServicesDep, caller: Undeployer, model_name: str, deployment_id: str
) -> rest.Undeployed:
    """Remove a deployment; it is UNDEPLOYING until its pods have ended."""
    return await deployments.undeploy(services, caller, model_name, deployment_id)
