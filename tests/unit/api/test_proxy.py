"""Against real servers: pitfalls 6.1 (idle connections that are closed) and 6.2 (spread)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from modelyard_api.errors import InvalidRequestError, UnavailableError
from modelyard_api.proxy import PodRequest, PodStream, Proxy

EMPTY = PodRequest(b"", "req_1")
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
    opened = Proxy()
    yield opened
    opened.close()


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
        answer = await proxy.send([address], "/infer", PodRequest(b'{"a": 1.0}', "req_1"), 5)
    assert (answer.status, answer.body) == (200, b'{"a": 1.0}req_1')
    names = {name for name, _ in answer.headers}
    assert b"x-modelyard-ignored-fields" in names
    assert b"x-secret" not in names


async def test_another_pod_is_tried_where_a_connection_breaks(proxy: Proxy) -> None:
    async with pod(hang_up) as broken, pod(echo) as good:
        for _ in range(20):
            answer = await proxy.send([broken, good], "/infer", EMPTY, 5)
            assert answer.status == 200


async def test_a_pod_that_refuses_connections_is_passed_over(proxy: Proxy) -> None:
    async with pod(echo) as good:
        for _ in range(10):
            answer = await proxy.send(["127.0.0.1:9", good], "/infer", EMPTY, 5)
            assert answer.status == 200


async def test_no_more_than_two_pods_are_tried(proxy: Proxy) -> None:
    seen = Counter[str]()

    async def counted(request: web.Request) -> web.StreamResponse:
        seen["tries"] += 1
        return await hang_up(request)

    async with pod(counted) as a, pod(counted) as b, pod(counted) as c:
        with pytest.raises(UnavailableError, match="No pod"):
            await proxy.send([a, b, c], "/infer", EMPTY, 5)
    assert seen["tries"] == 2


async def test_a_slow_pod_is_not_asked_again(proxy: Proxy) -> None:
    seen = Counter[str]()

    async def slow(request: web.Request) -> web.StreamResponse:
        seen["tries"] += 1
        await asyncio.sleep(2)
        return web.Response()

    async with pod(slow) as a, pod(slow) as b:
        with pytest.raises(UnavailableError, match="did not answer within"):
            await proxy.send([a, b], "/infer", EMPTY, 0.05)
    assert seen["tries"] == 1


async def test_errors_of_a_pod_are_its_answer(proxy: Proxy) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=422, text="{}", headers={"Retry-After": "3"})

    async with pod(refuse) as address:
        answer = await proxy.send([address], "/infer", EMPTY, 5)
    assert answer.status == 422
    assert (b"retry-after", b"3") in answer.headers


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
        sent = [proxy.send([a, b, c], "/infer", EMPTY, 10) for _ in range(30)]
        await asyncio.gather(*sent)
    assert sorted(seen.values()) == [10, 10, 10]


async def test_the_query_goes_with_it(proxy: Proxy) -> None:
    async def show(request: web.Request) -> web.StreamResponse:
        return web.Response(text=request.raw_path)

    async with pod(show) as address:
        request = PodRequest(b"", "req_1", query="explain=true&a=b%20c&a=%C3%A9")
        answer = await proxy.send([address], "/infer", request, 5)
    assert answer.body == b"/infer?explain=true&a=b%20c&a=%C3%A9"


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
    answer = await proxy.send([address], "/infer", EMPTY, seconds)
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
            answer = await proxy.send([a, b], "/infer", EMPTY, 5)
            assert isinstance(answer.body, bytes)
        stream.close()
        stream.close()
        await streamed(proxy, a)


class RawPod(asyncio.Protocol):
    """Says the same to whatever it is sent, once; then it ends, at once or when more comes."""

    def __init__(self, said: bytes, *, waits: bool) -> None:
        self._said, self._waits = said, waits

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, _data: bytes) -> None:
        self._transport.write(self._said)
        if self._said and self._waits:
            self._said = b""
        else:
            self._transport.close()


@asynccontextmanager
async def raw_pod(make: Callable[[], RawPod]) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_body_may_go_on_until_its_connection_ends(proxy: Proxy) -> None:
    async with raw_pod(lambda: RawPod(b"HTTP/1.1 200 OK\r\n\r\n0\n1\n", waits=False)) as address:
        stream = await streamed(proxy, address)
        assert b"".join([part async for part in stream]) == b"0\n1\n"
        stream.close()


@pytest.mark.parametrize("said", [b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
async def test_what_is_not_http_is_no_answer(proxy: Proxy, said: bytes) -> None:
    async with raw_pod(lambda: RawPod(said, waits=True)) as address:
        with pytest.raises(UnavailableError, match="No pod"):
            await proxy.send([address], "/infer", EMPTY, 5)


@pytest.mark.parametrize("request_", [EMPTY._replace(query="a\nb"), EMPTY._replace(query="a\r")])
async def test_what_would_be_another_header_is_not_sent(proxy: Proxy, request_: PodRequest) -> None:
    with pytest.raises(InvalidRequestError):
        await proxy.send(["127.0.0.1:9"], "/infer", request_, 5)


async def test_idle_connections_that_the_pod_closes_fail_no_request(proxy: Proxy) -> None:
    """Pitfall 6.1: the pod ends idle connections while they are used again, 1,000 times.

    Half of them end before the next request is written, half when it has arrived.
    """
    pods: list[RawPod] = []

    def make() -> RawPod:
        said = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        pods.append(RawPod(said, waits=len(pods) % 2 == 0))
        return pods[-1]

    async with raw_pod(make) as address:
        for _ in range(1000):
            answer = await proxy.send([address], "/infer", EMPTY, 5)
            assert (answer.status, answer.body) == (200, b"{}")
    assert len(pods) == 1000
