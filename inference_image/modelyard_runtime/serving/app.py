"""The ASGI app in front: it finds the route, measures it, and answers every error in one envelope.

What BentoML puts around a request (tracing, contexts, timeouts, access log) costs more than the
prediction. So this app answers its routes itself and hands BentoML's own to the BentoML app
behind it. Put together by ``assembly``.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from modelyard_runtime.serving.answers import (
    Answer,
    envelope,
    protocol_error,
    refusal,
    send_answer,
)
from modelyard_runtime.serving.behind import Behind
from modelyard_runtime.serving.errors import (
    InternalError,
    MethodNotAllowedError,
    RequestError,
    UnknownRouteError,
)
from modelyard_runtime.serving.health import Health
from modelyard_runtime.serving.metrics import Metrics
from modelyard_runtime.serving.requests import (
    DisconnectedError,
    Headers,
    Receive,
    Scope,
    Send,
    read_headers,
)
from modelyard_runtime.serving.routes import PROTOCOL_ROOT, Route
from modelyard_runtime.serving.tracing import Tracing

_HEAD_OF_GET = ("HEAD", "GET")
_SHOWN_PATH = 200

log = logging.getLogger(__name__)


class App:
    """Answers the routes of one version."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        health: Health,
        metrics: Metrics,
        behind: Behind,
        tracing: Tracing | None = None,
    ) -> None:
        self._routes = routes
        self._health = health
        self._metrics = metrics
        self._behind = behind
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, from its headers to its answer."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        path = scope["path"]
        route = self._routes.get(path)
        if route is None and self._behind.has(path):
            await self._behind.app(scope, receive, send)
            return
        headers = read_headers(scope["headers"], scope["query_string"])
        self._metrics.in_flight += 1
        try:
            answer = await self._answer(route, scope, headers, receive)
        except DisconnectedError:
            return
        finally:
            self._metrics.in_flight -= 1
        await send_answer(send, answer, headers.request_id, close=self._health.draining)
        label = path if route is not None else "other"
        seconds = time.perf_counter() - started
        self._metrics.observe(label, answer.status, seconds)
        if self._tracing is not None and scope["method"] == "POST" and route is not None:
            self._tracing.record(scope["headers"], path, answer.status, seconds)

    async def _answer(
        self, route: Route | None, scope: Scope, headers: Headers, receive: Receive
    ) -> Answer:
        try:
            if route is None:
                raise _unknown(scope["path"], self._routes)
            if scope["method"] != route.method and (scope["method"], route.method) != _HEAD_OF_GET:
                raise MethodNotAllowedError(scope["method"], route.method)
            return await route.handler(headers, receive)
        except RequestError as error:
            return _refused(error, scope["path"], headers.request_id)
        except DisconnectedError:
            raise
        except Exception:
            log.exception("a request failed", extra={"fields": {"request_id": headers.request_id}})
            return _refused(InternalError(), scope["path"], headers.request_id)


def _refused(error: RequestError, path: str, request_id: str) -> Answer:
    shape = protocol_error if path.startswith(PROTOCOL_ROOT) else envelope
    return refusal(error, request_id, shape)


def _unknown(path: str, routes: Iterable[str]) -> UnknownRouteError:
    near = get_close_matches(path, routes, n=1)
    shown = path[:_SHOWN_PATH]
    return UnknownRouteError(
        f"There is nothing at {shown!r}.",
        details={"path": shown},
        suggestions=[f"Did you mean {near[0]}?"] if near else [f"Paths: {', '.join(routes)}."],
    )
