"""What operations depend on: services, the caller and its rights, and the errors they document."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from modelyard_api.auth import Caller, Credentials, Right
from modelyard_api.errors import InvalidInputError, UnavailableError
from modelyard_api.middleware import INFO, RequestInfo
from modelyard_api.scopes import Scope
from modelyard_api.services import Services

ACCOUNT_HEADER = "X-Modelyard-Account"
BEARER = "bearer "

_api_key = APIKeyHeader(name="x-api-key", scheme_name="ApiKey", auto_error=False)
_bearer = HTTPBearer(scheme_name="Bearer", auto_error=False)


class ErrorBody(BaseModel):
    """What went wrong."""

    code: Literal[
        "invalid_request",
        "unauthorized",
        "forbidden",
        "not_found",
        "conflict",
        "validation_error",
        "rate_limit_exceeded",
        "internal_error",
        "service_unavailable",
    ]
    message: str
    status: int
    details: dict[str, Any]
    suggestions: list[str]
    request_id: str


class ErrorEnvelope(BaseModel):
    """Every answer that is not a success."""

    error: ErrorBody


_DESCRIPTIONS = {
    400: "The request cannot be read.",
    401: "No credential, or one that opens nothing.",
    403: "The credential does not allow it.",
    404: "It does not exist in the account.",
    405: "The path does not take this method.",
    409: "The present state does not allow it.",
    413: "The body is too large.",
    415: "The body is of a type that is not read.",
    422: "A field is wrong.",
    429: "Too many requests.",
    500: "A fault of the façade.",
    503: "It does not answer at the moment.",
}
COMMON = (401, 403, 422, 429, 500, 503)
BODY = (400, 413, 415)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of an operation, for the OpenAPI document."""
    return {
        status: {"model": ErrorEnvelope, "description": _DESCRIPTIONS[status]}
        for status in sorted({*COMMON, *statuses})
    }


def get_services(request: Request) -> Services:
    """The façade's parts."""
    services: Services = request.app.state.services
    return services


def get_base_url(request: Request, services: Annotated[Services, Depends(get_services)]) -> str:
    """Address of the façade in answers: as set, else as the request reached it."""
    return services.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")


ServicesDep = Annotated[Services, Depends(get_services)]
BaseUrl = Annotated[str, Depends(get_base_url)]
Limit = Annotated[int, Query(ge=1, le=100, description="Most items to answer.")]
Offset = Annotated[int, Query(ge=0, description="Items to pass over.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=255,
        description="A retry with the same key gets the first answer; another request is refused.",
    ),
]


async def admit(services: Services, info: RequestInfo, right: Right) -> Caller:
    """The caller of a request, where it may go on."""
    if services.caches.filling:
        raise UnavailableError("The façade is starting.", retry_after=2)
    credentials = credentials_of(info.given)
    caller = info.caller = await services.authenticator.authenticate(credentials)
    info.audited = right.scope is Scope.WRITE
    tier = services.settings.tier(caller.tier)
    predicts = right.scope is Scope.PREDICT
    limiter = services.prediction_limit if predicts else services.management_limit
    per_minute = tier.predictions_per_minute if predicts else tier.requests_per_minute
    if allowance := await limiter.hit(caller.subject, per_minute):
        info.headers.extend(allowance.headers())
        allowance.check()
    await services.authenticator.authorize(caller, right)
    return caller


def credentials_of(given: Mapping[bytes, bytes]) -> Credentials:
    """What a request brings to show who it is, from its headers."""
    authorization = given.get(b"authorization", b"").decode("latin-1")
    bearer = authorization[len(BEARER) :] if authorization.lower().startswith(BEARER) else ""
    key = given.get(b"x-api-key", b"").decode("latin-1")
    account = given.get(ACCOUNT_HEADER.lower().encode(), b"").decode("latin-1")
    return Credentials(key.strip(), bearer.strip(), account)


def expect_single_values(request: Request) -> None:
    """Raise InvalidInputError for a parameter that is given twice: none of ours is a list.

    The last value would win in silence, whatever the others say.
    """
    counts = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in counts.items():
        if count > 1:
            raise InvalidInputError(
                f"The query has {name!r} {count} times; it is expected once.",
                details={f"query.{name}": f"given {count} times, expected once"},
                suggestions=[f"Send {name!r} once."],
            )


def requires(scope: Scope, verb: str, resource: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, who has this right."""
    right = Right(scope, verb, resource)

    async def caller_with_right(
        request: Request,
        services: ServicesDep,
        _key: Annotated[str | None, Security(_api_key)],
        _token: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        _account: Annotated[
            str | None, Header(alias=ACCOUNT_HEADER, description="Account, for a token.")
        ] = None,
    ) -> Caller:
        caller = await admit(services, request.scope[INFO], right)
        expect_single_values(request)
        return caller

    return caller_with_right


ModelReader = Annotated[Caller, Depends(requires(Scope.READ, "get", "models"))]
ModelLister = Annotated[Caller, Depends(requires(Scope.READ, "list", "models"))]
ModelCreator = Annotated[Caller, Depends(requires(Scope.WRITE, "create", "models"))]
ModelEditor = Annotated[Caller, Depends(requires(Scope.WRITE, "patch", "models"))]
ModelDeleter = Annotated[Caller, Depends(requires(Scope.WRITE, "delete", "models"))]
VersionReader = Annotated[Caller, Depends(requires(Scope.READ, "list", "modelversions"))]
VersionEditor = Annotated[Caller, Depends(requires(Scope.WRITE, "patch", "modelversions"))]
DeploymentReader = Annotated[Caller, Depends(requires(Scope.READ, "list", "modeldeployments"))]
Deployer = Annotated[Caller, Depends(requires(Scope.WRITE, "create", "modeldeployments"))]
Undeployer = Annotated[Caller, Depends(requires(Scope.WRITE, "delete", "modeldeployments"))]
DatasetReader = Annotated[Caller, Depends(requires(Scope.READ, "list", "datasets"))]
DatasetCreator = Annotated[Caller, Depends(requires(Scope.WRITE, "create", "datasets"))]
DatasetDeleter = Annotated[Caller, Depends(requires(Scope.WRITE, "delete", "datasets"))]
#: Not a resource of the API server: a right that only a role can name.
KeyManager = Annotated[Caller, Depends(requires(Scope.WRITE, "create", "apikeys"))]
PREDICT = Right(Scope.PREDICT, "create", "modeldeployments", "predict")
