"""When a call is sent again, and what the façade's refusals become."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

import modelyard
from modelyard import calls, transport
from modelyard_api.mapping import rest

ENVELOPE = {
    "code": "not_found",
    "message": "Model 'churn' does not exist.",
    "status": 404,
    "details": {"model_name": "churn"},
    "suggestions": ["List the models with GET /models."],
    "request_id": "req_1",
}
READ = calls.get(rest.ModelDetail, "models", "churn")
DELETE = calls.delete(rest.ModelDeleted, "models", "churn")
CREATE = calls.create_model("churn", "Predict churn", "ds_1")
STARTED = {
    "job_id": "job_1",
    "status": "PENDING",
    "model_name": "churn",
    "model_version": "v1.0",
    "created_at": "2026-01-01T00:00:00Z",
}

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> modelyard.Client:
    return modelyard.Client("http://test", "key", transport=httpx.MockTransport(handler))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE", 0.0)


@pytest.mark.parametrize(
    ("call", "outcome", "again"),
    [
        (READ, httpx.Response(503), True),
        (READ, httpx.ReadError("cut"), True),
        (READ, httpx.Response(500), False),
        (READ, httpx.Response(404), False),
        (CREATE, httpx.Response(503), True),
        (CREATE, httpx.ReadError("cut"), True),
        # It may have been done: a second one would not find what the first has deleted.
        (DELETE, httpx.Response(503), False),
        (DELETE, httpx.ReadError("cut"), False),
        # It has not been done.
        (DELETE, httpx.ConnectError("refused"), True),
        (DELETE, httpx.Response(429), True),
    ],
)
def test_only_what_does_no_more_is_sent_again(
    call: calls.Call[object], outcome: httpx.Response | Exception, again: bool
) -> None:
    assert (transport.pause_before(call, 0, outcome) is not None) == again
    assert transport.pause_before(call, transport.TRIES - 1, outcome) is None


def test_the_pause_is_the_one_that_is_asked_for() -> None:
    asked = httpx.Response(429, headers={"retry-after": "7"})
    assert transport.pause_before(READ, 0, asked) == 7
    too_long = httpx.Response(429, headers={"retry-after": "3600"})
    assert transport.pause_before(READ, 0, too_long) is None


def test_a_create_that_is_repeated_has_the_same_key_and_another_create_another() -> None:
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        return httpx.Response(503) if len(keys) == 1 else httpx.Response(202, json=STARTED)

    with client(answer) as opened:
        opened.create_model("churn", "Predict churn", dataset_id="ds_1")
        opened.create_model("churn", "Predict churn", dataset_id="ds_1")
    assert keys[0] == keys[1] != keys[2]


def test_a_file_is_read_anew_for_each_try(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_bytes(b"x,y\n1,2\n")
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return httpx.Response(503)

    with client(answer) as opened, pytest.raises(modelyard.ModelyardError):
        opened.upload(path)
    assert len(bodies) == transport.TRIES
    assert all(b'filename="usage.csv"' in body and b"x,y\n1,2\n" in body for body in bodies)


def test_a_refusal_is_an_exception_of_its_kind() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"error": ENVELOPE})

    with client(answer) as opened, pytest.raises(modelyard.NotFoundError) as caught:
        opened.model("churn").get()
    assert caught.value.details == {"model_name": "churn"}
    assert caught.value.request_id == "req_1"
    assert "List the models" in str(caught.value)


def test_the_page_of_a_proxy_is_an_error_too() -> None:
    page = httpx.Response(502, html="<h1>Bad gateway</h1>")
    with (
        client(lambda _request: page) as opened,
        pytest.raises(modelyard.ApiError, match="502 Bad Gateway"),
    ):
        opened.model("churn").get()


def test_a_facade_that_is_away_is_named() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with client(refuse) as opened, pytest.raises(modelyard.ConnectionFailedError, match="test"):
        opened.model("churn").get()


def test_without_an_address_it_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELYARD_URL", raising=False)
    with pytest.raises(modelyard.ModelyardError, match="MODELYARD_URL"):
        modelyard.Client()


def events(*numbers: int, end: bool) -> bytes:
    line = '{"job_id":"job_1","model_name":"m","timestamp":"2026-01-01T00:00:00Z"'
    logs = [
        f'id: {n}\nevent: log\ndata: {line},"level":"INFO","message":"{n}"}}\n\n' for n in numbers
    ]
    last = 'event: job\ndata: {"status":"SUCCEEDED"}\n\n' if end else ""
    return f"retry: 1000\n\n{''.join(logs)}{last}".encode()


def test_a_log_goes_on_after_the_last_line_where_it_was_cut() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["last-event-id"])
        first = len(asked) == 1
        return httpx.Response(
            200, content=events(1, 2, end=False) if first else events(3, end=True)
        )

    with client(answer) as opened:
        assert [entry.message for entry in opened.logs("job_1")] == ["1", "2", "3"]
    assert asked == ["0", "2"]

    async def follow() -> list[str]:
        asked.clear()
        handler = httpx.MockTransport(answer)
        async with modelyard.AsyncClient("http://test", "key", transport=handler) as opened:
            return [entry.message async for entry in opened.logs("job_1")]

    assert asyncio.run(follow()) == ["1", "2", "3"]


def job(status: str, progress: int, **more: object) -> dict[str, object]:
    plain = {**STARTED, "version_id": "ver_1", "step": None, "started_at": None}
    return plain | {"status": status, "progress": progress, "finished_at": None} | more


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    monkeypatch.setattr(modelyard.flows, "POLL_SECONDS", 0.0)
    return [job("PENDING", 0), job("RUNNING", 40), job("RUNNING", 40)]


def test_a_wait_tells_each_change_once(builds: list[dict[str, object]]) -> None:
    builds.append(job("SUCCEEDED", 100))
    seen: list[int] = []
    with client(lambda _request: httpx.Response(200, json=builds.pop(0))) as opened:
        ended = opened.wait_job("job_1", on_progress=lambda now: seen.append(now.progress))
    assert (ended.status, seen) == ("SUCCEEDED", [0, 40, 100])


def test_a_wait_says_why_a_build_failed(builds: list[dict[str, object]]) -> None:
    builds.append(job("FAILED", 40, error={"reason": "TooFewRows", "message": "3 rows"}))
    with (
        client(lambda _request: httpx.Response(200, json=builds.pop(0))) as opened,
        pytest.raises(modelyard.BuildFailedError, match="TooFewRows: 3 rows"),
    ):
        opened.wait_job("job_1")


def test_a_wait_ends_with_its_time(builds: list[dict[str, object]]) -> None:
    with (
        client(lambda _request: httpx.Response(200, json=builds[1])) as opened,
        pytest.raises(TimeoutError, match="RUNNING at 40 %"),
    ):
        opened.wait_job("job_1", within=-1)
