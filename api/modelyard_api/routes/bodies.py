"""Bodies: which types are read, whole ones within a bound, JSON where a form is taken too."""

import json
from collections.abc import Callable
from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

from modelyard_api.errors import UnsupportedMediaTypeError
from modelyard_api.middleware import too_large

B = TypeVar("B", bound=BaseModel)

JSON = "application/json"
FORM = "multipart/form-data"


async def json_only(request: Request) -> None:
    """Refuse a body that says it is something else than JSON."""
    content_type = request.headers.get("content-type")
    length = request.headers.get("content-length", "0")
    has_body = length != "0" or "transfer-encoding" in request.headers
    if has_body and content_type and not content_type.lower().startswith(JSON):
        raise _not_read(content_type, JSON)


def is_form(request: Request) -> bool:
    """Whether the body is a form; raises where it is neither form nor JSON."""
    content_type = request.headers.get("content-type", JSON)
    if content_type.lower().startswith(FORM):
        return True
    if not content_type.lower().startswith(JSON):
        raise _not_read(content_type, f"{JSON}' or '{FORM}")
    return False


async def json_body(request: Request, shape: type[B]) -> B:
    """The body as JSON of a shape.

    Raises RequestValidationError, as FastAPI does for bodies that it reads itself.
    """
    # The body might on these paths be a file of any length: JSON has a bound of its own.
    limit = request.app.state.services.settings.max_body_bytes
    content = await read_body(request.receive, limit)
    try:
        return shape.model_validate(json.loads(content))
    except ValidationError as error:
        details = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(details) from None
    except (ValueError, RecursionError) as error:
        fault = {"type": "json_invalid", "loc": ("body",), "msg": str(error), "input": {}}
        raise RequestValidationError([fault]) from None


async def read_body(
    receive: Receive, limit: int, arrived: Callable[[int], None] = lambda _size: None
) -> bytes:
    """The whole body; PayloadTooLargeError where it is longer, ClientDisconnect where it is cut.

    ``arrived`` is told of the bytes of each part, and may raise.
    """
    message = await receive()
    content: bytes = message.get("body", b"")
    parts, size = [content], len(content)
    arrived(size)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            break
        arrived(len(parts[-1]))
    if size > limit:
        raise too_large(limit)
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return content if len(parts) == 1 else b"".join(parts)


def _not_read(content_type: str, expected: str) -> UnsupportedMediaTypeError:
    return UnsupportedMediaTypeError(
        f"A body of type '{content_type[:80]}' is not read here.",
        suggestions=[f"Send the header 'Content-Type: {expected}'."],
    )
