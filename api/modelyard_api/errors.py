"""What can go wrong, without HTTP, and the one table that turns it into an answer.

Handlers raise these; ``app`` renders them with ``envelope``. A message says what was wrong with
which value; suggestions say what to do next.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

#: Names that a wrong one is compared with.
MOST_COMPARED = 500


class ModelyardError(Exception):
    """Base of all errors that a caller gets to see."""

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        suggestions: Sequence[str] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.suggestions = list(suggestions)
        self.retry_after = retry_after


class InvalidRequestError(ModelyardError):
    """The request cannot be read."""


class MethodNotAllowedError(InvalidRequestError):
    """The path exists, but not with this method."""


class PayloadTooLargeError(InvalidRequestError):
    """More bytes than allowed."""


class HeadersTooLargeError(InvalidRequestError):
    """More or longer headers than allowed."""


class UnsupportedMediaTypeError(InvalidRequestError):
    """The content is of a type that is not read here."""


class UnauthorizedError(ModelyardError):
    """No credential, or one that opens nothing."""


class ForbiddenError(ModelyardError):
    """A good credential without the right."""


class NotFoundError(ModelyardError):
    """What the request names does not exist in the account."""


class ConflictError(ModelyardError):
    """The present state does not allow it."""


class InvalidInputError(ModelyardError):
    """The request can be read, but a field is wrong."""


class RateLimitedError(ModelyardError):
    """Too many requests."""


class InternalError(ModelyardError):
    """A fault of the façade."""


class UnavailableError(ModelyardError):
    """The API server, the store or a pod does not answer; it may pass."""


class Rendering(NamedTuple):
    """How a class of errors looks in HTTP."""

    status: int
    code: str


_RENDERINGS: dict[type[ModelyardError], Rendering] = {
    InvalidRequestError: Rendering(400, "invalid_request"),
    MethodNotAllowedError: Rendering(405, "invalid_request"),
    PayloadTooLargeError: Rendering(413, "invalid_request"),
    UnsupportedMediaTypeError: Rendering(415, "invalid_request"),
    HeadersTooLargeError: Rendering(431, "invalid_request"),
    UnauthorizedError: Rendering(401, "unauthorized"),
    ForbiddenError: Rendering(403, "forbidden"),
    NotFoundError: Rendering(404, "not_found"),
    ConflictError: Rendering(409, "conflict"),
    InvalidInputError: Rendering(422, "validation_error"),
    RateLimitedError: Rendering(429, "rate_limit_exceeded"),
    InternalError: Rendering(500, "internal_error"),
    UnavailableError: Rendering(503, "service_unavailable"),
}


def rendering(error: ModelyardError) -> Rendering:
    """Status and code of an error: those of its nearest class in the table."""
    return next(_RENDERINGS[cls] for cls in type(error).__mro__ if cls in _RENDERINGS)


def envelope(error: ModelyardError, request_id: str) -> dict[str, Any]:
    """The body of every answer that is not a success."""
    status, code = rendering(error)
    return {
        "error": {
            "code": code,
            "message": error.message,
            "status": status,
            "details": error.details,
            "suggestions": error.suggestions,
            "request_id": request_id,
        }
    }


def headers_of(error: ModelyardError) -> dict[str, str]:
    """Headers that go with an error."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    if isinstance(error, UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def did_you_mean(name: str, known: Iterable[str]) -> list[str]:
    """A suggestion with the known names that look like this one; empty when none does."""
    candidates = list(known)
    if len(candidates) > MOST_COMPARED:
        # Comparing thousands would hold up everybody else; typos are seldom in the first letter.
        candidates = [each for each in candidates if each[:1] == name[:1]][:MOST_COMPARED]
    close = difflib.get_close_matches(name, candidates, n=3, cutoff=0.6)
    quoted = " or ".join(f"'{match}'" for match in close)
    return [f"Did you mean {quoted}?"] if close else []
