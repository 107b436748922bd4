"""What a call can end with: the façade's error envelope as exceptions, and the client's own."""

from collections.abc import Mapping
from typing import Any

import httpx


class ModelyardError(Exception):
    """Base of all errors of this package."""


class ConnectionFailedError(ModelyardError):
    """The façade cannot be reached, or broke off."""


class WaitTimeoutError(ModelyardError, TimeoutError):
    """What was waited for goes on, but not within the time that was given."""


class BuildFailedError(ModelyardError):
    """A build ended without a version that can be deployed."""


class DeploymentFailedError(ModelyardError):
    """A deployment cannot serve."""


class ApiError(ModelyardError):
    """The façade refused; its suggestions are part of the text."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(error.get("code") or "")
        self.message = str(error.get("message") or "")
        self.details = dict(error.get("details") or {})
        self.suggestions = list(error.get("suggestions") or [])
        self.request_id = str(error.get("request_id") or "")
        super().__init__(" ".join([self.message, *self.suggestions]))


class InvalidRequestError(ApiError):
    """The request cannot be read, is too large, or of a type that is not read."""


class AuthenticationError(ApiError):
    """No key, or one that opens nothing."""


class PermissionDeniedError(ApiError):
    """The key does not allow it."""


class NotFoundError(ApiError):
    """It does not exist in the account."""


class ConflictError(ApiError):
    """The present state does not allow it."""


class InvalidInputError(ApiError):
    """A field is wrong; ``details`` has each with what was expected."""


class RateLimitedError(ApiError):
    """Too many requests, also after the retries."""


class UnavailableError(ApiError):
    """It does not answer at the moment, also after the retries."""


_BY_CODE: dict[str, type[ApiError]] = {
    "invalid_request": InvalidRequestError,
    "unauthorized": AuthenticationError,
    "forbidden": PermissionDeniedError,
    "not_found": NotFoundError,
    "conflict": ConflictError,
    "validation_error": InvalidInputError,
    "rate_limit_exceeded": RateLimitedError,
    "service_unavailable": UnavailableError,
}


def error_of(response: httpx.Response) -> ApiError:
    """The exception for an answer that is no success; a proxy's own page is shown in short."""
    try:
        error = response.json()["error"]
        kind = _BY_CODE.get(error["code"], ApiError)
    except (ValueError, KeyError, TypeError):
        text = f"{response.status_code} {response.reason_phrase}: {response.text[:200]}"
        error, kind = {"message": text}, ApiError
    return kind(response.status_code, error)
