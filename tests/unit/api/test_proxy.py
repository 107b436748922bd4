"""Against real servers: pitfalls 6.1 (idle connections that are closed) and 6.2 (spread)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from modelyard_api.errors import UnavailableError
from modelyard_api.proxy import PodRequest, PodStream, Proxy, pod_url

HEADERS = {"Content-Type": "application/json", "X-Request-Id": "req_1"}
LINES = PodRequest("/infer", b"", HEADERS)
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
        answer = await proxy.send([address], PodRequest("/infer", b'{"a": 1.0}', HEADERS), 5)
    assert (answer.status, answer.body) == (200, b'{"a": 1.0}req_1')
    names = {name.lower() for name, _ in answer.headers}
    assert "x-modelyard-ignored-fields" in names
    assert "x-secret" not in names


async def test_another_pod_is_tried_where_a_connection_breaks(proxy: Proxy) -> None:
    async with pod(hang_up) as broken, pod(echo) as good:
        for _ in range(20):
            answer = await proxy.send(
                [broken, good, "127.0.0.1:9"][:2], PodRequest("/infer", b"", HEADERS), 5
            )
            assert answer.status == 200


async def test_a_pod_that_refuses_connections_is_passed_over(proxy: Proxy) -> None:
    async with pod(echo) as good:
        for _ in range(10):
            answer = await proxy.send(["127.0.0.1:9", good], PodRequest("/infer", b"", HEADERS), 5)
            assert answer.status == 200


async def test_no_more_than_two_pods_are_tried(proxy: Proxy) -> None:
    seen = Counter[str]()

    async def counted(request: web.Request) -> web.StreamResponse:
        seen["tries"] += 1
        return await hang_up(request)

    async with pod(counted) as a, pod(counted) as b, pod(counted) as c:
        with pytest.raises(UnavailableError, match="No pod"):
            await proxy.send([a, b, c], PodRequest("/infer", b"", HEADERS), 5)
    assert seen["tries"] == 2


async def test_a_slow_pod_is_not_asked_again(proxy: Proxy) -> None:
    seen = Counter[str]()

    async def slow(request: web.Request) -> web.StreamResponse:
        seen["tries"] += 1
        await asyncio.sleep(2)
        return web.Response()

    async with pod(slow) as a, pod(slow) as b:
        with pytest.raises(UnavailableError, match="did not answer within"):
            await proxy.send([a, b], PodRequest("/infer", b"", HEADERS), 0.05)
    assert seen["tries"] == 1


async def test_errors_of_a_pod_are_its_answer(proxy: Proxy) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=422, text="{}", headers={"Retry-After": "3"})

    async with pod(refuse) as address:
        answer = await proxy.send([address], PodRequest("/infer", b"", HEADERS), 5)
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
        sent = [proxy.send([a, b, c], PodRequest("/infer", b"", HEADERS), 10) for _ in range(30)]
        await asyncio.gather(*sent)
    assert sorted(seen.values()) == [10, 10, 10]


async def test_the_query_goes_with_it(proxy: Proxy) -> None:
    async def show(request: web.Request) -> web.StreamResponse:
        return web.Response(text=request.query_string)

    async with pod(show) as address:
        request = PodRequest("/infer", b"", HEADERS, "explain=true&a=b%20c&a=%C3%A9")
        answer = await proxy.send([address], request, 5)
    assert answer.body == b"explain=true&a=b%20c&a=%C3%A9"


# Answers of unknown length


async def in_parts(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await answer.prepare(request)
    for number in range(3):
        await answer.write(b"%d\n" % number)
    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"0\n")
    return await hang_up(request)


async def streamed(proxy: Proxy, address: str, seconds: float = 5) -> PodStream:
    answer = await proxy.send([address], LINES, seconds)
    assert isinstance(answer.body, PodStream)
    return answer.body


async def collect(stream: PodStream, parts: list[bytes]) -> None:
    async for part in stream:
        parts.append(part)  # noqa: PERF401 - what came before a fault must stay


async def test_a_stream_is_handed_on_and_its_connection_used_again(proxy: Proxy) -> None:
    clients = set[object]()

    async def counted(request: web.Request) -> web.StreamResponse:
        assert request.transport
        clients.add(request.transport.get_extra_info("peername"))
        return await in_parts(request)

    async with pod(counted) as address:
        for _ in range(3):
            stream = await streamed(proxy, address)
            assert b"".join([part async for part in stream]) == b"0\n1\n2\n"
            stream.close()
    assert len(clients) == 1


async def test_a_stream_is_not_bounded_in_all_but_in_its_silence(proxy: Proxy) -> None:
    async def steady(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(4):
            await answer.write(b"x")
            await asyncio.sleep(0.2)
        await asyncio.sleep(2)
        return answer

    async with pod(steady) as address:
        stream = await streamed(proxy, address, seconds=0.6)
        parts: list[bytes] = []
        with pytest.raises(UnavailableError, match="broke off"):
            await collect(stream, parts)
        stream.close()
    assert b"".join(parts) == b"xxxx"


async def test_a_stream_that_breaks_off_says_so(proxy: Proxy) -> None:
    async with pod(cut) as address:
        stream = await streamed(proxy, address)
        with pytest.raises(UnavailableError, match="broke off"):
            await collect(stream, [])
        stream.close()


async def test_a_pod_is_busy_until_its_stream_is_closed(proxy: Proxy) -> None:
    async with pod(in_parts) as a, pod(echo) as b:
        stream = await streamed(proxy, a)
        for _ in range(10):
            answer = await proxy.send([a, b], LINES, 5)
            assert isinstance(answer.body, bytes)
        stream.close()
        stream.close()
        await streamed(proxy, a)


@pytest.mark.parametrize(
    ("address", "url"),
    [("10.0.0.1:8080", "http://10.0.0.1:8080/x"), ("[fd00::1]:80", "http://[fd00::1]/x")],
)
def test_urls_of_pods(address: str, url: str) -> None:
    assert str(pod_url(address, "/x")) == url
