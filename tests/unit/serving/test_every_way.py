"""One model asked in every way it can be: the answers are the same."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
import tritonclient.http as triton
from pyarrow import parquet

from modelyard_runtime.training.predict import run
from support.serving_pod import Pod

TOLERANCE = 1e-6
PLANS = ["basic", "plus", "pro", "größe", None]
ROWS: list[dict[str, Any]] = [
    {
        "age": 18.25 + number * 1.5,
        "visits": None if number % 7 == 0 else number,
        "member": [True, False, None][number % 3],
        "joined": f"20{10 + number % 15}-0{1 + number % 9}-1{number % 10}T0{number % 10}:30:00Z",
        "plan": PLANS[number % len(PLANS)],
    }
    for number in range(40)
]
MODEL = "churn"


@pytest.fixture
def pod(start) -> Pod:
    made: Pod = start("--drain-seconds=0")
    made.wait_ready()
    return made


@pytest.fixture
def client(pod) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{pod.port}", timeout=10) as opened:
        yield opened


@pytest.fixture
def expected(client) -> list[tuple[str, float]]:
    """What /infer says of each row, one after the other."""
    results = [client.post("/infer", json=row).json()["result"] for row in ROWS]
    return [(result["left"], result["left_probability"]) for result in results]


def same(expected: list[tuple[str, float]], found: list[tuple[str, float]]) -> None:
    assert [label for label, _ in found] == [label for label, _ in expected]
    assert [value for _, value in found] == pytest.approx(
        [value for _, value in expected], abs=TOLERANCE
    )


def pairs(results: list[dict[str, Any]]) -> list[tuple[str, float]]:
    return [(result["left"], result["left_probability"]) for result in results]


def as_csv() -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, ROWS[0])
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue()


def as_table() -> pa.Table:
    moments = [datetime.fromisoformat(row["joined"]).astimezone(UTC) for row in ROWS]
    columns: dict[str, Any] = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    return pa.table(columns | {"joined": moments})


def test_batches_of_every_format(client, expected):
    lines = "\n".join(map(json.dumps, ROWS))
    for media, body in (
        ("application/json", json.dumps(ROWS)),
        ("text/csv", as_csv()),
        ("application/x-ndjson", lines),
    ):
        answer = client.post("/predictions", content=body, headers={"content-type": media})
        parsed = answer.text.splitlines() if "ndjson" in media else None
        items = [json.loads(line) for line in parsed] if parsed else answer.json()
        same(expected, pairs([item["prediction"] for item in items]))


@pytest.mark.parametrize("kind", ["vnd.apache.arrow.stream", "vnd.apache.parquet"])
def test_tables(client, expected, kind):
    sink = io.BytesIO()
    arrow = "arrow" in kind
    if arrow:
        with pa.ipc.new_stream(sink, as_table().schema) as writer:
            writer.write_table(as_table())
    else:
        parquet.write_table(as_table(), sink)
    headers = {"content-type": f"application/{kind}"}
    answer = client.post("/predictions", content=sink.getvalue(), headers=headers)
    content = io.BytesIO(answer.content)
    table = pa.ipc.open_stream(content).read_all() if arrow else parquet.read_table(content)
    same(expected, pairs(table.to_pylist()))


def tensors(rows: list[dict[str, Any]], *, binary: bool) -> list[triton.InferInput]:
    """A tensor a field, as the protocol's own client makes them."""
    made = []
    for name, datatype, kind in (
        ("age", "FP64", np.float64),
        ("visits", "FP32", np.float32),
        ("member", "FP32", np.float32),
        ("joined", "BYTES", np.object_),
        ("plan", "BYTES", np.object_),
    ):
        if name == "member":
            continue
        values = ["" if row[name] is None and datatype == "BYTES" else row[name] for row in rows]
        data = np.array(values, dtype=kind)
        tensor = triton.InferInput(name, [len(rows)], datatype)
        tensor.set_data_from_numpy(data, binary_data=binary)
        made.append(tensor)
    return made


@pytest.mark.parametrize("binary", [True, False])
def test_a_peers_client_over_the_open_inference_protocol(pod, client, binary):
    # JSON has no NaN, and a tensor of BOOL no missing value: rows and fields that have both.
    rows = [row for row in ROWS if binary or row["visits"] is not None]
    plain = [{name: row[name] for name in row if name != "member"} for row in rows]
    expected = pairs([client.post("/infer", json=row).json()["result"] for row in plain])
    peer = triton.InferenceServerClient(f"127.0.0.1:{pod.port}")
    try:
        assert peer.is_server_live()
        assert peer.is_server_ready()
        assert peer.is_model_ready(MODEL, "2")
        assert peer.get_server_metadata()["name"] == "modelyard"
        assert peer.get_model_metadata(MODEL)["outputs"][1]["datatype"] == "FP32"
        wanted = [
            triton.InferRequestedOutput(name, binary_data=binary)
            for name in ("left", "left_probability")
        ]
        answer = peer.infer(MODEL, tensors(rows, binary=binary), outputs=wanted, request_id="7")
        assert answer.get_response()["id"] == "7"
        labels = [
            value.decode() if isinstance(value, bytes) else value
            for value in answer.as_numpy("left").tolist()
        ]
        values = answer.as_numpy("left_probability").tolist()
        same(expected, list(zip(labels, values, strict=True)))
        wrong = tensors([{**rows[0], "age": 200.0}], binary=binary)
        with pytest.raises(triton.InferenceServerException, match="Row 0, field 'age'"):
            peer.infer(MODEL, wrong)
    finally:
        peer.close()


def test_predictions_by_hand(version, expected, tmp_path):
    shutil.copy(version.manifest_path, version.store / "manifest.json")
    source, target = tmp_path / "rows.csv", tmp_path / "results.jsonl"
    source.write_text(as_csv())
    words = ["--model", str(version.store), "--input", str(source), "--output", str(target)]
    assert run(words) == 0
    same(expected, pairs([json.loads(line) for line in target.read_text().splitlines()]))
