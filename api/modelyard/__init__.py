"""The Python client of Modelyard: ``Client``, and ``AsyncClient`` with the same words.

Thin over REST: ``calls`` says what is sent for each of them, once; ``flows`` what takes several
calls; the two clients only do the sending. Answers are the façade's own models. Nothing of the
server is imported: ``pip install 'modelyard[client]'`` brings httpx and pydantic.
"""

from modelyard.aio import AsyncClient, AsyncModel
from modelyard.client import Client, Model
from modelyard.errors import (
    ApiError,
    AuthenticationError,
    BuildFailedError,
    ConflictError,
    ConnectionFailedError,
    DeploymentFailedError,
    InvalidInputError,
    InvalidRequestError,
    ModelyardError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    UnavailableError,
    WaitTimeoutError,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncModel",
    "AuthenticationError",
    "BuildFailedError",
    "Client",
    "ConflictError",
    "ConnectionFailedError",
    "DeploymentFailedError",
    "InvalidInputError",
    "InvalidRequestError",
    "Model",
    "ModelyardError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "UnavailableError",
    "WaitTimeoutError",
]
