"""A small load generator: some connections, each sending its next request after the answer.

Run in a process of its own: ``client.py PORT PATH BODY_FILE CONNECTIONS SECONDS [KEY]`` prints one
JSON object. An empty body is a GET. Every answer must be 200.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

_END_OF_HEAD = b"\r\n\r\n"
WARM_UP_SECONDS = 0.5


class Load(NamedTuple):
    """What a run gave."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    #: All requests, also those of the warm-up.
    answered: int


class Connection(asyncio.Protocol):
    """One connection; latencies are kept from ``counting`` on."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._buffer = b""
        self._expected: int | None = None
        self._sent = 0.0
        self.counting = False
        self.answered = 0
        self.latencies: list[float] = []
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._expected is None:
            self._expected = self._length_of_answer()
        if self._expected is not None and len(self._buffer) >= self._expected:
            self.answered += 1
            if self.counting:
                self.latencies.append(time.perf_counter() - self._sent)
            self._buffer, self._expected = b"", None
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(exc or ConnectionError("the server closed a connection"))

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def _length_of_answer(self) -> int | None:
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            return None
        head = self._buffer[:end].lower()
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            self.ended.set_exception(RuntimeError(self._buffer[:500].decode(errors="replace")))
            self._transport.close()
        length = head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
        return end + len(_END_OF_HEAD) + int(length)


async def run(
    port: int, path: str, body: bytes, connections: int, seconds: float, key: str = ""
) -> Load:
    """Load a server on loopback for some seconds."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    credential = f"x-api-key: {key}\r\n" if key else ""
    method = "POST" if body else "GET"
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{credential}{length}\r\n"
    request = head.encode() + body
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Connection(request), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await _pass(made, WARM_UP_SECONDS)
    for connection in made:
        connection.counting = True
    started = time.perf_counter()
    await _pass(made, seconds)
    elapsed = time.perf_counter() - started
    latencies = sorted(value for connection in made for value in connection.latencies)
    cuts = statistics.quantiles(latencies, n=100)
    answered = sum(connection.answered for connection in made)
    return Load(len(latencies) / elapsed, cuts[49] * 1e3, cuts[98] * 1e3, answered)


async def _pass(connections: list[Connection], seconds: float) -> None:
    ended = [connection.ended for connection in connections]
    done, _ = await asyncio.wait(ended, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for future in done:
        future.result()


if __name__ == "__main__":
    port_, path_, file_, connections_, seconds_, *key_ = sys.argv[1:]
    body_ = Path(file_).read_bytes()
    load = uvloop.run(run(int(port_), path_, body_, int(connections_), float(seconds_), *key_))
    print(json.dumps(load._asdict()))
