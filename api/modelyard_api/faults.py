"""Turns every exception that a request can end with into the error envelope."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from modelyard_api.errors import (
    InternalError,
    InvalidInputError,
    InvalidRequestError,
    MethodNotAllowedError,
    ModelyardError,
    NotFoundError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    envelope,
    headers_of,
    rendering,
)
from modelyard_api.middleware import INFO

CLIENT_CLOSED_REQUEST = 499

_BY_STATUS: dict[int, type[ModelyardError]] = {
    400: InvalidRequestError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    413: PayloadTooLargeError,
    415: UnsupportedMediaTypeError,
}


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(ModelyardError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ModelyardError)  # noqa: S101 - as registered
    return _answer(request, error)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered
    return _answer(request, of_validation(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    allowed = allowed_methods(request.app.openapi(), request.scope["path"])
    ours = of_http(error, request.method, request.scope["path"], allowed)
    headers = dict(error.headers or {}) | ({"Allow": ", ".join(allowed)} if allowed else {})
    return _answer(request, ours, headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    """The client went away while it was sending; only the metrics see this."""
    return Response(status_code=CLIENT_CLOSED_REQUEST)


async def _unexpected(request: Request, _error: Exception) -> Response:
    return _answer(request, InternalError("Something unexpected went wrong; it has been logged."))


def of_http(
    error: HTTPException, method: str, path: str, allowed: Sequence[str] = ()
) -> ModelyardError:
    """Our error for one of the router: unknown path, wrong method, a body that is too large."""
    kind = _BY_STATUS.get(error.status_code, InvalidRequestError)
    place = f"{method} {path[:200]}"
    match error.status_code:
        case 404:
            return kind(f"There is no {place}.", suggestions=["See GET /docs for what there is."])
        case 405:
            return kind(
                f"{place} is not allowed; the path takes {', '.join(allowed)}.",
                details={"allowed": list(allowed)},
            )
        case _:
            return kind(str(error.detail))


def allowed_methods(document: Mapping[str, Any], path: str) -> list[str]:
    """The methods that the OpenAPI document has for a path; a fixed path hides parameters."""
    paths = document["paths"]
    fitting = (
        [path]
        if path in paths
        else [t for t in paths if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", t), path)]
    )
    return sorted({method.upper() for template in fitting for method in paths[template]})


def of_validation(faults: Sequence[Any]) -> ModelyardError:
    """One error for all that pydantic found: each field with what was expected there."""
    if any(fault["type"] in {"json_invalid", "json_type"} for fault in faults):
        reason = faults[0].get("ctx", {}).get("error") or faults[0]["msg"]
        return InvalidRequestError(
            f"The body is not valid JSON: {reason}.",
            suggestions=["Check commas, quotes and brackets."],
        )
    details = {".".join(str(part) for part in fault["loc"]): _expected(fault) for fault in faults}
    field, expected = next(iter(details.items()))
    more = f" ({len(details) - 1} more in details)" if len(details) > 1 else ""
    return InvalidInputError(
        f"{field}: {expected}{more}",
        details=details,
        suggestions=["See GET /docs for the fields of this request."],
    )


def _expected(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "this field is not known."
    given = repr(fault.get("input"))
    shown = "" if fault["type"] == "missing" else f" Given: {given[:80]}."
    return f"{fault['msg']}.{shown}"


def _answer(
    request: Request, error: ModelyardError, headers: dict[str, str] | None = None
) -> JSONResponse:
    info = request.scope.get(INFO)
    request_id = info.request_id if info else ""
    merged = {**(headers or {}), **headers_of(error)}
    return JSONResponse(envelope(error, request_id), rendering(error).status, merged)
