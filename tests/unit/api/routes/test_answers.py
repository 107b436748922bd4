"""A streamed answer on a real server: what is held for it is given back, however it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import httpx
import pytest
import uvicorn
from aiohttp import web
from aiohttp.test_utils import TestServer
from starlette.types import Receive, Scope, Send

from modelyard_api.proxy import PodRequest, Proxy
from modelyard_api.routes.answers import answer_of

PARTS = 200
PART = b"x" * 65536


@asynccontextmanager
async def facade(given_back: asyncio.Event, parts: int) -> AsyncIterator[str]:
    """The address of a server that passes on what a pod streams; it breaks off after some parts."""

    async def pod(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(parts):
            await answer.write(PART)
        if parts < PARTS and request.transport:
            request.transport.abort()
        return answer

    behind = web.Application()
    behind.router.add_post("/predictions", pod)
    pods = TestServer(behind, shutdown_timeout=0.1)
    await pods.start_server()
    proxy = Proxy()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = PodRequest(b"", "req_1")
        answer = await proxy.send([f"127.0.0.1:{pods.port}"], "/predictions", request, 5)
        with ExitStack() as held:
            held.callback(given_back.set)
            response = answer_of(answer, held)
        await response(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
    task = asyncio.create_task(server.serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task
    listener.close()
    proxy.close()
    await pods.close()


async def test_it_is_held_until_the_stream_has_been_sent() -> None:
    given_back = asyncio.Event()
    async with facade(given_back, PARTS) as url, httpx.AsyncClient() as client:
        async with client.stream("POST", url) as answer:
            assert not given_back.is_set()
            size = sum([len(part) async for part in answer.aiter_raw()])
        assert size == PARTS * len(PART)
        await asyncio.wait_for(given_back.wait(), 5)


async def test_it_is_given_back_where_the_client_goes_away() -> None:
    given_back = asyncio.Event()
    async with facade(given_back, PARTS) as url:
        async with httpx.AsyncClient() as client, client.stream("POST", url):
            assert not given_back.is_set()
        await asyncio.wait_for(given_back.wait(), 5)


async def test_a_client_sees_that_the_pod_broke_off() -> None:
    given_back = asyncio.Event()
    async with facade(given_back, 3) as url, httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(url)
        await asyncio.wait_for(given_back.wait(), 5)
