"""Tables as bodies: what Arrow and Parquet give is what JSON gives, and what they may not do."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from modelyard_crds.fields import FieldSchema
from modelyard_runtime.serving.assembly import assemble
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.settings import read_settings
from modelyard_runtime.serving.table_columns import objects_of, plain_columns
from unit.serving.conftest import EXAMPLE, publish

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
NDJSON = "application/x-ndjson"
ROWS: list[dict[str, Any]] = [
    {**EXAMPLE, "age": float(number % 90), "plan": ["basic", "plus", None][number % 3]}
    for number in range(2500)
]


@pytest.fixture(scope="module")
def predictor(binary_graph, tmp_path_factory) -> Predictor:
    made = publish(tmp_path_factory.mktemp("version"), binary_graph)
    return Predictor(made.manifest, made.model)


@pytest.fixture
async def client(predictor):
    with ThreadPoolExecutor(1) as executor:
        made = assemble(predictor, read_settings(["--max-lines-bytes=2000000"]), executor)
        made.health.state = "ready"
        transport = httpx.ASGITransport(made.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://pod") as opened:
            yield opened


def table(rows: list[dict[str, Any]] = ROWS, **changes: Any) -> pa.Table:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    columns = {name: [row[name] for row in rows] for name in EXAMPLE} | {
        "joined": pa.array([moment] * len(rows), pa.timestamp("ms", "UTC"))
    }
    return pa.table(
        {name: value for name, value in (columns | changes).items() if value is not None}
    )


def arrow(content: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, content.schema, options=pa.ipc.IpcWriteOptions(**options)) as out:
        out.write_table(content)
    return sink.getvalue()


def as_parquet(content: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(content, sink)
    return sink.getvalue()


def opened(media: str, content: bytes) -> pa.Table:
    if media == ARROW:
        return pa.ipc.open_stream(content).read_all()
    return parquet.read_table(io.BytesIO(content))


async def send(client: httpx.AsyncClient, body: bytes, media: str = ARROW, accept: str = "*/*"):
    headers = {"content-type": media, "accept": accept}
    return await client.post("/predictions", content=body, headers=headers)


@pytest.mark.parametrize(("media", "write"), [(ARROW, arrow), (PARQUET, as_parquet)])
async def test_a_table_gives_what_lines_give_in_its_own_format(client, predictor, media, write):
    answer = await send(client, write(table()), media)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media
    found = opened(media, answer.content)
    expected = predictor.scores(predictor.rows_of(ROWS).rows)
    assert found.column_names == ["left", "left_probability"]
    assert np.array_equal(found["left_probability"].to_numpy(), expected[:, 1])
    assert found["left"].to_pylist() == [["no", "yes"][index] for index in expected.argmax(axis=1)]


async def test_the_answer_is_in_the_format_that_is_accepted(client):
    body = table(ROWS[:5])
    lines = await send(client, arrow(body), accept=NDJSON)
    assert lines.headers["content-type"] == NDJSON
    assert len(lines.text.splitlines()) == 5
    other = await send(client, arrow(body), accept=PARQUET)
    assert opened(PARQUET, other.content).num_rows == 5


async def test_a_table_without_rows_has_an_answer_without_rows(client):
    answer = await send(client, arrow(table()[:0]))
    assert answer.status_code == 200
    assert opened(ARROW, answer.content).num_rows == 0


async def test_dictionaries_dates_and_columns_that_are_left_out_are_read(client, predictor):
    rows = ROWS[:6]
    body = table(
        rows,
        plan=pa.array([row["plan"] for row in rows]).dictionary_encode(),
        joined=pa.array([date(2026, 1, 31)] * 6),
        visits=None,
        more=[1] * 6,
    )
    answer = await send(client, arrow(body))
    assert answer.headers["x-modelyard-ignored-fields"] == "more"
    less = [{name: value for name, value in row.items() if name != "visits"} for row in rows]
    expected = predictor.scores(predictor.rows_of(less).rows)
    found = opened(ARROW, answer.content)["left_probability"].to_numpy()
    assert np.array_equal(found, expected[:, 1])


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        ({"age": [1.0] * 1500 + [None] + [1.0] * 999}, (1500, "age"), "is null"),
        ({"age": [1.0] * 2499 + [151.0]}, (2499, "age"), "at most 150"),
        ({"age": [1.0, float("nan")] + [1.0] * 2498}, (1, "age"), "NaN"),
        ({"visits": [1.5] * 2500}, (0, "visits"), "expected an integer"),
        ({"plan": [7] * 2500}, (0, "plan"), "expected a text"),
        ({"joined": ["soon"] * 2500}, (0, "joined"), "RFC 3339"),
        ({"member": [b"x"] * 2500}, (0, "member"), "true or false"),
        ({"age": None}, (0, "age"), "is missing"),
    ],
)
async def test_a_fault_is_named_by_its_row_in_the_whole_table(client, changes, place, message):
    answer = await send(client, arrow(table(**changes)))
    assert answer.status_code == 422
    fault = answer.json()["error"]["details"]["errors"][0]
    assert (fault["row"], fault["field"]) == place
    assert message in fault["message"]


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
async def test_a_compressed_stream_is_refused_before_it_is_unpacked(client, compression):
    body = table(ROWS[:50], plan=pa.array(["basic"] * 50).dictionary_encode())
    answer = await send(client, arrow(body, compression=compression))
    assert answer.status_code == 415
    assert "compressed" in answer.json()["error"]["message"]


@pytest.mark.parametrize("media", [ARROW, PARQUET])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"PAR1", b"\xff\xff\xff\xff\x10\0\0\0" + b"x" * 16]
)
async def test_what_is_no_table_is_malformed(client, media, content):
    assert (await send(client, content, media)).status_code == 400


@pytest.mark.parametrize(("media", "write"), [(ARROW, arrow), (PARQUET, as_parquet)])
async def test_no_cut_or_flipped_byte_does_worse_than_a_refusal(client, media, write):
    body = write(table(ROWS[:20]))
    random = np.random.default_rng(0)
    for _ in range(40):
        broken = bytearray(body[: random.integers(1, len(body))])
        broken[random.integers(0, len(broken))] ^= 0xFF
        answer = await send(client, bytes(broken), media)
        assert answer.status_code in {200, 400, 413, 415, 422}


async def test_a_table_that_is_too_long_is_refused(client):
    assert (await send(client, b"x" * 2_000_001)).status_code == 413


async def test_tables_on_other_routes_are_refused(client):
    answer = await client.post("/infer", content=b"", headers={"content-type": ARROW})
    assert answer.status_code == 415


def test_columns_that_are_plainly_right_need_no_look_at_values():
    batch = pa.record_batch({"x": pa.array([1, 2, None]), "t": ["a", None, "b"], "b": [True] * 3})
    fields = [
        FieldSchema(name="x", type="integer"),
        FieldSchema(name="t", type="string", enum=["a", "b"]),
        FieldSchema(name="b", type="boolean"),
        FieldSchema(name="gone", type="string"),
    ]
    columns = plain_columns(batch, fields)
    assert columns is not None
    assert list(columns["t"]) == ["a", None, "b"]
    assert plain_columns(batch, [FieldSchema(name="t", type="string", enum=["a"])]) is None
    huge = pa.record_batch({"x": [2**60]})
    assert plain_columns(huge, [FieldSchema(name="x", type="integer")]) is None


def test_values_that_json_has_no_word_for_become_what_a_field_may_have():
    batch = pa.record_batch(
        {"d": pa.array([Decimal("1.5")]), "n": pa.array([{"a": 1}]), "l": pa.array([[1]])}
    )
    assert objects_of(batch) == [{"d": 1.5, "n": {}, "l": []}]
