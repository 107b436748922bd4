"""The only door for changes: every create, patch and delete goes through ``Writer``.

The API server checks fields strictly, its refusals become our errors, and its answer is put into
the cache before the caller hears of it, so that a read right after a write sees the write.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

import msgspec

from modelyard_api.cache.kinds import Kind
from modelyard_api.errors import (
    ConflictError,
    ForbiddenError,
    InternalError,
    InvalidInputError,
    ModelyardError,
    NotFoundError,
    UnavailableError,
)
from modelyard_api.kube import MERGE_PATCH, ApiStatusError, ApiUnreachableError, KubeApi
from modelyard_crds import names
from modelyard_crds.base import Resource

R = TypeVar("R", bound=Resource)

FIELD_MANAGER = "modelyard-api"
_STRICT = (("fieldValidation", "Strict"), ("fieldManager", FIELD_MANAGER))
RETRY_SECONDS = 5.0


class AlreadyExistsError(ConflictError):
    """An object of the name exists already."""


class Writer:
    """Writes objects of the four kinds."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube

    async def create(
        self,
        kind: Kind[R],
        namespace: str,
        name: str,
        spec: Mapping[str, Any],
        **metadata: object,
    ) -> R:
        """Create an object; AlreadyExistsError where the name is taken."""
        body = {
            "apiVersion": names.API_VERSION,
            "kind": kind.type.info.kind,
            "metadata": {"name": name, "namespace": namespace, **metadata},
            "spec": spec,
        }
        answer = await self.send("POST", kind.path(namespace), query=_STRICT, body=body)
        return _remember(kind, answer)

    async def patch(self, kind: Kind[R], namespace: str, name: str, patch: Mapping[str, Any]) -> R:
        """Merge a patch into an object; fields given as None are removed."""
        path = f"{kind.path(namespace)}/{name}"
        answer = await self.send("PATCH", path, query=_STRICT, body=patch, content_type=MERGE_PATCH)
        return _remember(kind, answer)

    async def delete(self, kind: Kind[R], resource: R) -> None:
        """Delete this very object, not a later one of its name; gone already is as good.

        What it owns goes after it.
        """
        await self._delete(kind, resource, "Background")
        meta = resource.metadata
        kind.cache.remove(meta.namespace, meta.name, meta.uid)

    async def retire(self, kind: Kind[R], resource: R) -> None:
        """Delete this very object once what it owns and waits for has gone; it is seen until then.

        Gone already is as good.
        """
        answer = await self._delete(kind, resource, "Foreground")
        if answer is not None and msgspec.json.decode(answer)["kind"] == kind.type.info.kind:
            _remember(kind, answer)

    async def _delete(self, kind: Kind[R], resource: R, policy: str) -> bytes | None:
        meta = resource.metadata
        body = {"propagationPolicy": policy, "preconditions": {"uid": meta.uid}}
        path = f"{kind.path(meta.namespace)}/{meta.name}"
        with suppress(NotFoundError, ConflictError):
            return await self.send("DELETE", path, body=body)
        return None

    async def send(self, method: str, path: str, **arguments: Any) -> bytes:
        """One request that changes something, with refusals as our errors."""
        try:
            return await self._kube.request(method, path, **arguments)
        except ApiStatusError as error:
            _refused(error)
        except ApiUnreachableError as error:
            raise UnavailableError(
                "The Kubernetes API server does not answer; the change may or may not be made.",
                suggestions=["Look whether the change was made, then try again."],
                retry_after=RETRY_SECONDS,
            ) from error


def _remember(kind: Kind[R], answer: bytes) -> R:
    entry = kind.parse(answer)
    kind.cache.put(entry)
    return entry.value


def _refused(error: ApiStatusError) -> NoReturn:
    raise translate(error) from error


def translate(error: ApiStatusError) -> ModelyardError:
    """Our error for a refusal of the API server, in its words."""
    message = error.message
    match error.status, error.reason:
        case 409, "AlreadyExists":
            return AlreadyExistsError(message)
        case 409, _:
            return ConflictError(message, suggestions=["Read the object and try again."])
        case 400 | 422, _:
            return InvalidInputError(message, details=_causes(error))
        case 403, _:
            return ForbiddenError(message, suggestions=["Ask an administrator of the cluster."])
        case 404, _:
            return _missing(error)
        case ((429 | 500 | 502 | 503 | 504), _):
            return UnavailableError(message, retry_after=RETRY_SECONDS)
        case _:
            return InternalError(f"The Kubernetes API server refused: {message}")


def _missing(error: ApiStatusError) -> NotFoundError:
    details = error.answer.get("details") or {}
    if details.get("kind") != "namespaces":
        return NotFoundError(error.message)
    namespace = details.get("name")
    return NotFoundError(
        f"Account '{namespace}' has no namespace in the cluster.",
        suggestions=[f"Create it with kubectl create namespace {namespace}."],
    )


def _causes(error: ApiStatusError) -> dict[str, Any]:
    causes = (error.answer.get("details") or {}).get("causes") or []
    return {cause.get("field") or "": cause.get("message") for cause in causes}
