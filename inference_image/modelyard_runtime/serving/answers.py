"""From results and errors to HTTP: the table of codes, the one envelope, the two ASGI messages.

Called by ``app``.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from modelyard_runtime.serving import errors
from modelyard_runtime.serving.errors import RequestError
from modelyard_runtime.serving.requests import REQUEST_ID_HEADER, Send

JSON = b"application/json"
IGNORED_HEADER = b"x-modelyard-ignored-fields"
#: So many names go into the header; more would outgrow what proxies pass on.
_MAX_IGNORED = 50
_CLOSE = (b"connection", b"close")

HeaderList = Sequence[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """A response, before it is sent."""

    status: int
    body: bytes | AsyncIterator[bytes]
    content_type: bytes = JSON
    headers: HeaderList = ()


class _Rendering(NamedTuple):
    status: HTTPStatus
    code: str
    headers: HeaderList = ()


# After these answers the rest of the body may still be on its way: the connection ends.
_RENDERINGS: dict[type[RequestError], _Rendering] = {
    errors.MalformedError: _Rendering(HTTPStatus.BAD_REQUEST, "invalid_request"),
    errors.InvalidRowsError: _Rendering(HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error"),
    errors.TooLargeError: _Rendering(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "invalid_request", (_CLOSE,)
    ),
    errors.UnsupportedMediaError: _Rendering(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "invalid_request"),
    errors.UnknownRouteError: _Rendering(HTTPStatus.NOT_FOUND, "not_found"),
    errors.MethodNotAllowedError: _Rendering(HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request"),
    errors.TooSlowError: _Rendering(HTTPStatus.REQUEST_TIMEOUT, "invalid_request", (_CLOSE,)),
    errors.NotReadyError: _Rendering(
        HTTPStatus.SERVICE_UNAVAILABLE, "service_unavailable", ((b"retry-after", b"1"),)
    ),
    errors.InternalError: _Rendering(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error"),
}


#: Writes an error, with the id of its request, as a body.
Shape = Callable[[RequestError, str], bytes]


def refusal(error: RequestError, request_id: str, shape: Shape) -> Answer:
    """The answer to a request that cannot be answered."""
    rendering = _RENDERINGS[type(error)]
    headers = list(rendering.headers)
    if isinstance(error, errors.MethodNotAllowedError):
        headers.append((b"allow", error.allowed.encode()))
    return Answer(int(rendering.status), shape(error, request_id), headers=headers)


def envelope(error: RequestError, request_id: str) -> bytes:
    """The one shape of all errors but those of the Open Inference Protocol."""
    rendering = _RENDERINGS[type(error)]
    content = {
        "code": rendering.code,
        "message": error.message,
        "status": int(rendering.status),
        "details": error.details,
        "suggestions": error.suggestions,
        "request_id": request_id,
    }
    return msgspec.json.encode({"error": content})


def protocol_error(error: RequestError, _request_id: str) -> bytes:
    """The shape of errors in the Open Inference Protocol: one text, with all that is wrong."""
    message = error.message
    if isinstance(error, errors.InvalidRowsError):
        message = "; ".join(fault.sentence for fault in error.faults) + "."
    return msgspec.json.encode({"error": message})


def ignored_header(names: frozenset[str]) -> HeaderList:
    """Names the fields that were passed over, as far as a header can."""
    shown = ", ".join(sorted(names)[:_MAX_IGNORED])
    # A name is the client's own text: what a header cannot hold is percent-encoded.
    return [(IGNORED_HEADER, quote(shown, safe=", _-.:()[]/").encode())]


async def send_answer(send: Send, answer: Answer, request_id: str, *, close: bool) -> None:
    """Send a response: whole, or part by part where its body is a stream."""
    headers = [
        (b"content-type", answer.content_type),
        (REQUEST_ID_HEADER, request_id.encode()),
        *answer.headers,
    ]
    if close:
        headers.append(_CLOSE)
    body = answer.body
    if isinstance(body, bytes):
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": body})
        return
    async for part in body:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
