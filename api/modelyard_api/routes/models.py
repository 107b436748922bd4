"""Models: endpoints 1, 2, 3, 7 and 8 of the specification, and 3 in its older words."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from modelyard_api.handlers import models
from modelyard_api.mapping import rest
from modelyard_api.mapping.shapes import Status
from modelyard_api.mapping.text import NAME_PATTERN
from modelyard_api.routes.bodies import json_only
from modelyard_api.routes.dependencies import (
    BODY,
    BaseUrl,
    IdempotencyKey,
    Limit,
    ModelCreator,
    ModelDeleter,
    ModelEditor,
    ModelLister,
    ModelReader,
    Offset,
    ServicesDep,
    errors,
)
from modelyard_crds.names import NAME_MAX_LENGTH

#: Only documented: the handler's message says more than a pattern.
NewName = Annotated[
    str, Path(json_schema_extra={"pattern": NAME_PATTERN, "maxLength": NAME_MAX_LENGTH})
]

router = APIRouter(tags=["Models"], dependencies=[Depends(json_only)])


@router.get("/models", operation_id="listModels", response_model=rest.ModelList, responses=errors())
async def list_models(
    services: ServicesDep,
    caller: ModelLister,
    limit: Limit = 20,
    offset: Offset = 0,
    status: Status | None = None,
    sort_by: Literal["created_at", "name"] = "created_at",
    sort_dir: Literal["asc", "desc"] = "desc",
) -> Response:
    """List all models of the account."""
    page = models.list_models(
        services,
        caller,
        limit=limit,
        offset=offset,
        status=status,
        sort_by=sort_by,
        descending=sort_dir == "desc",
    )
    return Response(page, media_type="application/json")


@router.get("/models/{model_name}", operation_id="getModel", responses=errors(404))
async def get_model(
    services: ServicesDep, caller: ModelReader, base_url: BaseUrl, model_name: str
) -> rest.ModelDetail:
    """Get all about a model."""
    return await models.get_model(services, caller, model_name, base_url)


@router.post(
    "/models/{model_name}",
    operation_id="createModel",
    status_code=202,
    responses=errors(404, 409, *BODY),
)
async def create_model(
    services: ServicesDep,
    caller: ModelCreator,
    model_name: NewName,
    body: rest.ModelCreate,
    idempotency_key: IdempotencyKey = None,
) -> rest.BuildStarted:
    """Create a model and begin to build its first version."""
    return await models.create_model(services, caller, model_name, body, idempotency_key)


@router.post(
    "/models/{model_name}/create",
    operation_id="createModelByGoal",
    status_code=202,
    responses=errors(404, 409, *BODY),
)
async def create_model_by_goal(
    services: ServicesDep,
    caller: ModelCreator,
    model_name: NewName,
    body: rest.ModelCreateByGoal,
    idempotency_key: IdempotencyKey = None,
) -> rest.BuildStarted:
    """Create a model in the words of the platform's published client."""
    return await models.create_by_goal(services, caller, model_name, body, idempotency_key)


@router.patch("/models/{model_name}", operation_id="updateModel", responses=errors(404, *BODY))
async def update_model(
    services: ServicesDep, caller: ModelEditor, model_name: str, body: rest.ModelUpdate
) -> rest.ModelUpdated:
    """Change name, description or tags of a model."""
    return await models.update_model(services, caller, model_name, body)


@router.delete(
    "/models/{model_name}", operation_id="deleteModel", status_code=202, responses=errors(404)
)
async def delete_model(
    services: ServicesDep, caller: ModelDeleter, model_name: str
) -> rest.ModelDeleted:
    """Delete a model with its versions, deployments and artifacts."""
    return await models.delete_model(services, caller, model_name)
