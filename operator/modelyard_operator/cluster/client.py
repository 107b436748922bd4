"""The API server, as JSON: one long-lived client, raw objects, errors of our own tree.

No generated model is built anywhere: they cost more than the rest of a reconcile, and refuse
answers of a newer server after the write was done. (The client annotates some of its functions
not at all; those are the calls that mypy is told to let pass.)
"""

import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import getproxies

import aiohttp
import msgspec
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config
from kubernetes.aio.config.incluster_config import SERVICE_TOKEN_FILENAME

from modelyard_crds.reasons import Reason
from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.kinds import CHILD_SELECTOR, OWN_KINDS, Kind
from modelyard_operator.cluster.outage import Outage
from modelyard_operator.errors import (
    ConflictError,
    NotFoundError,
    OperatorError,
    RefusedError,
    SettingsError,
    TryAgainError,
)

REQUEST_TIMEOUT = 30.0
LIST_LIMIT = 500
JSON = "application/json"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"

_AUTHENTICATION = ["BearerToken"]


async def load_configuration() -> Configuration:
    """Where the API server is: the pod's service account, else the kubeconfig's context.

    A pod's token is read from its file for each call: the library looks once a minute only, in
    which a token may have been rotated and the old one revoked.
    """
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        configuration.refresh_api_key_hook = _read_token  # type: ignore[assignment]  # it is untyped
    except ConfigException:
        try:
            await load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            msg = f"neither a service account nor a kubeconfig was found: {error}"
            raise SettingsError(msg) from error
    configuration.connection_pool_maxsize = 100
    # Told to trust the environment, which is its default, aiohttp looks into ~/.netrc before each
    # call, in a thread; what of it may be needed to reach the API server is a proxy.
    configuration.client_session_kwargs = {"trust_env": bool(getproxies())}
    return configuration


def _read_token(configuration: Configuration) -> None:
    """Take the token as the kubelet has put it; while it cannot be read, the last one stays."""
    try:
        token = Path(SERVICE_TOKEN_FILENAME).read_text()
    except OSError:
        return
    if token:
        configuration.api_key["BearerToken"] = f"bearer {token}"


class Api:
    """Calls to the API server."""

    def __init__(self, configuration: Configuration) -> None:
        self._client = ApiClient(configuration)
        self._client.user_agent = "modelyard-operator"
        #: Whether calls reach the API server at all.
        self.outage = Outage()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def get(self, kind: Kind, namespace: str | None, name: str) -> dict[str, Any]:
        """One object. Raises NotFoundError."""
        return await self._call("GET", kind.path(namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None, **query: str
    ) -> AsyncIterator[dict[str, Any]]:
        """All objects of a kind that are ours to see, in chunks."""
        if kind not in OWN_KINDS and "fieldSelector" not in query:
            query = {**query, "labelSelector": CHILD_SELECTOR}
        query = {**query, "limit": str(LIST_LIMIT)}
        while True:
            page = await self._call("GET", kind.path(namespace), query=query)
            for item in page.get("items", ()):
                yield item
            token = page.get("metadata", {}).get("continue")
            if not token:
                return
            query["continue"] = token

    async def create(
        self, kind: Kind, namespace: str | None, manifest: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make an object. Raises ConflictError where the name is taken."""
        query = {"fieldManager": "modelyard-operator"}
        return await self._call("POST", kind.path(namespace), body=manifest, query=query)

    async def replace(self, kind: Kind, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Put an object in place of what was read. Raises ConflictError where that changed."""
        meta = manifest["metadata"]
        return await self._call("PUT", kind.path(meta["namespace"], meta["name"]), body=manifest)

    async def apply(
        self,
        kind: Kind,
        manifest: Mapping[str, Any],
        *,
        manager: str,
        subresource: str = "",
    ) -> dict[str, Any]:
        """Server-side apply, with force: what we state is ours."""
        meta = manifest["metadata"]
        return await self._call(
            "PATCH",
            kind.path(meta["namespace"], meta["name"], subresource),
            body=manifest,
            query={"fieldManager": manager, "force": "true"},
            content_type=APPLY_PATCH,
        )

    async def merge(self, kind: Kind, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Merge patch, for objects that nobody shares with us."""
        meta = manifest["metadata"]
        path = kind.path(meta["namespace"], meta["name"])
        return await self._call("PATCH", path, body=manifest, content_type=MERGE_PATCH)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete the object of this uid; one that is gone, or another one, is as good."""
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self._call("DELETE", kind.path(namespace, name), body=options)
        except (NotFoundError, ConflictError):
            return

    async def review(self, path: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the API server a question that is put as an object."""
        return await self._call("POST", path, body=manifest)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> dict[str, Any]:
        started = time.monotonic()
        code = "error"
        try:
            status, headers, data = await self._send(method, path, body, query, content_type)
            code = str(status)
        finally:
            metrics.API_CALLS.labels(method, code).inc()
            metrics.API_SECONDS.labels(method).observe(time.monotonic() - started)
        if status >= 400:  # noqa: PLR2004 - the line between answers and errors in HTTP
            raise error_of(status, data, headers, f"{method} {path}")
        try:
            answer: dict[str, Any] = msgspec.json.decode(data)
        except msgspec.DecodeError as error:
            msg = f"{method} {path}: what answered is no API server: {error}"
            raise TryAgainError(msg) from error
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        content_type: str,
    ) -> tuple[int, Mapping[str, str], bytes]:
        serialized = await self._client.param_serialize(
            method=method,
            resource_path=path,
            query_params=list(query.items()) if query else [],
            header_params={"Content-Type": content_type, "Accept": JSON},
            body=dict(body) if body is not None else None,
            auth_settings=_AUTHENTICATION,
        )
        try:
            response = await self._client.call_api(*serialized, _request_timeout=REQUEST_TIMEOUT)
            data = await response.read()  # type: ignore[no-untyped-call]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError):
                self.outage.note(reached=False)
            msg = f"{method} {path}: the API server does not answer: {error!r}"
            raise TryAgainError(msg) from error
        self.outage.note(reached=True)
        return response.status, response.headers, data


def error_of(code: int, data: bytes, headers: Mapping[str, str], call: str) -> OperatorError:
    """The error of our tree for an answer that is one."""
    status = _status(data)
    message = status.get("message") or f"HTTP {code}"
    if code == 404:  # noqa: PLR2004
        return NotFoundError(f"{call}: {message}")
    if code == 409:  # noqa: PLR2004
        return ConflictError(f"{call}: {message}")
    if code in (400, 403, 413, 422):
        return _refusal(status, message, call)
    retry_after = headers.get("Retry-After", "")
    return TryAgainError(
        f"{call}: {code} {message}", float(retry_after) if retry_after.isdecimal() else None
    )


def _refusal(status: Mapping[str, Any], message: str, call: str) -> OperatorError:
    causes = (status.get("details") or {}).get("causes") or ()
    if any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
        return NotFoundError(f"{call}: {message}")
    if "exceeded quota" in message:
        advice = "Free or raise the quota; it is tried again by itself."
        return RefusedError(Reason.QUOTA_EXCEEDED, f"{message}. {advice}")
    return RefusedError(Reason.FORBIDDEN_BY_POLICY, f"The API server refuses it: {message}")


def _status(data: bytes) -> Mapping[str, Any]:
    try:
        decoded = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
