"""Answers of pods as responses: whole ones, and streams that hold their place in flight."""

import logging
from contextlib import ExitStack, closing

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from modelyard_api.connection import Headers
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


class WholeAnswer(Response):
    """A body as it came, with the headers that came with it and no work on either."""

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status_code, self.body, self.background = status, body, None
        self.raw_headers = [*headers, (b"content-length", b"%d" % len(body))]


def answer_of(answer: PodAnswer, held: ExitStack) -> Response:
    """The response; a stream takes over what is held."""
    if isinstance(answer.body, PodStream):
        streamed = StreamedAnswer(answer.status, answer.body, held.pop_all())
        streamed.raw_headers.extend(answer.headers)
        return streamed
    return WholeAnswer(answer.status, answer.headers, answer.body)
