"""HTTP/1.1 to a pod: connections that are kept, and one request at a time on each.

``proxy`` sends predictions through a ``Pool``. A client library's request took a third of the
whole way through the façade, most of it for what a prediction does not need: cookies, redirects,
proxies, encodings. Bytes are parsed by httptools, as the server's are.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

import httptools

#: Less than the pods' 75 s, so that the side that reuses a connection closes it.
KEEP_ALIVE_SECONDS = 15.0
CONNECT_SECONDS = 2.0
BAD_REQUEST = 400
#: Bytes of a stream that wait for its reader before the pod is made to wait.
STREAM_BUFFER_BYTES = 256 * 1024
#: Headers of an answer that are kept.
PASSED_HEADERS = frozenset({b"content-type", b"x-modelyard-ignored-fields", b"retry-after"})

Headers = list[tuple[bytes, bytes]]


class BrokenError(Exception):
    """No connection could be made, or it ended before the answer did."""


class SilentError(Exception):
    """No answer came in time."""


class Answer(NamedTuple):
    """Status, the headers that are kept (names in lower case) and the body."""

    status: int
    headers: Headers
    body: "bytes | Incoming"


class Incoming:
    """A body whose length is not told, as it comes; whoever has it must close it."""

    def __init__(self, connection: "Connection", seconds: float) -> None:
        self._connection: Connection | None = connection
        self._seconds = seconds
        self._parts: deque[bytes] = deque()
        self._buffered = 0
        self._ended = False
        self._fault: BrokenError | None = None
        self._more = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its parts; BrokenError or SilentError where it breaks off."""
        while True:
            while self._parts:
                yield self._take()
            if self._fault:
                raise self._fault
            if self._ended:
                return
            self._more.clear()
            try:
                async with asyncio.timeout(self._seconds):
                    await self._more.wait()
            except TimeoutError as error:
                raise SilentError from error

    def close(self) -> None:
        """Give the connection back, or end it where the body has not come to its end."""
        if self._connection:
            self._connection.done(whole=self._ended)
        self._connection = None

    def feed(self, part: bytes) -> None:
        """Take a part from the connection."""
        self._parts.append(part)
        self._buffered += len(part)
        if self._buffered >= STREAM_BUFFER_BYTES and self._connection:
            self._connection.pause()
        self._more.set()

    def end(self, fault: BrokenError | None = None) -> None:
        """Nothing more will come; what happens to the connection after the end does not matter."""
        if not self._ended:
            self._ended, self._fault = fault is None, fault
            self._more.set()

    def _take(self) -> bytes:
        part = self._parts.popleft()
        self._buffered -= len(part)
        if self._buffered < STREAM_BUFFER_BYTES and self._connection:
            self._connection.resume()
        return part


class Connection(asyncio.Protocol):
    """One connection; between requests it waits in its pool."""

    def __init__(self, pool: "Pool", address: str) -> None:
        self._pool, self.address = pool, address
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[Answer] | None = None
        self._incoming: Incoming | None = None
        self._parts: list[bytes] = []
        self._seconds = 0.0
        self._paused = False
        self.idle_since = 0.0

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport.is_closing()

    async def exchange(self, request: bytes, deadline: float, seconds: float) -> Answer:
        """The answer to a request, by a time of the loop's clock.

        A body of unknown length may take longer, but not be silent for more than these seconds.
        Raises BrokenError and SilentError.
        """
        self._seconds = seconds
        self._waiter = self._loop.create_future()
        timer = self._loop.call_at(deadline, self._fail, SilentError())
        self._transport.write(request)
        try:
            answer = await self._waiter
        except BaseException:
            self._transport.abort()
            raise
        finally:
            timer.cancel()
        if isinstance(answer.body, bytes):
            self.done(whole=True)
        return answer

    def done(self, *, whole: bool) -> None:
        """Back to the pool, where the exchange has come to its end on both sides."""
        self._waiter = self._incoming = None
        if whole and self._keep and not (self.closed or self._transport.get_write_buffer_size()):
            self.resume()
            self._pool.put_back(self, self._loop)
        else:
            self._transport.abort()

    def end(self) -> None:
        """Close it at once."""
        self._transport.abort()

    def pause(self) -> None:
        """Let the other side wait."""
        self._paused = True
        self._transport.pause_reading()

    def resume(self) -> None:
        """Take what the other side sends."""
        if self._paused and not self.closed:
            self._transport.resume_reading()
        self._paused = False

    # As asyncio calls it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be used from now on."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # as TCP gives

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer; nobody has asked for any while it is idle."""
        if self._waiter is None:
            self._transport.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._transport.abort()
            self._fail(BrokenError(f"what came is no answer: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended; so has a body that goes on until then."""
        if self._incoming and exc is None and not self._keep:
            self._incoming.end()
        self._fail(BrokenError(str(exc or "the connection was closed")))

    # As httptools calls it.

    def on_message_begin(self) -> None:
        """An answer begins."""
        self._headers: Headers = []
        self._parts.clear()
        self._length_told = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is to be kept."""
        name = name.lower()
        if name in PASSED_HEADERS:
            self._headers.append((name, value))
        elif name == b"content-length":
            self._length_told = True

    def on_headers_complete(self) -> None:
        """Hand on a body of unknown length before it has come."""
        self._status = self._parser.get_status_code()
        self._keep = self._parser.should_keep_alive()
        if not self._length_told and self._status < BAD_REQUEST:
            self._incoming = Incoming(self, self._seconds)
            self._answer(self._incoming)

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._incoming:
            self._incoming.feed(part)
        else:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._incoming:
            self._incoming.end()
        else:
            self._answer(b"".join(self._parts))

    def _answer(self, body: bytes | Incoming) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(Answer(self._status, self._headers, body))

    def _fail(self, error: BrokenError | SilentError) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(error)
        elif self._incoming and isinstance(error, BrokenError):
            self._incoming.end(error)


class Pool:
    """Connections that wait for their next request, by ``host:port``."""

    def __init__(self) -> None:
        self._idle: dict[str, list[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(self, address: str, request: bytes, deadline: float, seconds: float) -> Answer:
        """The answer to a request that may be sent twice: see ``Connection.exchange``.

        That a kept connection breaks says nothing of the other side: it may just have ended what
        was idle. The request then goes over a new one.
        """
        if kept := self._take(address, asyncio.get_running_loop().time()):
            with suppress(BrokenError):
                return await kept.exchange(request, deadline, seconds)
        connection = await self._connect(address, deadline)
        return await connection.exchange(request, deadline, seconds)

    def put_back(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Keep a connection for a later request."""
        if self._closed:
            connection.end()
            return
        connection.idle_since = loop.time()
        self._idle.setdefault(connection.address, []).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(KEEP_ALIVE_SECONDS, self._sweep, loop)

    def close(self) -> None:
        """End all that wait now or come back later."""
        self._closed = True
        if self._sweeper:
            self._sweeper.cancel()
        for idle in self._idle.values():
            for connection in idle:
                connection.end()
        self._idle.clear()

    def _take(self, address: str, now: float) -> Connection | None:
        idle = self._idle.get(address)
        while idle:
            connection = idle.pop()
            if not connection.closed and now - connection.idle_since < KEEP_ALIVE_SECONDS:
                return connection
            connection.end()
        return None

    async def _connect(self, address: str, deadline: float) -> Connection:
        host, _, port = address.rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + CONNECT_SECONDS)):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, address), host.strip("[]"), int(port)
                )
        except OSError as error:
            msg = f"{address} takes no connection: {error}"
            raise BrokenError(msg) from error
        return connection

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeper, last = None, loop.time() - KEEP_ALIVE_SECONDS
        for address, idle in list(self._idle.items()):
            kept = [item for item in idle if not item.closed and item.idle_since > last]
            for connection in set(idle).difference(kept):
                connection.end()
            if kept:
                self._idle[address] = kept
            else:
                del self._idle[address]
        if self._idle:
            self._sweeper = loop.call_later(KEEP_ALIVE_SECONDS, self._sweep, loop)
