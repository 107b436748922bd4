"""Spans of predictions: only where an endpoint is set, and within the caller's trace."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from modelyard_runtime.serving.tracing import Tracing, tracing_for

INFO = {"namespace": "team-a", "model": "churn", "version": "v2.0"}
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter) -> Tracing:
    return Tracing(INFO, SimpleSpanProcessor(exporter))


def test_without_an_endpoint_there_is_none():
    assert tracing_for(INFO, {}) is None


def test_a_span_is_of_the_callers_trace_and_says_what_was_answered(tracing, exporter):
    parent = f"00-{TRACE}-b7ad6b7169203331-01".encode()
    tracing.record([(b"traceparent", parent)], "/infer", 200, 0.25)
    (span,) = exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.end_time - span.start_time == pytest.approx(0.25e9)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/infer",
        "http.response.status_code": 200,
    }
    assert span.resource.attributes["service.name"] == "churn"
    assert span.status.is_unset


def test_a_fault_of_ours_is_an_error_and_a_callers_is_not(tracing, exporter):
    for status in (422, 500):
        tracing.record([], "/infer", status, 0.0)
    assert [span.status.is_unset for span in exporter.get_finished_spans()] == [True, False]


def test_serving_imports_nothing_of_it_by_itself():
    program = (
        "import sys; import modelyard_runtime.serving.main; "
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'pyarrow'))])"
    )
    printed = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert printed.strip() == "[]"
