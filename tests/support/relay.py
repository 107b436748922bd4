"""A TCP relay that a test can cut, silence and mend: what a network does to a server behind it.

It passes bytes on and knows no protocol, so TLS ends at the server itself. Used in front of the
API server and of the store.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal

from support.loop_thread import LoopThread

State = Literal["open", "cut", "silent"]
CHUNK = 65536


class Relay(LoopThread):
    """A port of the loopback address that leads to another one; a context manager."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self._target = host, port
        self._state: State = "open"
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def cut(self) -> None:
        """End all connections, and every new one at once."""
        self._state = "cut"
        self._soon(self._drop)

    def silence(self) -> None:
        """Take all bytes and pass none on, as where packets are dropped: nobody is told."""
        self._state = "silent"

    def mend(self) -> None:
        """Pass bytes on again; connections that were silent are ended, since bytes are missing."""
        silent, self._state = self._state == "silent", "open"
        if silent:
            self._soon(self._drop)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        self._drop()

    def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._state == "cut":
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        pair = {writer, there_writer}
        self._writers |= pair
        try:
            # The streams of asyncio 3.11 log a cancelled server task as a fault.
            with suppress(asyncio.CancelledError):
                await asyncio.gather(
                    self._pump(reader, there_writer), self._pump(there_reader, writer)
                )
        finally:
            self._writers -= pair
            for end in pair:
                end.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        # An end that has gone cannot be told the end: OSError where the socket knows it already.
        with suppress(OSError):
            while chunk := await source.read(CHUNK):
                if self._state == "open":
                    sink.write(chunk)
                    await sink.drain()
            sink.write_eof()
