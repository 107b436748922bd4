"""uvicorn's HTTP protocol with a bound on what comes before a body, and with our error envelope.

``main`` serves with it. httptools keeps request line and headers in memory until they end, however
long they are; the application is only asked then.
"""

import json

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelyard_api.errors import HeadersTooLargeError, InvalidRequestError, envelope, rendering
from modelyard_api.middleware import new_request_id

#: Twice what common proxies let through; the largest that is needed is a token of some KiB.
MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
_REASONS = {400: b"Bad Request", 431: b"Request Header Fields Too Large"}


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection whose request line and headers are too many or too large."""

    _in_head = False
    _head_bytes = 0
    #: Bytes of parts that the parser may not hand over before they end.
    _unread_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        # Before a head there may be the body of another request.
        began_before = self._in_head
        super().data_received(data)
        if began_before and self._in_head and not self.transport.is_closing():
            self._unread_bytes += len(data)
            if self._unread_bytes > MAX_HEAD_BYTES:
                self._head_bytes = self._unread_bytes
                self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Ask the application."""
        self._in_head, self._unread_bytes = False, 0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that cannot be read, and end the connection."""
        too_large = self._in_head and self._exceeded
        error = _too_large() if too_large else InvalidRequestError(msg)
        status = rendering(error).status
        content = json.dumps(envelope(error, new_request_id())).encode()
        self.transport.write(
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b" % (status, _REASONS[status], len(content), content)
        )
        self.transport.close()

    @property
    def _exceeded(self) -> bool:
        return self._head_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._exceeded:
            # The parser turns what a callback raises into a request that cannot be read.
            raise _too_large()


def _too_large() -> HeadersTooLargeError:
    return HeadersTooLargeError(
        f"Request line and headers may have {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} headers.",
        details={"limit_bytes": MAX_HEAD_BYTES, "limit_headers": MAX_HEADERS},
        suggestions=["Send fewer or shorter headers."],
    )
