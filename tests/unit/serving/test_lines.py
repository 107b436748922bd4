"""JSON lines: the same predictions without a limit on rows, errors with a code of their own."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from modelyard_runtime.serving.assembly import assemble
from modelyard_runtime.serving.errors import TooLargeError, TooSlowError
from modelyard_runtime.serving.lines import LineLimits, line_groups
from modelyard_runtime.serving.predictor import CHUNK_ROWS, Predictor
from modelyard_runtime.serving.requests import DisconnectedError
from modelyard_runtime.serving.settings import read_settings
from unit.serving.conftest import EXAMPLE

MEDIA = {"content-type": "application/x-ndjson; charset=utf-8"}


@pytest.fixture
async def client(version):
    predictor = Predictor(version.manifest, version.model, max_rows=CHUNK_ROWS)
    with ThreadPoolExecutor(1) as executor:
        pod = assemble(predictor, read_settings(["--max-lines-bytes=1000000"]), executor)
        transport = httpx.ASGITransport(pod.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://pod") as made:
            yield made


def lines(rows):
    return "\n".join(json.dumps(row) for row in rows).encode()


async def test_lines_give_what_an_array_gives(client):
    rows = [EXAMPLE | {"age": age} for age in (20, 40, 60)]
    array = await client.post("/predictions", json=rows)
    response = await client.post("/predictions", content=lines(rows) + b"\n\n", headers=MEDIA)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in response.text.splitlines()] == array.json()


async def test_there_may_be_more_rows_than_an_array_may_have(client):
    rows = [{"age": index % 100, "extra": 1} for index in range(3 * CHUNK_ROWS + 7)]
    response = await client.post("/predictions", content=lines(rows), headers=MEDIA)
    answers = response.text.splitlines()
    assert len(answers) == len(rows)
    assert answers[0] == answers[100]
    assert response.headers["x-modelyard-ignored-fields"] == "extra"


async def test_a_fault_is_named_by_its_row_in_the_whole_body(client):
    rows = [{"age": 1}] * (CHUNK_ROWS + 5) + [{"age": "x"}]
    response = await client.post("/predictions", content=lines(rows), headers=MEDIA)
    assert response.status_code == 422
    (fault,) = response.json()["error"]["details"]["errors"]
    assert (fault["row"], fault["field"]) == (CHUNK_ROWS + 5, "age")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"age":1},{"age":2}', 400),
        (b'{"age":1}\n{"age"', 400),
        (b'{"age":1}]\n[{"age":1}', 400),
        (b"{}" * 600_000, 413),
        (b'{"age":1}\n' * 200_000, 413),
    ],
)
async def test_what_is_not_one_object_a_line_is_refused(client, content, status):
    response = await client.post("/predictions", content=content, headers=MEDIA)
    assert response.status_code == status
    assert response.json()["error"]["status"] == status


async def test_an_empty_body_has_no_answers(client):
    response = await client.post("/predictions", content=b"", headers=MEDIA)
    assert (response.status_code, response.text) == (200, "")


async def test_a_compressed_body_is_refused(client):
    headers = MEDIA | {"content-encoding": "gzip"}
    assert (await client.post("/predictions", content=b"x", headers=headers)).status_code == 415


def receiving(*messages):
    queue = list(messages)

    async def receive():
        return queue.pop(0)

    return receive


async def groups(receive, max_bytes=10**9):
    return [group async for group in line_groups(receive, LineLimits(max_bytes, 0.01))]


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


async def test_lines_may_be_cut_anywhere_on_their_way():
    receive = receiving(part(b'{"a"'), part(b":1}\n{}"), part(b"\n{"), part(b"}", more=False))
    assert [line for group in await groups(receive) for line in group] == [b'{"a":1}', b"{}", b"{}"]


async def test_a_line_without_an_end_is_not_held():
    endless = [part(b"x" * 400_000)] * 10
    with pytest.raises(TooLargeError, match="bytes a line"):
        await groups(receiving(*endless))


async def test_a_client_that_goes_or_stalls_is_noticed():

    with pytest.raises(DisconnectedError):
        await groups(receiving(part(b"{}\n"), {"type": "http.disconnect"}))

    async def silence():
        await asyncio.Event().wait()

    with pytest.raises(TooSlowError):
        await groups(silence)
