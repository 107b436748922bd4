"""Pitfall 6.4: bodies are counted as they arrive, whatever their headers say."""

import asyncio
import re

import pytest

from modelyard_runtime.serving.errors import NotReadyError, TooLargeError, TooSlowError
from modelyard_runtime.serving.requests import (
    BodyReader,
    DisconnectedError,
    new_request_id,
    read_headers,
)


def messages(*parts, then="http.request"):
    """A receive that gives the parts, the last one marked as such."""
    queue = [
        {"type": "http.request", "body": part, "more_body": index < len(parts) - 1}
        for index, part in enumerate(parts)
    ]
    if then == "http.disconnect":
        queue[-1]["more_body"] = True
        queue.append({"type": then})

    async def receive():
        await asyncio.sleep(0)
        return queue.pop(0)

    return receive


def reader(max_bytes=10, held_bytes=100, seconds=5.0):
    return BodyReader(max_bytes, held_bytes, seconds)


@pytest.mark.parametrize("parts", [[b"1234567890"], [b"12345", b"67890"], [b""] * 3, [b"", b"1"]])
async def test_a_body_is_read_whole(parts):
    assert await reader().read(messages(*parts), 0) == b"".join(parts)


async def test_a_stated_length_above_the_limit_is_refused_unread():
    async def receive():
        raise AssertionError

    with pytest.raises(TooLargeError, match="more than 10 bytes"):
        await reader().read(receive, 11)


@pytest.mark.parametrize("parts", [[b"x" * 11], [b"x" * 6, b"x" * 6], [b"x"] * 100])
async def test_more_bytes_than_stated_are_refused(parts):
    with pytest.raises(TooLargeError):
        await reader().read(messages(*parts), 1)


async def test_a_body_that_does_not_come_is_given_up():
    async def receive():
        await asyncio.Event().wait()

    with pytest.raises(TooSlowError, match=r"within 0\.01 s"):
        await reader(seconds=0.01).read(receive, 5)


async def test_a_cut_connection_is_noticed():
    with pytest.raises(DisconnectedError):
        await reader().read(messages(b"12", then="http.disconnect"), 5)


async def test_bodies_on_their_way_share_a_bounded_memory():
    bodies = reader(max_bytes=80, held_bytes=100)
    arrived = asyncio.Event()

    async def slow():
        if arrived.is_set():
            await asyncio.Event().wait()
        arrived.set()
        return {"type": "http.request", "body": b"x" * 70, "more_body": True}

    first = asyncio.create_task(bodies.read(slow, 0))
    await arrived.wait()
    with pytest.raises(NotReadyError):
        await bodies.read(messages(b"x" * 40, b"x"), 0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert len(await bodies.read(messages(b"x" * 40, b"x"), 0)) == 41


def test_headers_are_read_in_one_pass():
    headers = read_headers(
        [
            (b"host", b"pod"),
            (b"content-type", b"application/json"),
            (b"content-length", b"12"),
            (b"x-request-id", b"abc"),
        ]
    )
    assert headers == ("abc", b"application/json", b"", 12, None, b"", b"")


@pytest.mark.parametrize("value", [b"", b"a b", b'"', b"x" * 129, b"\xff", b"a\nb"])
def test_an_id_that_could_not_be_echoed_is_replaced(value):
    headers = read_headers([(b"x-request-id", value)])
    assert re.fullmatch(r"req_[a-z0-9]{12}", headers.request_id)


def test_ids_do_not_repeat():
    assert len({new_request_id() for _ in range(10_000)}) == 10_000
