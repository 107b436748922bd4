"""What comes before a body, on a real server: its size is bounded, its faults have the envelope."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from modelyard_api.main import server_config
from modelyard_api.protocol import MAX_HEAD_BYTES, MAX_HEADERS
from modelyard_api.settings import Settings

REQUEST = b"GET /models HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server as the façade's, of an application that answers everything."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = server_config(PlainTextResponse("fine"), Settings())
    config.lifespan = "off"
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await task
    listener.close()


async def answer_to(port: int, *parts: bytes) -> tuple[int, dict[str, Any]]:
    """Status and body of what comes after some bytes, which are sent in parts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    reading = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    for part in parts:
        if reading.done():
            break
        writer.write(part)
        await writer.drain()
        # The server has the same loop: it reads this before more is sent.
        for _ in range(3):
            await asyncio.sleep(0)
    head = await reading
    status = int(head.split(b" ")[1])
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return status, json.loads(body) if status != 200 else {}


def headers(count: int, size: int) -> bytes:
    return b"".join(b"x-%d: %b\r\n" % (number, b"v" * size) for number in range(count))


async def test_headers_within_the_bounds_are_read(port: int) -> None:
    many = REQUEST + headers(MAX_HEADERS - 1, 10) + b"\r\n"
    large = REQUEST + headers(1, MAX_HEAD_BYTES - 200) + b"\r\n"
    body = b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100000
    for request in (many, large, body):
        assert (await answer_to(port, request))[0] == 200


@pytest.mark.parametrize(
    "parts",
    [
        [REQUEST + headers(MAX_HEADERS + 1, 1) + b"\r\n"],
        [REQUEST + headers(1, MAX_HEAD_BYTES) + b"\r\n"],
        [REQUEST + headers(60, 600) + b"\r\n"],
        [b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n"],
        # A value that does not end, of which the parser says nothing.
        [REQUEST + b"x: ", *[b"v" * 4096] * (2 * MAX_HEAD_BYTES // 4096)],
    ],
    ids=["many", "one large", "large together", "a long path", "endless"],
)
async def test_too_many_or_too_large_headers_are_431(port: int, parts: list[bytes]) -> None:
    status, body = await answer_to(port, *parts)
    error = body["error"]
    assert (status, error["status"], error["code"]) == (431, 431, "invalid_request")
    assert error["details"] == {"limit_bytes": MAX_HEAD_BYTES, "limit_headers": MAX_HEADERS}
    assert error["request_id"].startswith("req_")


async def test_what_is_not_http_is_an_envelope_too(port: int) -> None:
    status, body = await answer_to(port, b"nonsense\r\n\r\n")
    assert (status, body["error"]["code"]) == (400, "invalid_request")
