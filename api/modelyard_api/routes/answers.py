"""Answers of pods as responses: whole ones, and streams that hold their place in flight."""

import logging
from collections.abc import Iterable
from contextlib import ExitStack, closing

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from modelyard_api.errors import UnavailableError
from modelyard_api.proxy import PodAnswer, PodStream

log = logging.getLogger(__name__)


class StreamedAnswer(StreamingResponse):
    """Passes a pod's stream on, no faster than the client takes it."""

    def __init__(self, status: int, stream: PodStream, held: ExitStack) -> None:
        super().__init__(stream, status)
        self._stream = stream
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; then give back the connection and what else was held for it."""
        with self._held, closing(self._stream):
            try:
                await super().__call__(scope, receive, send)
            except UnavailableError as error:
                # What is left open without its end is closed by the server: the client sees it.
                log.warning("an answer was cut", extra={"reason": error.message})


def answer_of(answer: PodAnswer, held: ExitStack) -> Response:
    """The response; a stream takes over what is held."""
    if isinstance(answer.body, PodStream):
        streamed = StreamedAnswer(answer.status, answer.body, held.pop_all())
        streamed.raw_headers.extend(_raw(answer.headers))
        return streamed
    response = Response(answer.body, answer.status)
    response.raw_headers.extend(_raw(answer.headers))
    return response


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers]
