"""API keys of an account: make, list, revoke; and when they were last used."""

from datetime import datetime, timedelta

from modelyard_api import keys
from modelyard_api.auth import Caller
from modelyard_api.cache.kinds import parse_key_secret
from modelyard_api.errors import ForbiddenError, InvalidInputError, NotFoundError, UnavailableError
from modelyard_api.keys import ApiKey
from modelyard_api.kube import MERGE_PATCH, secrets_path
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.scopes import Scope
from modelyard_api.services import Services
from modelyard_crds.conditions import rfc3339

#: A key's last use is written at most so often.
USE_RESOLUTION = timedelta(minutes=5)


async def create_key(
    services: Services, caller: Caller, body: rest.ApiKeyCreate
) -> rest.ApiKeyCreated:
    """Make a key with no more scopes than the caller's own."""
    _check(services, caller, body)
    key_id, secret = keys.generate()
    key = keys.new_key(
        key_id,
        secret,
        account=caller.account,
        name=body.name,
        scopes=frozenset(scope.value for scope in body.scopes),
        now=services.now(),
        expires_at=body.expires_at,
        created_by=caller.user_id,
        # Who makes a key cannot give it more than the own one has.
        tier=caller.tier,
    )
    namespace = services.settings.namespace
    answer = await services.writer.send(
        "POST", secrets_path(namespace), body=keys.build_secret(key)
    )
    services.caches.keys.put(parse_key_secret(answer))
    return rest.ApiKeyCreated(**_key_json(key).model_dump(), api_key=keys.spell(key_id, secret))


def list_keys(services: Services, caller: Caller) -> rest.ApiKeyList:
    """All keys of the account, oldest first."""
    found = _keys(services, caller)
    return rest.ApiKeyList(
        api_keys=[_key_json(key) for key in sorted(found, key=lambda key: key.created_at)]
    )


async def delete_key(services: Services, caller: Caller, key_id: str) -> rest.ApiKeyDeleted:
    """Revoke a key: at once here, within seconds on other replicas."""
    key = next((key for key in _keys(services, caller) if key.key_id == key_id), None)
    if key is None:
        raise NotFoundError(
            f"Key '{key_id[:80]}' does not exist in account '{caller.account}'.",
            details={"key_id": key_id[:80]},
            suggestions=["List the keys with GET /api-keys."],
        )
    namespace = services.settings.namespace
    await services.writer.send("DELETE", _path(namespace, key_id))
    services.caches.keys.remove(namespace, key_id, key.uid)
    return rest.ApiKeyDeleted(key_id=key_id, deleted_at=services.now())


async def record_use(services: Services, used: dict[str, datetime]) -> None:
    """Write down when keys were last used, where the last note of it is old enough."""
    namespace = services.settings.namespace
    for key_id, at in used.items():
        key = services.caches.keys.get(namespace, key_id)
        if key is None or (key.last_used_at and at - key.last_used_at < USE_RESOLUTION):
            continue
        patch = {"data": {"lastUsed": keys.encode(rfc3339(at))}}
        try:
            await services.writer.send(
                "PATCH", _path(namespace, key_id), body=patch, content_type=MERGE_PATCH
            )
        except NotFoundError:
            continue
        except UnavailableError:
            return


def _check(services: Services, caller: Caller, body: rest.ApiKeyCreate) -> None:
    if caller.key is not None and not {s.value for s in body.scopes} <= caller.key.scopes:
        raise ForbiddenError(
            "A key cannot make a key that may do more than itself.",
            details={"scopes": sorted(caller.key.scopes)},
        )
    if body.expires_at is not None and body.expires_at.tzinfo is None:
        raise InvalidInputError(
            "expires_at has no time zone.", suggestions=["Write it as 2030-01-01T00:00:00Z."]
        )
    if body.expires_at is not None and body.expires_at <= services.now():
        raise InvalidInputError("expires_at is in the past.")
    end = caller.key.expires_at if caller.key else None
    if end is not None and (body.expires_at is None or body.expires_at > end):
        raise ForbiddenError(
            "A key cannot make a key that outlives it.",
            details={"expires_at": rfc3339(end)},
            suggestions=[f"Set expires_at to {rfc3339(end)} or earlier."],
        )


def _keys(services: Services, caller: Caller) -> list[ApiKey]:
    return services.caches.keys.find("account", services.settings.namespace, caller.account)


def _key_json(key: ApiKey) -> rest.ApiKeyJson:
    return rest.ApiKeyJson(
        key_id=key.key_id,
        name=key.name,
        scopes=[scope for scope in Scope if scope.value in key.scopes],
        tier=key.tier,
        created_at=key.created_at,
        created_by=key.created_by or None,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )


def _path(namespace: str, key_id: str) -> str:
    return f"{secrets_path(namespace)}/{keys.secret_name(key_id)}"
