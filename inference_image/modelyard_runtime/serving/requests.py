"""What of an HTTP request predictions need: headers in one pass, a body within bounds.

Sizes are counted as bytes arrive, since a stated length can be missing or wrong. Called by
``app``.
"""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple, TypeAlias

from modelyard_runtime.serving.errors import NotReadyError, TooLargeError, TooSlowError

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Scope: TypeAlias = MutableMapping[str, Any]

REQUEST_ID_HEADER = b"x-request-id"
HEADER_LENGTH_HEADER = b"inference-header-content-length"

_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:=+/-]{1,128}")
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


class DisconnectedError(Exception):
    """The client went away before its request was whole; nobody is left to answer."""


class Headers(NamedTuple):
    """The headers that matter to predictions, and the query."""

    request_id: str
    content_type: bytes
    content_encoding: bytes
    content_length: int
    #: How long the JSON in front of binary tensors is.
    header_length: int | None
    query: bytes
    accept: bytes


def read_headers(headers: Iterable[tuple[bytes, bytes]], query: bytes = b"") -> Headers:
    """The headers that matter; a request id that could not be echoed is replaced."""
    request_id = content_type = encoding = accept = b""
    length = 0
    header_length: int | None = None
    for name, value in headers:
        if name == b"content-type":
            content_type = value
        elif name == b"content-length":
            length = int(value) if value.isdigit() else 0
        elif name == REQUEST_ID_HEADER:
            request_id = value
        elif name == b"accept":
            accept = value
        elif name == b"content-encoding":
            encoding = value
        elif name == HEADER_LENGTH_HEADER:
            header_length = int(value) if value.isdigit() else None
    known = request_id and _REQUEST_ID.fullmatch(request_id)
    known_id = request_id.decode() if known else new_request_id()
    return Headers(known_id, content_type, encoding, length, header_length, query, accept)


def new_request_id() -> str:
    """``req_`` and 12 letters or digits."""
    number = random.getrandbits(64)
    pairs = []
    for _ in range(6):
        number, remainder = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[remainder])
    return "req_" + "".join(pairs)


class BodyReader:
    """Reads bodies of at most ``max_bytes`` within ``seconds``, and ``held_bytes`` at once."""

    def __init__(self, max_bytes: int, held_bytes: int, seconds: float) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = held_bytes
        self._seconds = seconds
        self._held = 0

    async def read(self, receive: Receive, stated_length: int) -> bytes:
        """The whole body.

        Raises TooLargeError, TooSlowError, NotReadyError when others fill the memory that
        bodies may take, and DisconnectedError.
        """
        if stated_length > self._max_bytes:
            raise TooLargeError(self._max_bytes, "bytes")
        try:
            async with asyncio.timeout(self._seconds):
                body, more = await _next(receive)
                return await self._rest(receive, body) if more else self._bounded(body)
        except TimeoutError:
            msg = f"The body did not arrive within {self._seconds:g} s."
            raise TooSlowError(msg, suggestions=["Send it faster, or in smaller parts."]) from None

    async def _rest(self, receive: Receive, first: bytes) -> bytes:
        parts = [first]
        size = len(first)
        self._held += size
        more = True
        try:
            while more:
                part, more = await _next(receive)
                parts.append(part)
                size += len(part)
                self._held += len(part)
                if size > self._max_bytes:
                    raise TooLargeError(self._max_bytes, "bytes")
                if self._held > self._held_bytes:
                    msg = "The server is reading as many large bodies as it has memory for."
                    raise NotReadyError(msg, suggestions=["Try again in a second."])
        finally:
            self._held -= size
        return b"".join(parts)

    def _bounded(self, body: bytes) -> bytes:
        if len(body) > self._max_bytes:
            raise TooLargeError(self._max_bytes, "bytes")
        return body


async def _next(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError
    return message.get("body", b""), message.get("more_body", False)
