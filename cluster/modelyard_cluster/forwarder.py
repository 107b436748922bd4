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
from typing import Any

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
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=BUFFER_LIMIT)
        plain = transport.get_extra_info("socket")
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        target = self.other.transport if self.other else None
        if target is None or target.is_closing():
            return False
        with contextlib.suppress(OSError):
            target.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()


class Inbound(Side):
    """The caller's end: nothing is read from it before the node answers."""

    def __init__(self, address: str, port: int) -> None:
        super().__init__()
        self._target = (address, port)
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        assert self.transport is not None
        outbound = Side(self)
        try:
            await asyncio.get_running_loop().create_connection(lambda: outbound, *self._target)
        except OSError:
            self.transport.abort()
            return
        self.other = outbound
        if self.transport.is_closing():
            self.connection_lost(None)
        else:
            self.transport.resume_reading()


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
        for log in logs.glob("*.log"):
            with contextlib.suppress(OSError):
                shorten(log)
        await asyncio.sleep(LOG_CHECK_SECONDS)


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
