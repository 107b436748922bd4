"""The façade where something around it is away, and where it is itself asked to end.

The façade is a process outside the cluster; API server and store are reached through relays that
the tests cut. A pod that is away is shown in ``test_serving_under_load``.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from modelyard_operator.cluster.multiparts import Multiparts
from modelyard_operator.cluster.store import read_config
from support import fuzz, rest
from support.durations import SHORT
from support.facade_process import FacadeProcess, facade_process
from support.kubectl import Kubectl, poll

pytestmark = pytest.mark.cluster

BODY = {"intent": "Predict the species", "dataset_id": "flowers"}
TABLE = b"x,y\n1,2\n"
STALE = "x-modelyard-stale"
STREAMS = 50
#: SIGTERM to the end, with streams open.
END_SECONDS = 10
PART = b"1,2\n" * (1024 * 1024)


@pytest.fixture
def facade(kubectl: Kubectl, system: Kubectl, tmp_path: Path) -> Iterator[FacadeProcess]:
    kubectl.create(fuzz.NO_PODS)
    with facade_process(system, tmp_path) as opened:
        yield opened


@pytest.fixture
def account(facade: FacadeProcess, kubectl: Kubectl) -> Iterator[httpx.Client]:
    """An account with a model that waits for its dataset."""
    with rest.open_client(facade.url, rest.make_key(kubectl.namespace)) as client:
        made = client.post("/datasets", json={"name": "flowers", "uri": "example://iris"})
        assert made.status_code == httpx.codes.CREATED, made.text
        assert client.post("/models/here", json=BODY).status_code == httpx.codes.ACCEPTED
        yield client


def unavailable(answer: httpx.Response) -> bool:
    return (
        answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        and int(answer.headers["retry-after"]) > 0
        and answer.json()["error"]["code"] == "service_unavailable"
    )


def test_without_the_api_server_reads_go_on_and_writes_may_be_repeated(
    facade: FacadeProcess, account: httpx.Client
) -> None:
    job_id = account.get("/jobs").json()["jobs"][0]["job_id"]
    facade.api_server.cut()
    for method, path, body in (
        ("POST", "/models/there", BODY),
        ("PATCH", "/models/here", {"tags": ["a"]}),
        ("POST", "/models/here/retrain", {}),
        ("POST", "/datasets", {"name": "d", "uri": "example://iris"}),
        ("POST", "/api-keys", {"name": "k"}),
        ("DELETE", "/models/here", None),
    ):
        assert unavailable(account.request(method, path, json=body)), (method, path)

    def marked() -> httpx.Response | None:
        answer = account.get("/models/here")
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer if STALE in answer.headers else None

    found = poll(marked, SHORT)
    assert found is not None
    assert found.json()["model_name"] == "here"
    for path in ("/models", "/models/here/v1.0/status", f"/jobs/{job_id}", "/datasets"):
        answer = account.get(path)
        assert (answer.status_code, STALE in answer.headers) == (httpx.codes.OK, True), path
    facade.api_server.mend()

    def mended() -> bool | None:
        return STALE not in account.get("/models").headers or None

    assert poll(mended, SHORT + SHORT)
    assert account.post("/models/there", json=BODY).status_code == httpx.codes.ACCEPTED
    assert httpx.get(f"{facade.url}/healthz").status_code == httpx.codes.OK


def test_an_api_server_that_is_silent_costs_writes_their_time_and_reads_nothing(
    facade: FacadeProcess, account: httpx.Client
) -> None:
    """Pitfall 2.3: packets that are dropped, so that no connection ends."""
    facade.api_server.silence()
    assert account.get("/models/here").status_code == httpx.codes.OK
    assert unavailable(account.post("/models/there", json=BODY))
    facade.api_server.mend()

    def created() -> bool | None:
        answer = account.post("/models/there", json=BODY)
        return answer.status_code in {httpx.codes.ACCEPTED, httpx.codes.CONFLICT} or None

    assert poll(created, SHORT)


def test_without_the_store_only_what_needs_it_is_unavailable(
    facade: FacadeProcess, account: httpx.Client
) -> None:
    facade.store.cut()
    assert unavailable(account.post("/uploads", files={"files": ("a.csv", TABLE)}))
    assert unavailable(account.get("/uploads"))
    assert account.get("/models/here").status_code == httpx.codes.OK
    assert account.post("/models/there", json=BODY).status_code == httpx.codes.ACCEPTED
    facade.store.mend()
    done = account.post("/uploads", files={"files": ("a.csv", TABLE)})
    assert done.status_code == httpx.codes.CREATED, done.text


def test_open_streams_end_with_the_process_and_a_client_that_leaves_frees_its_own(
    facade: FacadeProcess, account: httpx.Client
) -> None:
    """Pitfall 6.3: uvicorn would wait for open streams before it tells anybody."""
    job_id = account.get("/jobs").json()["jobs"][0]["job_id"]
    path = f"{facade.url}/jobs/{job_id}/logs?follow=true"
    opened, ended = threading.Semaphore(0), threading.Event()

    def follow(_: int) -> str:
        with httpx.stream("GET", path, headers=account.headers, timeout=SHORT) as response:
            first = True
            text = ""
            for line in response.iter_lines():
                text += line + "\n"
                if first:
                    opened.release()
                first = False
            return text

    with httpx.stream("GET", path, headers=account.headers, timeout=SHORT) as response:
        assert next(response.iter_lines()).startswith("retry:")
    with ThreadPoolExecutor(STREAMS) as pool:
        streams = [pool.submit(follow, index) for index in range(STREAMS)]
        for _ in range(STREAMS):
            assert opened.acquire(timeout=SHORT)
        started = time.monotonic()
        assert facade.end() == 0
        took = time.monotonic() - started
        ended.set()
        texts = [stream.result(SHORT) for stream in streams]
    assert took < END_SECONDS
    # Each ended in good order: with a hint when to come back, and between two events.
    assert all(text.startswith("retry:") and text.endswith("\n\n") for text in texts)
    assert "Traceback" not in facade.log.read_text()


def _endless(sent: threading.Event, over: threading.Event) -> Iterator[bytes]:
    """A form whose file has more than one part's bytes, and then hardly goes on."""
    yield b"--b\r\n"
    yield b'Content-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    for _ in range(6):
        yield PART
    sent.set()
    while not over.wait(0.1):
        yield b"1,2\n"


def test_an_upload_of_a_killed_process_is_ended_by_the_sweeper(
    facade: FacadeProcess, kubectl: Kubectl, tmp_path: Path
) -> None:
    """Pitfall 9.3: parts that have arrived and that no listing shows."""
    key = rest.make_key(kubectl.namespace)
    multiparts = Multiparts(read_config(tmp_path / "store"))
    sent, over = threading.Event(), threading.Event()
    headers = {"x-api-key": key, "content-type": "multipart/form-data; boundary=b"}
    with rest.open_client(facade.url, key), ThreadPoolExecutor(1) as pool:
        form = _endless(sent, over)
        post = pool.submit(httpx.post, f"{facade.url}/datasets", content=form, headers=headers)
        assert sent.wait(SHORT)
        assert poll(lambda: asyncio.run(multiparts.unfinished()) or None, SHORT)
        facade.kill()
        over.set()
        assert isinstance(post.exception(SHORT), httpx.HTTPError)
    assert asyncio.run(multiparts.abort_older(datetime.now(UTC))) > 0
    assert asyncio.run(multiparts.abort_older(datetime.now(UTC))) == 0
