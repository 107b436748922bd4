"""What LightGBM's data-parallel learning says between pods, over the build's own TLS.

LightGBM's own sockets know neither keys nor names: whoever reaches the port is a partner. It also
takes functions in their place, and these send through connections on which both sides have shown
a certificate of the build. Rank 0 is in the middle: it adds up, in the order of ranks, so that
the sums are the same each time. Called by ``partner``, in a process of its own.
"""

import ctypes
import logging
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from modelyard_runtime.training.credentials import TlsFiles

log = logging.getLogger(__name__)

#: Exit code of a process whose exchange has failed: nobody can go on with half a sum.
EXIT_LOST = 3
#: Pause until a partner looks for rank 0 again, in seconds.
_AGAIN = 0.2
#: What is sent, and how many bytes follow; the rank of a partner that comes.
_HEAD, _RANK = struct.Struct("!cq"), struct.Struct("!i")
_GATHER, _REDUCE, _ANSWER = b"g", b"r", b"a"

_Bytes = ctypes.POINTER(ctypes.c_char)
_Sizes = ctypes.POINTER(ctypes.c_int32)
_Reduce = ctypes.CFUNCTYPE(None, _Bytes, _Bytes, ctypes.c_int, ctypes.c_int32)
#: input, its size, size of an item, starts and sizes of the ranks' blocks, their count, output, its
#: size, and what adds one input to another.
_ReduceScatter = ctypes.CFUNCTYPE(
    *(None, _Bytes, ctypes.c_int32, ctypes.c_int, _Sizes, _Sizes, ctypes.c_int),
    *(_Bytes, ctypes.c_int32, ctypes.POINTER(_Reduce)),
)
_Allgather = ctypes.CFUNCTYPE(
    *(None, _Bytes, ctypes.c_int32, _Sizes, _Sizes, ctypes.c_int, _Bytes, ctypes.c_int32)
)


class Seat(NamedTuple):
    """A rank among several, and where rank 0 is met: until a moment of time.monotonic."""

    rank: int
    ranks: int
    address: str
    port: int
    tls: TlsFiles
    deadline: float


def meet(seat: Seat) -> list[ssl.SSLSocket]:
    """The connections of a rank: of rank 0 those to all others in their order, else one to it.

    Raises OSError where not all have come by the deadline.
    """
    return _receive_all(seat) if seat.rank == 0 else [_find_leader(seat)]


def _receive_all(seat: Seat) -> list[ssl.SSLSocket]:
    """Who shows no certificate of the build, or says no rank that is missing, is sent away."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, seat.tls)
    found: dict[int, ssl.SSLSocket] = {}
    with socket.create_server((seat.address, seat.port)) as listener:
        while len(found) < seat.ranks - 1:
            listener.settimeout(_left(seat))
            plain, _ = listener.accept()
            try:
                plain.settimeout(min(_left(seat), 10.0))
                secured = context.wrap_socket(plain, server_side=True)
                (rank,) = _RANK.unpack(_read(secured, _RANK.size))
            except OSError:
                plain.close()
                continue
            if rank in found or not 0 < rank < seat.ranks:
                secured.close()
                continue
            found[rank] = _ready(secured, seat)
    return [found[rank] for rank in sorted(found)]


def _find_leader(seat: Seat) -> ssl.SSLSocket:
    context = _context(ssl.PROTOCOL_TLS_CLIENT, seat.tls)
    while True:
        try:
            plain = socket.create_connection((seat.address, seat.port), timeout=_left(seat))
            secured = context.wrap_socket(plain)
            secured.sendall(_RANK.pack(seat.rank))
        except OSError:
            if _left(seat) <= _AGAIN:
                raise
            time.sleep(_AGAIN)
        else:
            return _ready(secured, seat)


def _context(protocol: int, tls: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # Pods have no names that a certificate could have; only the build's own authority counts.
    context.check_hostname, context.verify_mode = False, ssl.CERT_REQUIRED
    context.load_verify_locations(tls.authority)
    context.load_cert_chain(tls.certificate, tls.key)
    return context


def _ready(secured: ssl.SSLSocket, seat: Seat) -> ssl.SSLSocket:
    secured.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    secured.settimeout(_left(seat))
    return secured


def _left(seat: Seat) -> float:
    return max(0.01, seat.deadline - time.monotonic())


class Exchange:
    """What LightGBM asks of its network, as functions that C can call; keep it while it learns."""

    def __init__(self, rank: int, connections: list[ssl.SSLSocket]) -> None:
        self._rank, self._connections = rank, connections
        self.reduce_scatter = _ReduceScatter(_or_end(self._reduce_scatter))
        self.allgather = _Allgather(_or_end(self._allgather))

    def _allgather(
        self, given: Any, size: int, starts: Any, sizes: Any, count: int, output: Any, total: int
    ) -> None:
        """All blocks, in the output of each rank."""
        own = ctypes.string_at(given, size)
        if self._rank > 0:
            _send(self._connections[0], _GATHER, own)
            _write(output, _receive(self._connections[0], _ANSWER, total))
            return
        blocks: list[bytes | bytearray] = [own]
        for rank, partner in enumerate(self._connections, 1):
            blocks.append(_receive(partner, _GATHER, sizes[rank]))
        whole = bytearray(total)
        for start, block in zip(starts[:count], blocks, strict=True):
            whole[start : start + len(block)] = block
        for partner in self._connections:
            _send(partner, _ANSWER, whole)
        _write(output, whole)

    def _reduce_scatter(
        self,
        given: Any,
        size: int,
        item: int,
        starts: Any,
        sizes: Any,
        _count: int,
        output: Any,
        _total: int,
        reduce: Any,
    ) -> None:
        """The inputs of all ranks added up, of which each gets its block."""
        own = bytearray(ctypes.string_at(given, size))
        if self._rank > 0:
            _send(self._connections[0], _REDUCE, own)
            _write(output, _receive(self._connections[0], _ANSWER, sizes[self._rank]))
            return
        total = (ctypes.c_char * size).from_buffer(own)
        for partner in self._connections:
            other = (ctypes.c_char * size).from_buffer(_receive(partner, _REDUCE, size))
            reduce[0](other, total, item, size)
        view = memoryview(own)
        for rank, partner in enumerate(self._connections, 1):
            _send(partner, _ANSWER, view[starts[rank] : starts[rank] + sizes[rank]])
        _write(output, view[starts[0] : starts[0] + sizes[0]])


def _or_end(function: Callable[..., None]) -> Callable[..., None]:
    """C cannot be told that a function failed: the process ends, and whoever started it knows."""

    @wraps(function)
    def called(*arguments: Any) -> None:
        try:
            function(*arguments)
        except BaseException as error:
            log.error("the exchange with other pods failed: %s", error or type(error).__name__)
            os._exit(EXIT_LOST)

    return called


def _send(partner: ssl.SSLSocket, kind: bytes, content: bytes | bytearray | memoryview) -> None:
    partner.sendall(_HEAD.pack(kind, len(content)))
    partner.sendall(content)


def _receive(partner: ssl.SSLSocket, kind: bytes, size: int) -> bytearray:
    """What a partner sends; partners that are not at the same step must not go on."""
    found = _HEAD.unpack(_read(partner, _HEAD.size))
    if found != (kind, size):
        msg = f"a partner sent {found}, awaited were {(kind, size)}"
        raise ConnectionError(msg)
    return _read(partner, size)


def _read(partner: ssl.SSLSocket, size: int) -> bytearray:
    content = bytearray(size)
    view, at = memoryview(content), 0
    while at < size:
        count = partner.recv_into(view[at:])
        if count == 0:
            msg = "a partner has gone"
            raise ConnectionError(msg)
        at += count
    return content


def _write(output: Any, content: bytearray | memoryview) -> None:
    ctypes.memmove(output, bytes(content), len(content))
