"""The way of a prediction: from a route to a pod and back, as raw bytes.

Pods are taken from the EndpointSlices, so that load spreads over requests and not over
connections, a new pod gets work at once and a going one none. Connections are kept for less long
than the pods keep them. A prediction changes nothing, so it is tried once more on another pod
where a connection breaks before an answer has begun. Answers whose length is told are taken
whole, within the time for a prediction; others are handed on as they come.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import NamedTuple, Protocol

import aiohttp
from yarl import URL

from modelyard_api.cache.kinds import EndpointSlice
from modelyard_api.cache.objects import ObjectCache
from modelyard_api.errors import UnavailableError
from modelyard_crds import ModelDeployment, names

#: Less than the pods' 75 s, so that the side that reuses a connection closes it.
KEEP_ALIVE_SECONDS = 15.0
CONNECT_SECONDS = 2.0
TRIES = 2
BAD_REQUEST = 400
#: Headers of the pod's answer that the client gets.
PASSED_HEADERS = frozenset({"content-type", "x-modelyard-ignored-fields", "retry-after"})


class PodRequest(NamedTuple):
    """What a pod is asked."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    query: str = ""


class PodStream:
    """A body that a pod sends without telling its length; whoever has it must close it."""

    def __init__(self, response: aiohttp.ClientResponse, held: ExitStack) -> None:
        self._response = response
        self._held = held

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its parts as they come; UnavailableError where it breaks off."""
        try:
            async for part in self._response.content.iter_any():
                yield part
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError(
                "The pod broke off in the middle of its answer.",
                suggestions=["Try again."],
                retry_after=1,
            ) from error

    def close(self) -> None:
        """Give the connection back, or end it where the body has not been read to its end."""
        self._response.close()
        self._held.close()


class PodAnswer(NamedTuple):
    """What a pod answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | PodStream

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON, as all answers of our own runtime are."""
        return any(
            name.lower() == "content-type" and value.startswith("application/json")
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

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._outstanding: Counter[str] = Counter()

    @classmethod
    def open(cls) -> "Proxy":
        """A proxy with its own pool of connections."""
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS, ttl_dns_cache=10
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept"),
        )
        return cls(session)

    async def close(self) -> None:
        """Close the pool."""
        await self._session.close()

    async def send(
        self,
        addresses: Iterable[str],
        request: PodRequest,
        seconds: float,
        otherwise: Sequence[str] = (),
    ) -> PodAnswer:
        """The answer of the least busy pod, or where that breaks of one of the others."""
        left = list(addresses)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        for _ in range(TRIES):
            if not left:
                break
            address = self._least_busy(left)
            left.remove(address)
            try:
                async with asyncio.timeout_at(deadline):
                    return await self._post(address, request, seconds)
            except aiohttp.ServerTimeoutError as error:
                if not isinstance(error, aiohttp.ConnectionTimeoutError):
                    raise _too_slow(seconds) from error
            except TimeoutError as error:
                raise _too_slow(seconds) from error
            except aiohttp.ClientError:
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

    @contextmanager
    def _busy(self, address: str) -> Iterator[None]:
        self._outstanding[address] += 1
        try:
            yield
        finally:
            self._outstanding[address] -= 1
            if not self._outstanding[address]:
                del self._outstanding[address]

    async def _post(self, address: str, request: PodRequest, seconds: float) -> PodAnswer:
        # Streams may take longer in all, but not be silent for longer.
        bounds = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=seconds)
        url = pod_url(address, request.path)
        with ExitStack() as held:
            held.enter_context(self._busy(address))
            response = await self._session.post(
                url.with_query(request.query) if request.query else url,
                data=request.body,
                headers=request.headers,
                timeout=bounds,
                allow_redirects=False,
            )
            body: bytes | PodStream
            if response.content_length is None and response.status < BAD_REQUEST:
                body = PodStream(response, held.pop_all())
            else:
                body = await response.read()
        passed = [
            (name, value)
            for name, value in response.headers.items()
            if name.lower() in PASSED_HEADERS
        ]
        return PodAnswer(response.status, passed, body)


@lru_cache(maxsize=4096)
def pod_url(address: str, path: str) -> URL:
    """The URL of a path at ``host:port``; IPv6 hosts are in brackets."""
    host, _, port = address.rpartition(":")
    return URL.build(scheme="http", host=host.strip("[]"), port=int(port), path=path)


def _too_slow(seconds: float) -> UnavailableError:
    return UnavailableError(
        f"The pod did not answer within {seconds:g} s.",
        suggestions=["Send fewer rows at a time.", "Deploy with more replicas."],
        retry_after=1,
    )
