"""A connection to the API server that speaks raw JSON.

The client's generated models cost seconds on large lists and refuse unknown values after the
write is done, so no model of it is used: ``cache`` and ``reads`` read, ``writes`` writes,
``access`` asks who a token is.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from kubernetes.aio import client, config

from modelyard_api.settings import Settings
from modelyard_crds import names

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
POOL_SIZE = 64

Query = Sequence[tuple[str, str]]


class ApiStatusError(Exception):
    """The API server refused; its Status object tells why."""

    def __init__(self, status: int, body: bytes) -> None:
        try:
            answer = msgspec.json.decode(body)
        except msgspec.DecodeError:
            answer = {}
        self.answer: dict[str, Any] = answer if isinstance(answer, dict) else {}
        self.status = status
        self.reason: str = self.answer.get("reason") or ""
        self.message: str = self.answer.get("message") or body[:200].decode(errors="replace")
        super().__init__(f"{status} {self.reason}: {self.message}")


class ApiUnreachableError(Exception):
    """The API server did not answer."""


class KubeApi:
    """One connection pool to the API server."""

    def __init__(self, configuration: client.Configuration) -> None:
        self._client = client.ApiClient(configuration)

    @classmethod
    async def connect(cls, settings: Settings) -> "KubeApi":
        """Open a pool with the pod's account, or with a kubeconfig where one is set."""
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = POOL_SIZE
        if settings.kubeconfig:
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                settings.kubeconfig, client_configuration=configuration
            )
        else:
            # Reads the token file again each minute: bound tokens rotate.
            config.load_incluster_config(configuration)  # type: ignore[no-untyped-call]
        return cls(configuration)

    async def close(self) -> None:
        """Close the pool."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: object = None,
        content_type: str = JSON,
        seconds: float = 15.0,
    ) -> bytes:
        """The body of the answer.

        Raises ApiStatusError where the server refuses, ApiUnreachableError where it is silent.
        """
        bounds = aiohttp.ClientTimeout(total=seconds)
        try:
            response = await self._send(method, path, query, body, content_type, bounds)
            answer = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiUnreachableError(f"{method} {path}: {error!r}") from error
        if response.status >= 400:  # noqa: PLR2004 - HTTP
            raise ApiStatusError(response.status, answer)
        return answer

    @asynccontextmanager
    async def stream(self, path: str, query: Query) -> AsyncIterator[aiohttp.StreamReader]:
        """An answer that goes on; the caller bounds how long it is silent."""
        bounds = aiohttp.ClientTimeout(total=None, sock_connect=15)
        try:
            response = await self._send("GET", path, query, None, JSON, bounds)
            try:
                if response.status >= 400:  # noqa: PLR2004 - HTTP
                    raise ApiStatusError(response.status, await response.read())
                yield response.content
            finally:
                response.close()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiUnreachableError(f"GET {path}: {error!r}") from error

    async def _send(
        self,
        method: str,
        path: str,
        query: Query,
        body: object,
        content_type: str,
        bounds: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        _, url, headers, payload, _ = await self._client.param_serialize(
            method,
            path,
            query_params=list(query),
            header_params={"Accept": JSON, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        wrapped = await self._client.call_api(
            method, url, headers, payload, _request_timeout=bounds
        )
        response: aiohttp.ClientResponse = wrapped.response
        return response


def collection_path(plural: str, namespace: str | None = None) -> str:
    """Path of the objects of one of our kinds, in a namespace or in all."""
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{names.API_VERSION}{scope}/{plural}"


def secrets_path(namespace: str) -> str:
    """Path of the Secrets of a namespace."""
    return f"/api/v1/namespaces/{namespace}/secrets"
