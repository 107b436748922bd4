"""API keys of the account."""

from fastapi import APIRouter, Depends

from modelyard_api.handlers import api_keys
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.routes.bodies import json_only
from modelyard_api.routes.dependencies import BODY, KeyManager, ServicesDep, errors

router = APIRouter(tags=["API keys"], dependencies=[Depends(json_only)])


@router.post("/api-keys", operation_id="createApiKey", status_code=201, responses=errors(*BODY))
async def create_key(
    services: ServicesDep, caller: KeyManager, body: rest.ApiKeyCreate
) -> rest.ApiKeyCreated:
    """Make a key; this answer is the only one that shows it."""
    return await api_keys.create_key(services, caller, body)


@router.get("/api-keys", operation_id="listApiKeys", responses=errors())
async def list_keys(services: ServicesDep, caller: KeyManager) -> rest.ApiKeyList:
    """List the account's keys, without the keys themselves."""
    return api_keys.list_keys(services, caller)


@router.delete("/api-keys/{key_id}", operation_id="deleteApiKey", responses=errors(404))
async def delete_key(services: ServicesDep, caller: KeyManager, key_id: str) -> rest.ApiKeyDeleted:
    """Revoke a key."""
    return await api_keys.delete_key(services, caller, key_id)
