"""The ASGI app in front: predictions, health, metrics and documents, on the shortest way.

What BentoML puts around a request (tracing, contexts, timeouts, access log) costs more than the
prediction. So this app answers the routes below itself and hands BentoML's own to the BentoML
app behind it. Small bodies are predicted in the loop: handing one to a thread costs more
than predicting it. Built by ``server``.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from difflib import get_close_matches
from typing import NamedTuple, TypeAlias

from modelyard_runtime.serving.answers import JSON, Answer, ignored_header, refusal, send_answer
from modelyard_runtime.serving.behind import Behind
from modelyard_runtime.serving.errors import (
    InternalError,
    MethodNotAllowedError,
    NotReadyError,
    RequestError,
    UnknownRouteError,
    UnsupportedMediaError,
)
from modelyard_runtime.serving.health import Health
from modelyard_runtime.serving.metrics import CONTENT_TYPE, Metrics
from modelyard_runtime.serving.predictor import Prediction, Predictor
from modelyard_runtime.serving.requests import (
    BodyReader,
    DisconnectedError,
    Headers,
    Receive,
    Scope,
    Send,
    read_headers,
)

#: Bodies up to this size are predicted in the loop, at most a fraction of a millisecond.
IN_LOOP_BYTES = 32 * 1024

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler: TypeAlias = Callable[[Headers, Receive], Awaitable[Answer]]

log = logging.getLogger(__name__)


class Route(NamedTuple):
    """What a path answers to."""

    method: str
    handler: Handler


class App:
    """Answers the routes of one version."""

    def __init__(
        self,
        predictor: Predictor,
        health: Health,
        metrics: Metrics,
        bodies: BodyReader,
        executor: Executor,
        documents: Mapping[str, bytes],
        behind: Behind,
    ) -> None:
        self._predictor = predictor
        self._health = health
        self._metrics = metrics
        self._bodies = bodies
        self._executor = executor
        self._behind = behind
        self._routes = {
            "/infer": Route("POST", self._infer),
            "/predictions": Route("POST", self._predictions),
            "/healthz": Route("GET", self._healthz),
            "/readyz": Route("GET", self._readyz),
            "/metrics": Route("GET", self._expose),
            **{path: Route("GET", _document(content)) for path, content in documents.items()},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, from its headers to its answer."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        path = scope["path"]
        route = self._routes.get(path)
        if route is None and self._behind.has(path):
            await self._behind.app(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        self._metrics.in_flight += 1
        try:
            answer = await self._answer(route, scope, headers, receive)
        except DisconnectedError:
            return
        finally:
            self._metrics.in_flight -= 1
        await send_answer(send, answer, headers.request_id, close=self._health.draining)
        label = path if route is not None else "other"
        self._metrics.observe(label, answer.status, time.perf_counter() - started)

    async def _answer(
        self, route: Route | None, scope: Scope, headers: Headers, receive: Receive
    ) -> Answer:
        try:
            if route is None:
                raise _unknown(scope["path"], self._routes)
            if scope["method"] != route.method and (scope["method"], route.method) != _HEAD:
                raise MethodNotAllowedError(scope["method"], route.method)
            return await route.handler(headers, receive)
        except RequestError as error:
            return refusal(error, headers.request_id)
        except DisconnectedError:
            raise
        except Exception:
            log.exception("a request failed", extra={"fields": {"request_id": headers.request_id}})
            return refusal(InternalError(), headers.request_id)

    async def _infer(self, headers: Headers, receive: Receive) -> Answer:
        body = await self._read(headers, receive)
        now = time.time()
        return self._predicted(
            "/infer",
            await self._run(body, lambda: self._predictor.infer(body, headers.request_id, now)),
        )

    async def _predictions(self, headers: Headers, receive: Receive) -> Answer:
        body = await self._read(headers, receive)
        return self._predicted(
            "/predictions", await self._run(body, lambda: self._predictor.predictions(body))
        )

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        expect_json(headers)
        return await self._bodies.read(receive, headers.content_length)

    async def _run(self, body: bytes, predict: Callable[[], Prediction]) -> Prediction:
        if len(body) <= IN_LOOP_BYTES:
            return predict()
        return await asyncio.get_running_loop().run_in_executor(self._executor, predict)

    def _predicted(self, route: str, prediction: Prediction) -> Answer:
        self._metrics.count_rows(route, prediction.rows)
        if not prediction.ignored:
            return Answer(200, prediction.body)
        return Answer(200, prediction.body, headers=ignored_header(prediction.ignored))

    async def _healthz(self, _headers: Headers, _receive: Receive) -> Answer:
        if not self._health.alive:
            raise NotReadyError("Predictions have not worked for a while; restart the pod.")
        return Answer(200, b'{"status":"alive"}')

    async def _readyz(self, _headers: Headers, _receive: Receive) -> Answer:
        if not self._health.ready:
            raise NotReadyError(f"The pod is {self._health.state}.")
        return Answer(200, b'{"status":"ready"}')

    async def _expose(self, _headers: Headers, _receive: Receive) -> Answer:
        return Answer(200, self._metrics.exposition(), CONTENT_TYPE)


_HEAD = ("HEAD", "GET")


def expect_json(headers: Headers) -> None:
    """Raise UnsupportedMediaError unless the body says, or may be, plain JSON."""
    if headers.content_encoding not in {b"", b"identity"}:
        raise UnsupportedMediaError(
            f"The content encoding {headers.content_encoding.decode('latin-1')!r} is not read.",
            suggestions=["Send the body uncompressed."],
        )
    if headers.content_type in {b"", JSON}:
        return
    media = headers.content_type.split(b";")[0].strip().lower()
    if media != JSON:
        raise UnsupportedMediaError(
            f"The content type {media.decode('latin-1')!r} is not read here.",
            suggestions=["Send JSON with Content-Type: application/json."],
        )


def _document(content: bytes) -> Handler:
    async def document(_headers: Headers, _receive: Receive) -> Answer:
        return Answer(200, content)

    return document


def _unknown(path: str, routes: Iterable[str]) -> UnknownRouteError:
    near = get_close_matches(path, routes, n=1)
    return UnknownRouteError(
        f"There is nothing at {path[:200]!r}.",
        details={"path": path[:200]},
        suggestions=[f"Did you mean {near[0]}?"] if near else [f"Paths: {', '.join(routes)}."],
    )
