"""A span for each prediction request, where OpenTelemetry has an endpoint to send it to.

The standard variables configure it (OTEL_EXPORTER_OTLP_ENDPOINT and its kin); without that one
nothing is imported and a request pays nothing. Spans are made after the answer, from times that
were taken anyway, and sent by a thread of the library. Made by ``assembly``, called by ``app``.
"""

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

ENDPOINT_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_SERVICE_VARIABLE: Final = "OTEL_SERVICE_NAME"
_SERVER_ERROR: Final = 500


class Tracing:
    """Makes spans of answered requests."""

    def __init__(self, info: Mapping[str, str], processor: "SpanProcessor") -> None:
        from opentelemetry.propagate import extract
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        resource = Resource.create(
            {
                "service.name": os.environ.get(_SERVICE_VARIABLE, info["model"]),
                "service.namespace": info["namespace"],
                "service.version": info["version"],
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("modelyard")
        self._extract = extract

    def record(
        self, headers: Iterable[tuple[bytes, bytes]], route: str, status: int, seconds: float
    ) -> None:
        """The span of a request that has just been answered, within the caller's trace if any."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        carried = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name in {b"traceparent", b"tracestate"}
        }
        now = time.time_ns()
        span = self._tracer.start_span(
            f"POST {route}",
            context=self._extract(carried),
            kind=SpanKind.SERVER,
            start_time=now - int(seconds * 1e9),
            attributes={
                "http.request.method": "POST",
                "http.route": route,
                "http.response.status_code": status,
            },
        )
        if status >= _SERVER_ERROR:
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)

    def close(self) -> None:
        """Send what waits; the library gives it a bounded time."""
        self._provider.shutdown()


def tracing_for(info: Mapping[str, str], environment: Mapping[str, str]) -> Tracing | None:
    """Tracing where an endpoint is set."""
    if not environment.get(ENDPOINT_VARIABLE):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter: Any = OTLPSpanExporter()
    return Tracing(info, BatchSpanProcessor(exporter))
