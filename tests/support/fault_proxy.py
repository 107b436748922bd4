"""A proxy between an operator and the API server that plays whatever may go wrong between them.

The operator under test is a process of the test's own, whose kubeconfig names the proxy. The proxy
passes everything on, streams watches, remembers each writing call, and where a trap is set kills
the process with SIGKILL just before or just after that call reaches the API server. It may answer
calls itself (``fault``), and hold up, silence or cut the watches that are open.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import aiohttp
import yaml
from aiohttp import web

from support.loop_thread import LoopThread

Moment = Literal["before", "after"]
HOP_HEADERS = {"transfer-encoding", "connection", "keep-alive", "content-length", "host"}
SILENCE = 3600.0


@dataclass(frozen=True)
class Call:
    """A call that writes: its method, and its path without names."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Trap:
    """Where to kill, once: at the first writing call that matches, by call and body.

    That call is the last: writing calls that come beside or after it are refused until another
    trap is set.
    """

    matches: Callable[[Call, bytes], bool]
    moment: Moment
    kill: Callable[[], None]
    taken: bool = False
    sprung: threading.Event = field(default_factory=threading.Event)


def call_of(method: str, path: str) -> Call:
    """The call of a request; namespaces and names of objects become stars."""
    path = path.split("?", 1)[0]
    path = re.sub(r"/namespaces/[^/]+", "/namespaces/*", path)
    resource = re.match(r"(/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/\*)?/[^/]+)/[^/]+(.*)", path)
    return Call(method, f"{resource[1]}/*{resource[2]}" if resource else path)


class FaultProxy(LoopThread):
    """The proxy; a context manager."""

    def __init__(self, kubeconfig: Path) -> None:
        super().__init__()
        self._server, self._tls = _read(kubeconfig)
        self._streams: set[_Stream] = set()
        self.calls: list[Call] = []
        self.trap: Trap | None = None
        #: What to answer in the API server's place; None passes the call on.
        self.fault: Callable[[web.Request], web.Response | None] | None = None
        #: For how long each piece of a watch is held up.
        self.watch_delay = 0.0
        self.url = ""

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig that names the proxy."""
        path = folder / "kubeconfig"
        named = {"name": "proxy"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [named | {"cluster": {"server": self.url}}],
            "users": [named | {"user": {}}],
            "contexts": [named | {"context": {"cluster": "proxy", "user": "proxy"}}],
            "current-context": "proxy",
        }
        path.write_text(json.dumps(content))
        return path

    def silence_watches(self) -> int:
        """Have the open watches deliver nothing more and yet stay open; how many there were."""
        open_ = list(self._streams)
        for stream in open_:
            stream.silent = True
        return len(open_)

    def cut_watches(self) -> int:
        """Reset the connections of the open watches; how many there were."""
        open_ = list(self._streams)
        for stream in open_:
            self._soon(stream.cut)
        return len(open_)

    async def _start(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False
        )
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{tail:.*}", self._pass_on)
        self._runner = web.AppRunner(application, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"

    async def _stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if self.fault is not None and (answered := self.fault(request)) is not None:
            return answered
        writes = request.method != "GET"
        body = await request.read() if writes else None
        if body is not None and self.trap is not None and self.trap.taken:
            return web.Response(status=503)
        trap = None if body is None else self._note(call_of(request.method, request.path), body)
        if trap and trap.moment == "before":
            return self._spring(trap)
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_HEADERS}
        async with self._session.request(
            request.method,
            f"{self._server}{request.raw_path}",
            headers=headers,
            data=body,
        ) as answer:
            if trap:
                await answer.read()
                return self._spring(trap)
            if request.query.get("watch") in ("true", "1"):
                return await self._stream(request, answer)
            return await _relay(request, answer)

    async def _stream(
        self, request: web.Request, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        stream = _Stream(request)
        self._streams.add(stream)
        try:
            return await _relay(request, answer, stream, self.watch_delay)
        finally:
            self._streams.discard(stream)

    def _note(self, call: Call, body: bytes) -> Trap | None:
        """Remember the call; the trap that it springs, if any."""
        self.calls.append(call)
        trap = self.trap
        if trap is None or not trap.matches(call, body):
            return None
        trap.taken = True
        return trap

    def _spring(self, trap: Trap) -> web.Response:
        trap.sprung.set()
        trap.kill()
        return web.Response(status=503)


@dataclass(eq=False)
class _Stream:
    """One open watch."""

    request: web.Request
    silent: bool = False

    def cut(self) -> None:
        if self.request.transport is not None:
            self.request.transport.abort()


async def _relay(
    request: web.Request,
    answer: aiohttp.ClientResponse,
    stream: _Stream | None = None,
    delay: float = 0.0,
) -> web.StreamResponse:
    headers = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_HEADERS}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in _late(answer.content.iter_any(), delay):
            if stream is None or not stream.silent:
                await response.write(chunk)
        if stream is not None and stream.silent:
            # The far end has closed it, and nobody says so to the near one.
            await asyncio.sleep(SILENCE)
        await response.write_eof()
    except (aiohttp.ClientError, ConnectionResetError):
        return response
    return response


async def _late(chunks: AsyncIterator[bytes], delay: float) -> AsyncIterator[bytes]:
    """The same chunks in the same order, each some time after it came."""
    if not delay:
        async for chunk in chunks:
            yield chunk
        return
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes | None]] = asyncio.Queue()

    async def take_in() -> None:
        async for chunk in chunks:
            waiting.put_nowait((loop.time() + delay, chunk))
        waiting.put_nowait((loop.time() + delay, None))

    taking = asyncio.create_task(take_in())
    try:
        while True:
            when, late = await waiting.get()
            await asyncio.sleep(max(0.0, when - loop.time()))
            if late is None:
                return
            yield late
    finally:
        taking.cancel()


def _read(kubeconfig: Path) -> tuple[str, ssl.SSLContext]:
    """Server and TLS context of a kubeconfig with embedded certificates, in JSON or YAML."""
    content: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    context = ssl.create_default_context(cadata=_decoded(cluster, "certificate-authority").decode())
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "certificate", Path(folder) / "key"
        pair[0].write_bytes(_decoded(user, "client-certificate"))
        pair[1].write_bytes(_decoded(user, "client-key"))
        context.load_cert_chain(*pair)
    return str(cluster["server"]), context


def _decoded(part: dict[str, str], name: str) -> bytes:
    if f"{name}-data" in part:
        return base64.b64decode(part[f"{name}-data"])
    return Path(part[name]).read_bytes()
