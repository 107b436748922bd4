"""Uploads: files on their way to a dataset."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from starlette.requests import Request

from modelyard_api.handlers import uploads
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.mapping.uploads import record_json
from modelyard_api.multipart import FormStream
from modelyard_api.routes.bodies import FORM, is_form, json_body, json_only
from modelyard_api.routes.dependencies import (
    BODY,
    BaseUrl,
    DatasetCreator,
    DatasetDeleter,
    DatasetReader,
    IdempotencyKey,
    Limit,
    Offset,
    ServicesDep,
    errors,
)

router = APIRouter(tags=["Uploads"])
_FORM_SCHEMA = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "name": {"type": "string"},
        "description": {"type": "string"},
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/UploadCreate"}},
            FORM: {"schema": _FORM_SCHEMA},
        },
    }
}
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/uploads",
    operation_id="createUpload",
    status_code=201,
    responses=errors(409, *BODY),
    openapi_extra=_BODY,
)
async def create_upload(
    request: Request,
    services: ServicesDep,
    caller: DatasetCreator,
    base_url: BaseUrl,
    idempotency_key: IdempotencyKey = None,
) -> rest.UploadJson:
    """Announce files as JSON, or send them at once as a form and have a complete upload."""
    if is_form(request):
        form = FormStream(request.stream(), request.headers["content-type"])
        record, _ = await uploads.receive_form(services, caller, form, idempotency_key)
        return record_json(record, base_url)
    body = await json_body(request, rest.UploadCreate)
    return await uploads.begin(services, caller, body, base_url, idempotency_key)


@router.put(
    "/uploads/{upload_id}/files/{filename}",
    operation_id="putUploadFile",
    responses=errors(404, 409, *BODY),
    openapi_extra=_FILE,
)
async def put_file(
    request: Request,
    services: ServicesDep,
    caller: DatasetCreator,
    base_url: BaseUrl,
    upload_id: str,
    filename: str,
) -> rest.UploadJson:
    """Send one announced file; sending it again replaces it."""
    return await uploads.put_file(
        services, caller, (upload_id, filename), request.stream(), base_url
    )


@router.patch(
    "/uploads/{upload_id}",
    operation_id="completeUpload",
    dependencies=[Depends(json_only)],
    responses=errors(404, 409, *BODY),
)
async def complete_upload(
    services: ServicesDep,
    caller: DatasetCreator,
    base_url: BaseUrl,
    upload_id: str,
    _body: Annotated[rest.UploadUpdate, Body()],
) -> rest.UploadJson:
    """End an upload: its files together are one table from now on."""
    return await uploads.complete(services, caller, upload_id, base_url)


@router.get("/uploads", operation_id="listUploads", responses=errors())
async def list_uploads(
    services: ServicesDep,
    caller: DatasetReader,
    base_url: BaseUrl,
    limit: Limit = 20,
    offset: Offset = 0,
) -> rest.UploadList:
    """List all uploads of the account, newest first."""
    return await uploads.list_uploads(services, caller, limit, offset, base_url)


@router.get("/uploads/{upload_id}", operation_id="getUpload", responses=errors(404))
async def get_upload(
    services: ServicesDep, caller: DatasetReader, base_url: BaseUrl, upload_id: str
) -> rest.UploadJson:
    """Get an upload and which of its files have arrived."""
    return await uploads.get_upload(services, caller, upload_id, base_url)


@router.delete("/uploads/{upload_id}", operation_id="deleteUpload", responses=errors(404, 409))
async def delete_upload(
    services: ServicesDep, caller: DatasetDeleter, upload_id: str
) -> rest.UploadDeleted:
    """Delete the files of an upload that no build reads."""
    return await uploads.delete_upload(services, caller, upload_id)
