"""The way of a prediction: from a route to a pod and back, as raw bytes.

Pods are taken from the EndpointSlices, so that load spreads over requests and not over
connections, a new pod gets work at once and a going one none. A prediction changes nothing, so it
is tried once more on another pod where a connection breaks. Answers whose length is told are
taken whole, within the time for a prediction; others are handed on as they come.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from modelyard_api.cache.kinds import EndpointSlice
from modelyard_api.cache.objects import ObjectCache
from modelyard_api.connection import (
    BrokenError,
    Headers,
    Incoming,
    Pool,
    SilentError,
)
from modelyard_api.errors import InvalidRequestError, UnavailableError
from modelyard_crds import ModelDeployment, names

TRIES = 2
JSON = "application/json"


class PodRequest(NamedTuple):
    """What pods are asked to predict from, as the client sent it."""

    body: bytes
    request_id: str
    media: str = JSON
    query: str = ""
    accept: str = ""

    @property
    def has_rows(self) -> bool:
        """Whether it is of any number of rows, and not of one."""
        return self.media != JSON or self.body.lstrip()[:1] == b"["

    def encode(self, address: str, path: str) -> bytes:
        """The bytes of the request to ``host:port``."""
        target, accept = path, ""
        if self.query:
            target = f"{path}?{_one_line(self.query)}"
        if self.accept and self.media != JSON:
            accept = f"Accept: {_one_line(self.accept)}\r\n"
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {self.media}\r\n"
            f"X-Request-Id: {self.request_id}\r\n{accept}Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode("latin-1") + self.body


class PodStream:
    """A body that a pod sends without telling its length; whoever has it must close it."""

    def __init__(self, incoming: Incoming, release: Callable[[], None]) -> None:
        self._incoming = incoming
        self._release: Callable[[], None] | None = release

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its parts as they come; UnavailableError where it breaks off."""
        try:
            async for part in self._incoming:
                yield part
        except (BrokenError, SilentError) as error:
            raise UnavailableError(
                "The pod broke off in the middle of its answer.",
                suggestions=["Try again."],
                retry_after=1,
            ) from error

    def close(self) -> None:
        """Give the connection back, or end it where the body has not been read to its end."""
        self._incoming.close()
        if self._release:
            self._release()
        self._release = None


class PodAnswer(NamedTuple):
    """What a pod answered; names of headers are in lower case."""

    status: int
    headers: Headers
    body: bytes | PodStream

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON, as all answers of our own runtime are."""
        return any(
            name == b"content-type" and value.startswith(JSON.encode())
            for name, value in self.headers
        )


class Resolver(Protocol):
    """Says where the pods of a deployment are."""

    def addresses(self, deployment: ModelDeployment) -> list[str]:
        """``host:port`` of each pod that is ready; else of the Service, where one may answer."""

    def canary_addresses(self, deployment: ModelDeployment) -> list[str]:
        """``host:port`` of each ready pod of the version that the deployment tries out."""


class SliceResolver:
    """Finds pods in the watch cache of EndpointSlices."""

    def __init__(self, slices: ObjectCache[EndpointSlice]) -> None:
        self._slices = slices

    def addresses(self, deployment: ModelDeployment) -> list[str]:
        """Pods that are ready; the Service where no slice of it is known but it serves."""
        meta = deployment.metadata
        slices = self._slices.find("service", meta.namespace, meta.name)
        if not slices and deployment.status.ready_replicas:
            return [f"{meta.name}.{meta.namespace}.svc:80"]
        return [address for item in slices for address in item.addresses]

    def canary_addresses(self, deployment: ModelDeployment) -> list[str]:
        """Pods of the canary that are ready; none as soon as they go."""
        meta = deployment.metadata
        slices = self._slices.find("service", meta.namespace, names.canary_name(meta.name))
        return [address for item in slices for address in item.addresses]


class Proxy:
    """Sends predictions to pods."""

    def __init__(self) -> None:
        self._pool = Pool()
        self._outstanding: Counter[str] = Counter()

    def close(self) -> None:
        """Close all connections that wait."""
        self._pool.close()

    async def send(
        self,
        addresses: Sequence[str],
        path: str,
        request: PodRequest,
        seconds: float,
        otherwise: Sequence[str] = (),
    ) -> PodAnswer:
        """The answer of the least busy pod, or where that breaks of one of the others."""
        left = list(addresses)
        deadline = asyncio.get_running_loop().time() + seconds
        for _ in range(TRIES):
            if not left:
                break
            address = self._least_busy(left)
            left.remove(address)
            try:
                return await self._ask(address, request.encode(address, path), deadline, seconds)
            except SilentError as error:
                raise _too_slow(seconds) from error
            except BrokenError:
                left = list(otherwise) or left
        raise UnavailableError(
            "No pod of the deployment answered.",
            suggestions=["Try again shortly.", "Look at the deployment's status."],
            retry_after=1,
        )

    def _least_busy(self, addresses: list[str]) -> str:
        if len(addresses) == 1:
            return addresses[0]
        least = min(self._outstanding[address] for address in addresses)
        return random.choice(  # noqa: S311 - to spread load
            [address for address in addresses if self._outstanding[address] == least]
        )

    async def _ask(
        self, address: str, request: bytes, deadline: float, seconds: float
    ) -> PodAnswer:
        self._outstanding[address] += 1
        try:
            status, headers, body = await self._pool.send(address, request, deadline, seconds)
        except BaseException:
            self._release(address)
            raise
        if isinstance(body, Incoming):
            return PodAnswer(status, headers, PodStream(body, partial(self._release, address)))
        self._release(address)
        return PodAnswer(status, headers, body)

    def _release(self, address: str) -> None:
        self._outstanding[address] -= 1
        if not self._outstanding[address]:
            del self._outstanding[address]


def _one_line(text: str) -> str:
    # No server that reads HTTP lets such through; what is written here must not depend on it.
    if text.isprintable():
        return text
    raise InvalidRequestError(f"A header or the query has characters without a shape: {text!r}.")


def _too_slow(seconds: float) -> UnavailableError:
    return UnavailableError(
        f"The pod did not answer within {seconds:g} s.",
        suggestions=["Send fewer rows at a time.", "Deploy with more replicas."],
        retry_after=1,
    )
