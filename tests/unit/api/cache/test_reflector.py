"""The transport of list and watch, against a real server that misbehaves as API servers do.

Pitfalls 2.3 (a watch that stalls, is cut, expires) and 2.4 (deleted objects that stay).
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from modelyard_api.cache import Entry, ObjectCache, Reflector
from modelyard_api.cache import reflector as module
from modelyard_api.cache.objects import Signal
from modelyard_api.kube import KubeApi

Script = Callable[[web.StreamResponse], Any]


def item(name: str, revision: int, size: int = 0) -> dict[str, Any]:
    meta = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": str(revision)}
    return {"metadata": meta, "padding": "x" * size}


def parse(raw: bytes) -> Entry[str]:
    content = msgspec.json.decode(raw)
    if "metadata" not in content:
        raise ValueError("no metadata")
    meta = content["metadata"]
    revision = int(meta["resourceVersion"])
    return Entry(meta["namespace"], meta["name"], meta["uid"], revision, meta["name"])


def event(kind: str, content: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": content}).encode() + b"\n"


class Server:
    """Answers lists from ``items`` and each watch with the next script; then it stays silent."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.revision = 10
        self.scripts: list[Script] = []
        self.watched_from: list[str] = []
        self.lists = 0
        self.connections: list[asyncio.Transport] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return self._list(request)
        assert isinstance(request.transport, asyncio.Transport)
        self.connections.append(request.transport)
        self.watched_from.append(request.query["resourceVersion"])
        if not self.scripts:
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.Event().wait()
        script = self.scripts.pop(0)
        if isinstance(script, int):
            return web.json_response({"reason": "Expired"}, status=script)
        response = web.StreamResponse()
        await response.prepare(request)
        await script(response)
        return response

    def _list(self, request: web.Request) -> web.Response:
        self.lists += 1
        start = int(request.query.get("continue", 0))
        page = self.items[start : start + 2]
        more = str(start + 2) if start + 2 < len(self.items) else ""
        meta = {"resourceVersion": str(self.revision), "continue": more}
        return web.json_response({"metadata": meta, "items": page})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def running(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[ObjectCache[str], Signal]]:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.3)
    app = web.Application()
    app.router.add_get("/things", server.handle)
    test_server = TestServer(app, shutdown_timeout=0.1)
    await test_server.start_server()
    configuration = client.Configuration(host=str(test_server.make_url("")).rstrip("/"))
    kube = KubeApi(configuration)
    changed = Signal()
    cache = ObjectCache[str](changed=changed)
    task = asyncio.create_task(Reflector(kube, "/things", parse, cache).run())
    yield cache, changed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await kube.close()
    await test_server.close()


async def seen(running: tuple[ObjectCache[str], Signal], *names: str) -> bool:
    cache, changed = running
    wanted = sorted(names)
    return bool(await changed.until(lambda: sorted(cache.names("ns")) == wanted or None, 5))


async def test_a_list_in_pages_then_events(
    server: Server, running: tuple[ObjectCache[str], Signal]
) -> None:
    server.items = [item(name, 5) for name in "abcde"]

    async def script(response: web.StreamResponse) -> None:
        await response.write(event("ADDED", item("f", 11)) + event("DELETED", item("a", 12))[:20])
        await response.write(event("DELETED", item("a", 12))[20:])
        await asyncio.Event().wait()

    server.scripts = [script]
    assert await seen(running, *"bcdef")


async def test_a_line_of_more_than_five_megabytes(
    server: Server, running: tuple[ObjectCache[str], Signal]
) -> None:
    async def script(response: web.StreamResponse) -> None:
        await response.write(event("ADDED", item("big", 11, size=6_000_000)))
        await asyncio.Event().wait()

    server.scripts = [script]
    assert await seen(running, "big")


async def test_a_cut_watch_goes_on_from_the_last_revision(
    server: Server, running: tuple[ObjectCache[str], Signal]
) -> None:
    async def cut(response: web.StreamResponse) -> None:
        bookmark = {"metadata": {"resourceVersion": "40"}}
        await response.write(event("ADDED", item("a", 11)) + event("BOOKMARK", bookmark))
        await response.write(b'{"type": "ADDED", "obj')
        server.connections[-1].abort()

    async def more(response: web.StreamResponse) -> None:
        await response.write(event("ADDED", item("b", 41)))
        await asyncio.Event().wait()

    server.scripts = [cut, more]
    assert await seen(running, "a", "b")
    assert server.watched_from[:2] == ["10", "40"]
    assert server.lists == 1


async def test_a_silent_watch_is_cut_and_tried_again(
    server: Server, running: tuple[ObjectCache[str], Signal]
) -> None:
    async def silent(response: web.StreamResponse) -> None:
        await asyncio.Event().wait()

    async def alive(response: web.StreamResponse) -> None:
        await response.write(event("ADDED", item("a", 11)))
        await asyncio.Event().wait()

    server.scripts = [silent, alive]
    assert await seen(running, "a")


async def test_expired_revisions_lead_to_a_list_that_replaces_everything(
    server: Server, running: tuple[ObjectCache[str], Signal]
) -> None:
    async def expire(response: web.StreamResponse) -> None:
        await response.write(event("ADDED", item("lost", 11)))
        server.items, server.revision = [item("kept", 20)], 30
        await response.write(event("ERROR", {"code": 410, "message": "too old"}))

    server.scripts = [expire, 410, 410]  # type: ignore[list-item]
    assert await seen(running, "kept")


async def test_an_api_server_that_is_busy_is_not_asked_for_the_whole_list_again(
    server: Server, running: tuple[ObjectCache[str], Signal]
) -> None:
    async def script(response: web.StreamResponse) -> None:
        await response.write(event("ADDED", item("a", 11)))
        await asyncio.Event().wait()

    server.scripts = [429, script]  # type: ignore[list-item]
    assert await seen(running, "a")
    assert server.watched_from == ["10", "10"]
    assert server.lists == 1


async def test_an_object_that_cannot_be_read_is_left_out(
    server: Server, running: tuple[ObjectCache[str], Signal]
) -> None:
    server.items = [item("a", 1), {"kind": "Broken"}]
    assert await seen(running, "a")


async def test_a_list_of_thousands_leaves_the_loop_its_turns() -> None:
    """Pitfall 2.2, with a server that answers the whole list at once, whatever it was asked for."""
    read, seen_at_turns = 0, [0]
    cache = ObjectCache[str]()

    def counted(raw: bytes) -> Entry[str]:
        nonlocal read
        read += 1
        return parse(raw)

    class Lists:
        async def request(self, *_path: str, **_more: object) -> bytes:
            items = [item(f"n{number}", number + 1) for number in range(5000)]
            return json.dumps({"metadata": {"resourceVersion": "9999"}, "items": items}).encode()

    gc.freeze()
    kept_off_before = gc.get_freeze_count()
    listing = asyncio.create_task(Reflector(cast(Any, Lists()), "/things", counted, cache)._list())
    while not listing.done():
        await asyncio.sleep(0)
        seen_at_turns.append(read)
    assert len(cache) == 5000
    assert max(b - a for a, b in pairwise(seen_at_turns)) == module.TURN_SIZE
    # A full collection would hold the loop for longer than all turns together.
    assert gc.get_freeze_count() - kept_off_before >= len(cache)


class Waiting:
    """A stream whose next chunk is a future."""

    def __init__(self) -> None:
        self.chunk: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def readany(self) -> bytes:
        return await self.chunk


async def test_the_end_is_not_lost_where_an_event_comes_in_the_same_moment() -> None:
    """Pitfall 6.3: at its end the façade notes when keys were used, and their watch tells so."""
    content = Waiting()
    reading = asyncio.ensure_future(anext(module.lines(cast(Any, content))))
    await asyncio.sleep(0)
    content.chunk.set_result(b"{}\n")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
