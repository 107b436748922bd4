"""Brings the façade to loopback, and keeps the logs short: the one process of ours that stays.

For the local build it copies bytes between 127.0.0.1:PORT and the node's port; for a context it
keeps ``kubectl port-forward`` running, which ends whenever its pod does. ``up`` starts it in the
background, ``down`` ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

from modelyard_cluster.console import say
from modelyard_cluster.processes import shorten
from modelyard_cluster.tools import tool

BUFFER_LIMIT = 256 * 1024
RETRY_SECONDS = 1.0
LOG_CHECK_SECONDS = 60.0
SERVICE = ("modelyard-system", "service/modelyard-api", 80)


class Side(asyncio.Protocol):
    """One end of a connection; what it receives goes to ``other`` as it comes."""

    def __init__(self, other: Side | None = None) -> None:
        self.other = other
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send small answers at once; a transport of a TCP connection is always of this type."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=BUFFER_LIMIT)
        plain = self.transport.get_extra_info("socket")
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if target := self._target():
            target.write(data)

    def eof_received(self) -> bool:
        """Pass the end on; the other direction stays open."""
        target = self._target()
        if target is None or target.is_closing():
            return False
        with contextlib.suppress(OSError):
            target.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """End the other side as well."""
        if target := self._target():
            target.close()

    def pause_writing(self) -> None:
        """Take no more than this side can send."""
        if target := self._target():
            target.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if target := self._target():
            target.resume_reading()

    def _target(self) -> asyncio.Transport | None:
        return self.other.transport if self.other is not None else None


class Inbound(Side):
    """The caller's end: nothing is read from it before the node has accepted the connection."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__()
        self._node = (address, port)
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the node."""
        super().connection_made(transport)
        inbound = cast(asyncio.Transport, transport)
        inbound.pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect(inbound))

    async def _connect(self, inbound: asyncio.Transport) -> None:
        outbound = Side(self)
        try:
            await asyncio.get_running_loop().create_connection(lambda: outbound, *self._node)
        except OSError:
            inbound.abort()
            return
        self.other = outbound
        if inbound.is_closing():
            self.connection_lost(None)
        else:
            inbound.resume_reading()


async def forward_tcp(port: int, node_address: str, node_port: int) -> None:
    """Copy bytes between loopback and the node until cancelled."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Inbound(node_address, node_port), "127.0.0.1", port, backlog=512
    )
    async with server:
        await server.serve_forever()


async def forward_service(port: int, kubeconfig: Path) -> None:
    """Keep ``kubectl port-forward`` to the façade running until cancelled."""
    namespace, service, service_port = SERVICE
    command = [str(tool("kubectl")), "--kubeconfig", str(kubeconfig), "-n", namespace]
    command += ["port-forward", service, f"{port}:{service_port}", "--address", "127.0.0.1"]
    while True:
        child = await asyncio.create_subprocess_exec(*command)
        try:
            await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()
        await asyncio.sleep(RETRY_SECONDS)


async def keep_logs_short(logs: Path) -> None:
    """Look at the size of every log once a minute, until cancelled."""
    while True:
        await asyncio.to_thread(_shorten_all, logs)
        await asyncio.sleep(LOG_CHECK_SECONDS)


def _shorten_all(logs: Path) -> None:
    for log in logs.glob("*.log"):
        with contextlib.suppress(OSError):
            shorten(log)


def serve(forwarding: Coroutine[Any, Any, None], logs: Path) -> None:
    """Run until SIGTERM or Ctrl-C; an address in use ends it with a line in the log."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_until_signal(forwarding, logs))


async def _until_signal(forwarding: Coroutine[Any, Any, None], logs: Path) -> None:
    loop = asyncio.get_running_loop()
    work = asyncio.gather(forwarding, keep_logs_short(logs))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    say("Forwarding.")
    await work
