"""What a pod gets that no client should send: it is refused, and the pod is as it was.

Pitfall 5.3 as far as it takes seconds; the hour is in ``test_memory``.
"""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator
from datetime import date

import httpx
import pyarrow as pa
import pytest

from support.serving_pod import Pod
from unit.serving.conftest import EXAMPLE

MEBI = 1024 * 1024
#: What the largest batch that is allowed may leave behind.
GROWTH_MEBI = 50
MILLION = 1_000_000
ROW = json.dumps(EXAMPLE).encode()


@pytest.fixture
def pod(start) -> Pod:
    made: Pod = start("--drain-seconds=0", "--body-seconds=2")
    made.wait_ready()
    return made


@pytest.fixture
def client(pod) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{pod.port}", timeout=60) as opened:
        yield opened


def batch(rows: int) -> bytes:
    return b"[" + b",".join([ROW] * rows) + b"]"


def spoken(pod: Pod, *parts: bytes) -> bytes:
    """What the pod answers to bytes as they are."""
    with socket.create_connection(("127.0.0.1", pod.port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(65536)


def test_nothing_that_is_sent_breaks_a_pod_or_swells_it(pod, client):
    client.post("/predictions", content=batch(10_000)).raise_for_status()
    settled = pod.rss_mebi()
    json_type = {"content-type": "application/json"}
    for content, status in (
        (b"[" + b" " * (50 * MEBI) + b"]", 413),
        (batch(1_000_000)[: 15 * MEBI], 413),
        (batch(10_001), 413),
        (b"[" + b"{}," * 1_000_000 + b"{}]", 422),
        (b"[" * 1_000_000, 400),
        (b'[{"age":' * 100_000, 400),
        (b'[{"age": ' + b"9" * 4_000_000 + b"}]", 422),
        (b'[{"age": 1e400}]', 422),
        (b'[{"age": NaN}]', 422),
        (b'{"age": 40}', 400),
        (b"\xff\xfe", 400),
        (b"", 400),
    ):
        for _ in range(2):
            answer = client.post("/predictions", content=content, headers=json_type)
            assert answer.status_code == status, content[:40]
            assert set(answer.json()["error"]) >= {"code", "message", "request_id"}
    assert client.post("/infer", json=EXAMPLE).status_code == 200
    assert pod.rss_mebi() - settled < GROWTH_MEBI


def lines(rows: int) -> Iterator[bytes]:
    for _ in range(rows // 1000):
        yield (ROW + b"\n") * 1000


def arrow_stream(rows: int) -> Iterator[bytes]:
    row = EXAMPLE | {"joined": date(2026, 1, 31)}
    batch = pa.RecordBatch.from_pylist([row] * 1000)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        for _ in range(rows // 1000):
            writer.write_batch(batch)
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()


@pytest.mark.parametrize(
    ("body", "media"),
    [(lines, "application/x-ndjson"), (arrow_stream, "application/vnd.apache.arrow.stream")],
)
def test_a_million_rows_in_a_stream_are_predicted_and_never_held(pod, client, body, media):
    asked = {"headers": {"content-type": media, "accept": "application/x-ndjson"}}
    client.post("/predictions", content=body(10_000), **asked).raise_for_status()
    settled = pod.peak_mebi()
    with client.stream("POST", "/predictions", content=body(MILLION), **asked) as answer:
        assert answer.status_code == 200
        assert sum(1 for _ in answer.iter_lines()) == MILLION
    assert pod.peak_mebi() - settled < GROWTH_MEBI


@pytest.mark.parametrize("media", ["application/json", "text/csv"])
def test_a_million_rows_that_would_have_to_be_held_are_refused(pod, client, media):
    csv = b"age,plan\n" + b"41,basic\n" * MILLION
    content = batch(MILLION) if media == "application/json" else csv
    client.post("/predictions", content=batch(10_000)).raise_for_status()
    settled = pod.peak_mebi()
    answer = client.post("/predictions", content=content, headers={"content-type": media})
    assert answer.status_code == 413
    assert answer.json()["error"]["message"].startswith("The body has more than")
    assert pod.peak_mebi() - settled < GROWTH_MEBI


def test_slow_and_cut_connections_cost_no_other_request(pod, client):
    head = b"POST /infer HTTP/1.1\r\nhost: pod\r\ncontent-type: application/json\r\n"
    slow = [socket.create_connection(("127.0.0.1", pod.port), timeout=30) for _ in range(50)]
    for connection in slow:
        connection.sendall(head + b"content-length: 100\r\n\r\n{")
    assert client.post("/infer", json=EXAMPLE).status_code == 200
    for connection in slow[:25]:
        connection.close()
    answers = [connection.recv(65536) for connection in slow[25:]]
    for connection in slow[25:]:
        connection.close()
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)
    assert client.post("/infer", json=EXAMPLE).status_code == 200


def test_bytes_that_are_no_request_get_an_answer_or_an_end(pod, client):
    for nonsense in (b"\0" * 100, b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\0" * 20):
        assert spoken(pod, nonsense)[:12] in {b"HTTP/1.1 400", b""}
    assert client.post("/infer", json=EXAMPLE).status_code == 200
