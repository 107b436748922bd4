"""uvicorn's HTTP protocol with two things that a pod needs: our envelope, a deadline for headers.

Used by ``server``.
"""

from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelyard_runtime.serving.answers import envelope
from modelyard_runtime.serving.errors import MalformedError
from modelyard_runtime.serving.requests import new_request_id

#: A connection that has not sent the headers of a request by then is closed.
HEADER_SECONDS = 15.0


class Protocol(HttpToolsProtocol):
    """One connection."""

    _header_deadline: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock of the first request."""
        super().connection_made(transport)
        self._header_deadline = self.loop.call_later(HEADER_SECONDS, self._expect_request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        if self._header_deadline is not None:
            self._header_deadline.cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        body = envelope(MalformedError(msg), new_request_id())
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _expect_request(self) -> None:
        if self.cycle is None:
            self.transport.close()
