"""Reads multipart/form-data as a stream: a file's bytes pass through, never held whole."""

import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from email.message import Message
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from modelyard_api.errors import InvalidInputError, InvalidRequestError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELD_BYTES = 64 * 1024
_PATH = re.compile(r"^.*[/\\]")


class Part:
    """One part of a form: a field, or a file where it has a file name."""

    def __init__(self, headers: dict[str, str], form: "FormStream") -> None:
        disposition = Message()
        disposition["content-disposition"] = headers.get("content-disposition", "")
        self.name = str(disposition.get_param("name", "", "content-disposition") or "")
        filename = disposition.get_filename()
        # Some clients send a whole path.
        self.filename = _PATH.sub("", filename)[:255] if filename else None
        self._form = form

    def chunks(self) -> AsyncIterator[bytes]:
        """The content, as it arrives; to be read before the next part is asked for."""
        return self._form.part_chunks()

    async def text(self) -> str:
        """The content of a small field.

        Raises InvalidInputError where it is long or not UTF-8.
        """
        content = bytearray()
        async for chunk in self.chunks():
            content += chunk
            if len(content) > MAX_FIELD_BYTES:
                raise InvalidInputError(f"The form field '{self.name}' is too long.")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise InvalidInputError(f"The form field '{self.name}' is not UTF-8.") from None


class FormStream:
    """The parts of a form, one after the other."""

    def __init__(self, stream: AsyncIterator[bytes], content_type: str) -> None:
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_param("boundary")
        if not isinstance(boundary, str) or not boundary:
            raise InvalidRequestError("The form's Content-Type has no boundary.")
        self._stream = stream
        self._events: deque[tuple[str, bytes]] = deque()
        self._ended = False
        self._complete = False
        self._parser = MultipartParser(boundary.encode(), self._callbacks())

    async def parts(self) -> AsyncIterator[Part]:
        """The parts in order; what is not read of one is passed over."""
        headers: dict[str, str] = {}
        field = value = b""
        while event := await self._next():
            match event:
                case "begin", _:
                    headers, field, value = {}, b"", b""
                case "field", data:
                    field += data
                case "value", data:
                    value += data
                case "header_end", _:
                    headers[field.decode("latin-1").lower()] = value.decode("utf-8", "replace")
                    field = value = b""
                case "headers_end", _:
                    yield Part(headers, self)
                case _:
                    pass

    async def part_chunks(self) -> AsyncIterator[bytes]:
        """The rest of the part that is being read."""
        while event := await self._next():
            kind, data = event
            if kind == "end":
                return
            if kind == "data":
                yield data

    async def _next(self) -> tuple[str, bytes] | None:
        while not self._events:
            if self._ended:
                return None
            chunk = await anext(self._stream, None)
            if chunk is None:
                self._ended = True
                if not self._complete:
                    raise InvalidRequestError("The form ends before its last boundary.")
                return None
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise InvalidRequestError(f"The form cannot be read: {error}") from None
        return self._events.popleft()

    def _end(self) -> None:
        self._complete = True

    def _callbacks(self) -> "MultipartCallbacks":
        def notice(kind: str) -> Callable[[], None]:
            return lambda: self._events.append((kind, b""))

        def content(kind: str) -> Callable[[bytes, int, int], None]:
            return lambda data, start, end: self._events.append((kind, bytes(data[start:end])))

        return {
            "on_part_begin": notice("begin"),
            "on_header_field": content("field"),
            "on_header_value": content("value"),
            "on_header_end": notice("header_end"),
            "on_headers_finished": notice("headers_end"),
            "on_part_data": content("data"),
            "on_part_end": notice("end"),
            "on_end": self._end,
        }
