"""Datasets: what models learn from."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from modelyard_api.handlers import datasets
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.multipart import FormStream
from modelyard_api.routes.bodies import FORM, is_form, json_body
from modelyard_api.routes.dependencies import (
    BODY,
    DatasetCreator,
    DatasetDeleter,
    DatasetReader,
    IdempotencyKey,
    Limit,
    Offset,
    ServicesDep,
    errors,
)

router = APIRouter(tags=["Datasets"])
_FORM_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "name": {"type": "string"},
        "description": {"type": "string"},
        "format": {"enum": list(datasets.FORMATS)},
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/DatasetCreate"}},
            FORM: {"schema": _FORM_SCHEMA},
        },
    }
}


@router.post(
    "/datasets",
    operation_id="createDataset",
    status_code=201,
    responses=errors(409, *BODY),
    openapi_extra=_BODY,
)
async def create_dataset(
    request: Request,
    services: ServicesDep,
    caller: DatasetCreator,
    idempotency_key: IdempotencyKey = None,
) -> rest.DatasetJson:
    """Add a table: send its file as a form, or name its address as JSON."""
    if is_form(request):
        form = FormStream(request.stream(), request.headers["content-type"])
        return await datasets.create_from_form(services, caller, form, idempotency_key)
    body = await json_body(request, rest.DatasetCreate)
    return await datasets.create_dataset(services, caller, body, idempotency_key)


@router.get("/datasets", operation_id="listDatasets", responses=errors())
async def list_datasets(
    services: ServicesDep, caller: DatasetReader, limit: Limit = 20, offset: Offset = 0
) -> rest.DatasetList:
    """List all datasets of the account."""
    return datasets.list_datasets(services, caller, limit, offset)


@router.get("/datasets/{dataset_id}", operation_id="getDataset", responses=errors(404))
async def get_dataset(
    services: ServicesDep, caller: DatasetReader, dataset_id: str
) -> rest.DatasetJson:
    """Get columns, rows and digest of a dataset."""
    return await datasets.get_dataset(services, caller, dataset_id)


@router.delete(
    "/datasets/{dataset_id}",
    operation_id="deleteDataset",
    status_code=202,
    responses=errors(404, 409),
)
async def delete_dataset(
    services: ServicesDep, caller: DatasetDeleter, dataset_id: str
) -> rest.DatasetDeleted:
    """Delete a dataset that no build reads."""
    return await datasets.delete_dataset(services, caller, dataset_id)
