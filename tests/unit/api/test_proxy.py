"""Against real servers: pitfalls 6.1 (idle connections that are closed) and 6.2 (spread)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from modelyard_api.errors import UnavailableError
from modelyard_api.proxy import Proxy, pod_url

HEADERS = {"Content-Type": "application/json", "X-Request-Id": "req_1"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def pod(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/infer", handler)
    server = TestServer(app, shutdown_timeout=0.1)
    await server.start_server()
    yield f"127.0.0.1:{server.port}"
    await server.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    opened = Proxy.open()
    yield opened
    await opened.close()


async def echo(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    extra = {"X-Modelyard-Ignored-Fields": "a", "X-Secret": "no"}
    return web.Response(body=body + request.headers["X-Request-Id"].encode(), headers=extra)


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.abort()
    raise asyncio.CancelledError


async def test_bytes_go_through_unchanged(proxy: Proxy) -> None:
    async with pod(echo) as address:
        answer = await proxy.send([address], "/infer", b'{"a": 1.0}', HEADERS, 5)
    assert (answer.status, answer.body) == (200, b'{"a": 1.0}req_1')
    names = {name.lower() for name, _ in answer.headers}
    assert "x-modelyard-ignored-fields" in names
    assert "x-secret" not in names


async def test_another_pod_is_tried_where_a_connection_breaks(proxy: Proxy) -> None:
    async with pod(hang_up) as broken, pod(echo) as good:
        for _ in range(20):
            answer = await proxy.send([broken, good, "127.0.0.1:9"][:2], "/infer", b"", HEADERS, 5)
            assert answer.status == 200


async def test_a_pod_that_refuses_connections_is_passed_over(proxy: Proxy) -> None:
    async with pod(echo) as good:
        for _ in range(10):
            answer = await proxy.send(["127.0.0.1:9", good], "/infer", b"", HEADERS, 5)
            assert answer.status == 200


async def test_no_more_than_two_pods_are_tried(proxy: Proxy) -> None:
    seen = Counter[str]()

    async def counted(request: web.Request) -> web.StreamResponse:
        seen["tries"] += 1
        return await hang_up(request)

    async with pod(counted) as a, pod(counted) as b, pod(counted) as c:
        with pytest.raises(UnavailableError, match="No pod"):
            await proxy.send([a, b, c], "/infer", b"", HEADERS, 5)
    assert seen["tries"] == 2


async def test_a_slow_pod_is_not_asked_again(proxy: Proxy) -> None:
    seen = Counter[str]()

    async def slow(request: web.Request) -> web.StreamResponse:
        seen["tries"] += 1
        await asyncio.sleep(2)
        return web.Response()

    async with pod(slow) as a, pod(slow) as b:
        with pytest.raises(UnavailableError, match="did not answer within"):
            await proxy.send([a, b], "/infer", b"", HEADERS, 0.05)
    assert seen["tries"] == 1


async def test_errors_of_a_pod_are_its_answer(proxy: Proxy) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=422, text="{}", headers={"Retry-After": "3"})

    async with pod(refuse) as address:
        answer = await proxy.send([address], "/infer", b"", HEADERS, 5)
    assert answer.status == 422
    assert ("Retry-After", "3") in answer.headers


async def test_load_goes_to_the_least_busy_pod(proxy: Proxy) -> None:
    seen = Counter[str]()
    gate = asyncio.Event()

    async def waiting(request: web.Request) -> web.StreamResponse:
        seen[str(request.url.port)] += 1
        if sum(seen.values()) == 30:
            gate.set()
        await gate.wait()
        return web.Response()

    async with pod(waiting) as a, pod(waiting) as b, pod(waiting) as c:
        sent = [proxy.send([a, b, c], "/infer", b"", HEADERS, 10) for _ in range(30)]
        await asyncio.gather(*sent)
    assert sorted(seen.values()) == [10, 10, 10]


@pytest.mark.parametrize(
    ("address", "url"),
    [("10.0.0.1:8080", "http://10.0.0.1:8080/x"), ("[fd00::1]:80", "http://[fd00::1]/x")],
)
def test_urls_of_pods(address: str, url: str) -> None:
    assert str(pod_url(address, "/x")) == url
