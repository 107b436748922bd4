"""Predictions: endpoints 5, 16 and 17 of the specification, as a pass-through of raw bytes.

The routes are FastAPI's for the document's sake, but their requests go by its validation and
dependencies, which would cost more than the pod's own work.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from modelyard_api.auth import Caller
from modelyard_api.errors import InvalidRequestError, UnsupportedMediaTypeError
from modelyard_api.handlers import predictions
from modelyard_api.limits import Place as InFlightPlace
from modelyard_api.middleware import INFO, RequestInfo, refusal
from modelyard_api.proxy import JSON, PodAnswer, PodRequest
from modelyard_api.routes.answers import answer_of
from modelyard_api.routes.bodies import read_body
from modelyard_api.routes.dependencies import BODY, PREDICT, admit, errors
from modelyard_api.routing import Place
from modelyard_api.services import Services

ENVIRONMENT_HEADER = "X-Modelyard-Environment"
_ENVIRONMENT = ENVIRONMENT_HEADER.lower().encode()
_JSON = JSON.encode()
CSV = "text/csv"
LINES = "application/x-ndjson"
TABLES = ("application/vnd.apache.arrow.stream", "application/vnd.apache.parquet")
#: While a body arrives it holds a place and memory that others wait for.
BODY_SECONDS = 60
MEDIA = (JSON, CSV, LINES, *TABLES)

Ask = Callable[[Services, Caller, PodRequest], Awaitable[PodAnswer]]


class PassThroughRoute(APIRoute):
    """A documented route whose endpoint gets the request and answers with a response."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Call the endpoint itself."""
        endpoint = self.endpoint

        async def handler(request: Request) -> Response:
            response: Response = await endpoint(request, **request.path_params)
            return response

        return handler


router = APIRouter(tags=["Predictions"], route_class=PassThroughRoute)


def _document(
    body: dict[str, Any], answer: dict[str, Any], *, explains: bool, rows: bool
) -> dict[str, Any]:
    """What FastAPI cannot see of an operation: body, answer, credentials and parameters."""
    asked, answered = {JSON: {"schema": body}}, {JSON: {"schema": answer}}
    if rows:
        asked |= {CSV: {"schema": _TABLE}, LINES: {"schema": _LINES}}
        answered |= {LINES: {"schema": _LINES}}
        for media in TABLES:
            asked[media] = answered[media] = {"schema": _COLUMNS}
    return {
        "requestBody": {"required": True, "content": asked},
        "responses": {"200": {"description": "Predicted.", "content": answered}},
        "security": [{"ApiKey": []}, {"Bearer": []}],
        "parameters": [*_HEADERS, *([_EXPLAIN] if explains else [])],
    }


def _header(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}


_HEADERS = (
    _header(ENVIRONMENT_HEADER, "Environment whose deployment is to answer."),
    _header("X-Request-Id", "Id of the request; made up where it is left out."),
)
_EXPLAIN = {
    "name": "explain",
    "in": "query",
    "description": "For one object: also answer what each field adds to the score.",
    "schema": {"type": "boolean", "default": False},
}
_ROW = {"type": "object", "additionalProperties": True, "description": "The input schema."}
_ROWS = {"type": "array", "items": _ROW}
_TABLE = {"type": "string", "description": "A header of field names, then a line a row."}
_COLUMNS = {"type": "string", "format": "binary", "description": "A column a field."}
_LINES = {"type": "string", "description": "A JSON object a line, in order."}
_RESULT = {"$ref": "#/components/schemas/PredictionAnswer"}
_RESULTS = {"type": "array", "items": {"$ref": "#/components/schemas/BatchItem"}}


@router.post(
    "/models/{model_name}/{model_version}/infer",
    operation_id="makePrediction",
    responses=errors(404, *BODY),
    openapi_extra=_document(_ROW, _RESULT, explains=True, rows=False),
)
async def infer(request: Request, model_name: str, model_version: str) -> Response:
    """Predict from one object of the input schema."""
    return await _predict_version(request, predictions.INFER_PATH, model_name, model_version)


@router.post(
    "/models/{model_name}/{model_version}/predictions",
    operation_id="makeBatchPredictions",
    responses=errors(404, *BODY),
    openapi_extra=_document(_ROWS, _RESULTS, explains=False, rows=True),
)
async def predict_batch(request: Request, model_name: str, model_version: str) -> Response:
    """Predict from an array of objects, a CSV table or JSON lines, in order."""
    return await _predict_version(request, predictions.BATCH_PATH, model_name, model_version)


@router.post(
    "/predict/{deployment_id}",
    operation_id="predictWithDeployment",
    responses=errors(404, *BODY),
    openapi_extra=_document(
        {"oneOf": [_ROW, _ROWS]}, {"oneOf": [_RESULT, _RESULTS]}, explains=True, rows=True
    ),
)
async def predict(request: Request, deployment_id: str) -> Response:
    """Predict with a certain deployment: from one object, or from any number of rows."""

    async def ask(services: Services, caller: Caller, asked: PodRequest) -> PodAnswer:
        return await predictions.predict_deployment(services, caller, deployment_id, asked)

    return await _pass_on(request, ask)


async def _predict_version(
    request: Request, path: str, model_name: str, model_version: str
) -> Response:
    environment = request.scope[INFO].given.get(_ENVIRONMENT)

    async def ask(services: Services, caller: Caller, asked: PodRequest) -> PodAnswer:
        named = environment.decode("latin-1") if environment else None
        place = Place(caller.account, model_name, model_version, named)
        return await predictions.predict_version(services, caller, path, place, asked)

    return await _pass_on(request, ask)


async def _pass_on(request: Request, ask: Ask) -> Response:
    """Answer an admitted request; a place in flight is held until the answer has been sent."""
    services: Services = request.app.state.services
    info: RequestInfo = request.scope[INFO]
    caller = await admit(services, info, PREDICT)
    most = services.settings.max_prediction_bytes
    if error := refusal(info.given, most):
        raise error
    media = _media_type(info.given.get(b"content-type"))
    query = request.scope["query_string"].decode("latin-1")
    accept = info.given.get(b"accept", b"").decode("latin-1")
    tier = services.settings.tier(caller.tier)
    with ExitStack() as held:
        place = held.enter_context(
            services.in_flight.admit(caller.account, 0, tier.predictions_at_a_time)
        )
        body = await _body(request, most, place)
        answer = await ask(
            services, caller, PodRequest(body, info.request_id, media, query, accept)
        )
        return answer_of(answer, held)


async def _body(request: Request, most: int, place: InFlightPlace) -> bytes:
    """The whole body, which counts as it arrives and may not keep its place for long."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await read_body(request.receive, most, place.grow)
    except TimeoutError:
        raise InvalidRequestError(
            f"The body did not arrive within {BODY_SECONDS} s.",
            suggestions=["Send fewer rows at a time."],
        ) from None


def _media_type(content_type: bytes | None) -> str:
    """The media type that pods are told; which of them a path reads is for the pod to say."""
    if content_type is None or content_type == _JSON:
        return JSON
    text = content_type.decode("latin-1")
    media = text.split(";", maxsplit=1)[0].strip().lower()
    if media in MEDIA:
        return media
    raise UnsupportedMediaTypeError(
        f"The body is '{text[:80]}'; predictions are made from {', '.join(MEDIA)}.",
        suggestions=[f"Send the header 'Content-Type: {JSON}'."],
    )
