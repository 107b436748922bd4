"""Versions: endpoints 6, 9, 11, 12, 15 of the specification, a version's own OpenAPI, its card."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from modelyard_api.handlers import versions
from modelyard_api.mapping import rest
from modelyard_api.routes.bodies import json_only
from modelyard_api.routes.dependencies import (
    BODY,
    BaseUrl,
    IdempotencyKey,
    ModelEditor,
    ServicesDep,
    VersionReader,
    errors,
)
from modelyard_crds.model_card import CARD_DATA_FILE

router = APIRouter(tags=["Model versions"], dependencies=[Depends(json_only)])

_JSON, _MARKDOWN, _SVG = "application/json", "text/markdown", "image/svg+xml"
_CARD = {"content": {_JSON: {"schema": {"$ref": "#/components/schemas/ModelCard"}}}}
_TEXT = {"schema": {"type": "string"}}
_CARD_FILE = {"content": {_MARKDOWN: _TEXT, _SVG: _TEXT, _JSON: {"schema": {"type": "object"}}}}


@router.get(
    "/models/{model_name}/versions", operation_id="listModelVersions", responses=errors(404)
)
async def list_versions(
    services: ServicesDep, caller: VersionReader, model_name: str
) -> rest.VersionList:
    """List all versions of a model, newest first."""
    return await versions.list_versions(services, caller, model_name)


@router.post(
    "/models/{model_name}/versions",
    operation_id="createModelVersion",
    status_code=202,
    responses=errors(404, 409, *BODY),
)
async def create_version(
    services: ServicesDep,
    caller: ModelEditor,
    model_name: str,
    body: rest.VersionCreate,
    idempotency_key: IdempotencyKey = None,
) -> rest.VersionStarted:
    """Build the next version from other data, intent or schemas."""
    return await versions.create_version(services, caller, model_name, body, idempotency_key)


@router.post(
    "/models/{model_name}/retrain",
    operation_id="retrainModel",
    status_code=202,
    responses=errors(404, 409, *BODY),
)
async def retrain(
    services: ServicesDep,
    caller: ModelEditor,
    model_name: str,
    body: rest.Retrain | None = None,
    idempotency_key: IdempotencyKey = None,
) -> rest.RetrainStarted:
    """Build the next version, with new data or settings where some are given."""
    wanted = body or rest.Retrain()
    return await versions.retrain(services, caller, model_name, wanted, idempotency_key)


@router.get(
    "/models/{model_name}/{model_version}/status",
    operation_id="getModelStatus",
    responses=errors(404),
)
async def version_status(
    services: ServicesDep, caller: VersionReader, model_name: str, model_version: str
) -> rest.ModelStatusAnswer:
    """Get how far a version is."""
    return await versions.version_status(services, caller, model_name, model_version)


@router.get(
    "/models/{model_name}/{model_version}/describe",
    operation_id="describeModel",
    responses=errors(404),
)
async def describe(
    services: ServicesDep,
    caller: VersionReader,
    model_name: str,
    model_version: str,
    plan: Annotated[bool, Query(description="Also answer what was decided before.")] = False,
) -> rest.ModelDescription:
    """Get schemas, metrics and the making of a version."""
    return await versions.describe(services, caller, model_name, model_version, with_plan=plan)


@router.get(
    "/models/{model_name}/{model_version}/openapi.json",
    operation_id="getModelOpenApi",
    responses=errors(404, 409),
)
async def version_openapi(
    services: ServicesDep,
    caller: VersionReader,
    base_url: BaseUrl,
    model_name: str,
    model_version: str,
) -> dict[str, Any]:
    """Get an OpenAPI document of a READY version's predictions: its fields, types and values."""
    return await versions.openapi(services, caller, (model_name, model_version), base_url)


@router.get(
    "/models/{model_name}/{model_version}/card",
    operation_id="getModelCard",
    response_class=Response,
    responses=errors(404, 409) | {200: _CARD},
)
async def card(
    services: ServicesDep, caller: VersionReader, model_name: str, model_version: str
) -> Response:
    """Get how good a READY version is, and how sure that is: its model card as data."""
    place = (model_name, model_version)
    content = await versions.card_file(services, caller, place, CARD_DATA_FILE)
    return Response(content, media_type=_JSON)


@router.get(
    "/models/{model_name}/{model_version}/card/{filename}",
    operation_id="getModelCardFile",
    response_class=Response,
    responses=errors(404, 409) | {200: _CARD_FILE},
)
async def card_file(
    services: ServicesDep,
    caller: VersionReader,
    model_name: str,
    model_version: str,
    filename: Annotated[
        str, Path(description="card.md, or a plot that it shows.", examples=["card.md"])
    ],
) -> Response:
    """Get the model card for people, `card.md`, or one of the plots that it shows."""
    content = await versions.card_file(services, caller, (model_name, model_version), filename)
    media = {"md": _MARKDOWN, "svg": _SVG}.get(filename.rpartition(".")[2], _JSON)
    # A plot that is opened as a page of its own runs nothing.
    return Response(content, media_type=media, headers={"Content-Security-Policy": "sandbox"})
