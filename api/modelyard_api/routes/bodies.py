"""Bodies: which types are read, and JSON for operations that also take a form."""

import json
from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

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
    content = await _small(request)
    try:
        return shape.model_validate(json.loads(content))
    except ValidationError as error:
        details = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(details) from None
    except (ValueError, RecursionError) as error:
        fault = {"type": "json_invalid", "loc": ("body",), "msg": str(error), "input": {}}
        raise RequestValidationError([fault]) from None


async def _small(request: Request) -> bytes:
    """The body, which on these paths might be a file of any length, within JSON's bound."""
    limit = request.app.state.services.settings.max_body_bytes
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise too_large(limit)
    return bytes(content)


def _not_read(content_type: str, expected: str) -> UnsupportedMediaTypeError:
    return UnsupportedMediaTypeError(
        f"A body of type '{content_type[:80]}' is not read here.",
        suggestions=[f"Send the header 'Content-Type: {expected}'."],
    )
