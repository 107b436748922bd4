"""What each path answers; the bodies only translate between HTTP and the predictor.

Small bodies are predicted in the loop: handing one to a thread costs more than predicting it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import NamedTuple, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import orjson

from modelyard_crds.names import version_label
from modelyard_runtime.serving.answers import (
    JSON,
    Answer,
    HeaderList,
    ignored_header,
)
from modelyard_runtime.serving.csv_text import CSV
from modelyard_runtime.serving.errors import MalformedError, NotReadyError, UnsupportedMediaError
from modelyard_runtime.serving.health import Health
from modelyard_runtime.serving.lines import NDJSON, LineLimits, predict_body
from modelyard_runtime.serving.metrics import CONTENT_TYPE, Metrics
from modelyard_runtime.serving.open_inference import OpenInference
from modelyard_runtime.serving.predictor import Prediction, Predictor
from modelyard_runtime.serving.requests import HEADER_LENGTH_HEADER, BodyReader, Headers, Receive
from modelyard_runtime.serving.tables import TABLES, answer_media, predict_table

#: Bodies up to this size are predicted in the loop, at most a fraction of a millisecond.
IN_LOOP_BYTES = 32 * 1024

OCTETS = b"application/octet-stream"
#: Above all paths of the Open Inference Protocol.
PROTOCOL_ROOT = "/v2"

Handler: TypeAlias = Callable[[Headers, Receive], Awaitable[Answer]]
T = TypeVar("T")


class Route(NamedTuple):
    """What a path answers to."""

    method: str
    handler: Handler


class Work:
    """What prediction routes share: a body within bounds, a thread for large ones, counting."""

    def __init__(self, bodies: BodyReader, executor: Executor, metrics: Metrics) -> None:
        self._bodies = bodies
        self._executor = executor
        self._metrics = metrics

    async def read(
        self, headers: Headers, receive: Receive, media: Collection[bytes] = (JSON,)
    ) -> bytes:
        """The body, which must be of one of the media types."""
        _expect_media(headers, media)
        return await self._bodies.read(receive, headers.content_length)

    async def run(self, size: int, predict: Callable[[], T]) -> T:
        """The result of predicting so many bytes."""
        return predict() if size <= IN_LOOP_BYTES else await self.in_thread(predict)

    async def in_thread(self, predict: Callable[[], T]) -> T:
        """The result of work that would hold up the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, predict)

    def count(self, route: str, rows: int) -> None:
        """Count predicted rows."""
        self._metrics.count_rows(route, rows)


def rest_routes(predictor: Predictor, work: Work, limits: LineLimits) -> dict[str, Route]:
    """Endpoints 5 and 16 of the REST contract."""

    async def infer(headers: Headers, receive: Receive) -> Answer:
        explain = bool(headers.query) and wants_explanation(headers.query)
        body = await work.read(headers, receive)
        infer_body = partial(
            predictor.infer, body, headers.request_id, time.time(), explain=explain
        )
        predicted = await (
            work.in_thread(infer_body) if explain else work.run(len(body), infer_body)
        )
        return answered("/infer", predicted)

    async def predictions(headers: Headers, receive: Receive) -> Answer:
        media = media_type(headers)
        if media == NDJSON:
            return await lines(headers, receive)
        if media in TABLES:
            return await table(headers, receive, media)
        body = await work.read(headers, receive, (JSON, CSV, NDJSON, *TABLES))
        predict = predictor.predictions_of_csv if media == CSV else predictor.predictions
        return answered("/predictions", await work.run(len(body), partial(predict, body)))

    async def lines(headers: Headers, receive: Receive) -> Answer:
        expect_plain(headers)
        spool = await predict_body(predictor, receive, limits, work.run)
        work.count("/predictions", spool.rows)
        return Answer(200, spool.parts(), NDJSON, _ignored(spool.ignored))

    async def table(headers: Headers, receive: Receive, media: bytes) -> Answer:
        expect_plain(headers)
        wanted = answer_media(media, headers.accept)
        spool = await predict_table(predictor, receive, limits, (media, wanted), work.in_thread)
        work.count("/predictions", spool.rows)
        return Answer(200, spool.parts(), wanted, _ignored(spool.ignored))

    def answered(route: str, predicted: Prediction) -> Answer:
        work.count(route, predicted.rows)
        return Answer(200, predicted.body, headers=_ignored(predicted.ignored))

    return {"/infer": Route("POST", infer), "/predictions": Route("POST", predictions)}


def open_inference_routes(predictor: Predictor, work: Work, health: Health) -> dict[str, Route]:
    """The Open Inference Protocol, under the model's name with and without its version."""
    protocol = OpenInference(predictor)
    manifest = predictor.manifest
    server = {
        "name": "modelyard",
        "version": manifest.runtime,
        "extensions": ["binary_tensor_data"],
    }

    async def infer(headers: Headers, receive: Receive) -> Answer:
        body = await work.read(headers, receive, (JSON, OCTETS))
        answer = await work.run(
            len(body), lambda: protocol.infer(body, headers.header_length, headers.request_id)
        )
        work.count("/v2", answer.rows)
        more = _ignored(answer.ignored)
        if answer.header_length is None:
            return Answer(200, answer.body, headers=more)
        length = (HEADER_LENGTH_HEADER, b"%d" % answer.header_length)
        return Answer(200, answer.body, OCTETS, headers=[*more, length])

    ready = Route("GET", _ready(health))
    metadata = Route("GET", _document(orjson.dumps(protocol.metadata())))
    routes = {
        "/v2": Route("GET", _document(orjson.dumps(server))),
        "/v2/health/live": Route("GET", _alive(health)),
        "/v2/health/ready": ready,
    }
    number = manifest.version
    versions = [f"/versions/{name}" for name in (number, f"v{number}", version_label(number))]
    for suffix in ["", *versions]:
        base = f"/v2/models/{manifest.model}{suffix}"
        routes |= {base: metadata, f"{base}/ready": ready, f"{base}/infer": Route("POST", infer)}
    return routes


def pod_routes(
    health: Health, metrics: Metrics, documents: Mapping[str, bytes]
) -> dict[str, Route]:
    """What the cluster and people ask the pod."""

    async def expose(_headers: Headers, _receive: Receive) -> Answer:
        return Answer(200, metrics.exposition(), CONTENT_TYPE)

    return {
        "/healthz": Route("GET", _alive(health)),
        "/readyz": Route("GET", _ready(health)),
        "/metrics": Route("GET", expose),
        **{path: Route("GET", _document(content)) for path, content in documents.items()},
    }


def _alive(health: Health) -> Handler:
    async def alive(_headers: Headers, _receive: Receive) -> Answer:
        if not health.alive:
            raise NotReadyError("Predictions have not worked for a while; restart the pod.")
        return Answer(200, b'{"status":"alive"}')

    return alive


def _ready(health: Health) -> Handler:
    async def ready(_headers: Headers, _receive: Receive) -> Answer:
        if not health.ready:
            raise NotReadyError(f"The pod is {health.state}.")
        return Answer(200, b'{"status":"ready"}')

    return ready


def _document(content: bytes) -> Handler:
    async def document(_headers: Headers, _receive: Receive) -> Answer:
        return Answer(200, content)

    return document


def _ignored(names: frozenset[str]) -> HeaderList:
    return ignored_header(names) if names else ()


def wants_explanation(query: bytes) -> bool:
    """Whether a query asks for contributions.

    Raises MalformedError for a value that is neither true nor false.
    """
    value = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("explain", "false")
    if value not in {"true", "false"}:
        raise MalformedError(f"The query has explain={value[:40]!r}, expected true or false.")
    return value == "true"


def media_type(headers: Headers) -> bytes:
    """The media type without its parameters; empty where none is stated."""
    return headers.content_type.split(b";")[0].strip().lower()


def expect_plain(headers: Headers) -> None:
    """Raise UnsupportedMediaError for a body that is compressed."""
    if headers.content_encoding not in {b"", b"identity"}:
        raise UnsupportedMediaError(
            f"The content encoding {headers.content_encoding.decode('latin-1')!r} is not read.",
            suggestions=["Send the body uncompressed."],
        )


def _expect_media(headers: Headers, media: Collection[bytes]) -> None:
    expect_plain(headers)
    if not headers.content_type or headers.content_type in media:
        return
    stated = media_type(headers)
    if stated not in media:
        expected = b" or ".join(media).decode()
        raise UnsupportedMediaError(
            f"The content type {stated.decode('latin-1')!r} is not read here.",
            suggestions=[f"Send {expected} and say so in Content-Type."],
        )
