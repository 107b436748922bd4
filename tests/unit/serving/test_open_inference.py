"""The Open Inference Protocol gives what /predictions gives."""

import json
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import httpx
import numpy as np
import pytest

from modelyard_crds.build import Output
from modelyard_runtime.serving.assembly import assemble
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.settings import read_settings

LENGTH = "inference-header-content-length"
AGES = [20.0, 41.5, 80.0]
PLANS = ["basic", "pro", "plus"]
JOINED = ["2026-01-31", "2025-01-01T12:00:00Z", "2024-06-30"]


@asynccontextmanager
async def client_of(predictor):
    with ThreadPoolExecutor(1) as executor:
        pod = assemble(predictor, read_settings(["--max-rows=50"]), executor)
        await pod.health.probe()
        transport = httpx.ASGITransport(pod.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://pod") as made:
            yield made


@pytest.fixture
async def client(predictor):
    async with client_of(predictor) as made:
        yield made


def tensor(name, datatype, data, **more):
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data} | more


def columns():
    return [
        tensor("age", "FP64", AGES),
        tensor("visits", "INT64", [1, None, 3]),
        tensor("member", "BOOL", [True, False, None]),
        tensor("joined", "BYTES", JOINED),
        tensor("plan", "BYTES", PLANS),
    ]


def rows():
    names = [item["name"] for item in columns()]
    values = zip(*(item["data"] for item in columns()), strict=True)
    return [dict(zip(names, row, strict=True)) for row in values]


async def expected(client, asked=None):
    answer = (await client.post("/predictions", json=asked or rows())).json()
    return [item["prediction"] for item in answer]


def by_row(outputs):
    names = [output["name"] for output in outputs]
    values = zip(*(output["data"] for output in outputs), strict=True)
    return [dict(zip(names, row, strict=True)) for row in values]


def same(found, wanted):
    assert [row["left"] for row in found] == [row["left"] for row in wanted]
    np.testing.assert_allclose(
        [row["left_probability"] for row in found],
        [row["left_probability"] for row in wanted],
        rtol=1e-6,
    )


@pytest.mark.parametrize("version", ["", "/versions/2", "/versions/v2", "/versions/v2.0"])
async def test_json_tensors(client, version):
    response = await client.post(
        f"/v2/models/churn{version}/infer", json={"id": "42", "inputs": columns()}
    )
    answer = response.json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("42", "churn", "2")
    assert [(o["datatype"], o["shape"]) for o in answer["outputs"]] == [
        ("BYTES", [3]),
        ("FP32", [3]),
    ]
    same(by_row(answer["outputs"]), await expected(client))


async def test_columns_of_shape_n_by_1_are_columns(client):
    nested = [tensor("age", "FP32", [[age] for age in AGES], shape=[3, 1])]
    answer = (await client.post("/v2/models/churn/infer", json={"inputs": nested})).json()
    same(by_row(answer["outputs"]), await expected(client, [{"age": age} for age in AGES]))


def binary_body(outputs=None):
    ages = np.array(AGES, "<f4").tobytes()
    visits = np.array([1, np.nan, 3], "<f8").tobytes()
    plans = b"".join(struct.pack("<I", len(plan)) + plan.encode() for plan in PLANS)
    parts = [("age", "FP32", ages), ("visits", "FP64", visits), ("plan", "BYTES", plans)]
    inputs = [
        {
            "name": name,
            "datatype": datatype,
            "shape": [3],
            "parameters": {"binary_data_size": len(data)},
        }
        for name, datatype, data in parts
    ]
    request = {"inputs": inputs} | ({"outputs": outputs} if outputs else {})
    head = json.dumps(request).encode()
    return head + b"".join(data for _, _, data in parts), {LENGTH: str(len(head))}


async def test_binary_tensors_in_and_out(client):
    outputs = [
        {"name": "left_probability", "parameters": {"binary_data": True}},
        {"name": "left", "parameters": {"binary_data": True}},
    ]
    body, headers = binary_body(outputs)
    response = await client.post("/v2/models/churn/infer", content=body, headers=headers)
    assert response.headers["content-type"] == "application/octet-stream"
    length = int(response.headers[LENGTH])
    described = json.loads(response.content[:length])["outputs"]
    assert [item["name"] for item in described] == ["left_probability", "left"]
    size = described[0]["parameters"]["binary_data_size"]
    shares = np.frombuffer(response.content[length : length + size], "<f4")
    asked = [
        {"age": age, "visits": visits, "plan": plan}
        for age, visits, plan in zip(AGES, [1, None, 3], PLANS, strict=True)
    ]
    wanted = await expected(client, asked)
    np.testing.assert_allclose(shares, [row["left_probability"] for row in wanted], rtol=1e-6)
    texts = response.content[length + size :]
    assert texts == b"".join(
        struct.pack("<I", len(row["left"])) + row["left"].encode() for row in wanted
    )


async def test_confidence_is_the_probability_of_the_predicted_class(published):
    version = published(outputs=[Output(name="left", source="class"),
                                 Output(name="left_probability", source="confidence")])  # fmt: skip
    async with client_of(Predictor(version.manifest, version.model)) as client:
        wanted = await expected(client)
        answer = await client.post("/v2/models/churn/infer", json={"inputs": columns()})
        metadata = (await client.get("/v2/models/churn")).json()
    found = by_row(answer.json()["outputs"])
    same(found, wanted)
    assert all(row["left_probability"] >= 0.5 for row in found)
    assert metadata["outputs"][1]["datatype"] == "FP32"


async def test_metadata_and_health(client):
    assert (await client.get("/v2")).json()["extensions"] == ["binary_tensor_data"]
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/churn/ready"):
        assert (await client.get(path)).status_code == 200
    metadata = (await client.get("/v2/models/churn")).json()
    assert metadata["versions"] == ["2"]
    assert {"name": "age", "datatype": "FP64", "shape": [-1]} in metadata["inputs"]
    assert metadata["outputs"][1] == {
        "name": "left_probability",
        "datatype": "FP32",
        "shape": [-1],
    }


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({}, 400, "missing required field `inputs`"),
        ({"inputs": []}, 400, "one tensor a field"),
        ({"inputs": [tensor("age", "FP99", [1.0])]}, 400, "datatype 'FP99'"),
        ({"inputs": [tensor("age", "FP32", [1.0], shape=[2])]}, 400, "has 1 values"),
        ({"inputs": [tensor("age", "FP32", [1.0], shape=[1, 2])]}, 400, "expected [rows]"),
        ({"inputs": [tensor("age", "FP32", [], shape=[0])]}, 400, "at least one row"),
        ({"inputs": [tensor("age", "FP32", [1.0] * 51)]}, 413, "more than 50 rows"),
        ({"inputs": [tensor("age", "FP32", [1.0], shape=[10**12])]}, 413, "more than 50 rows"),
        ({"inputs": [tensor("age", "BYTES", ["x"])]}, 422, "field 'age': expected a number"),
        ({"inputs": [tensor("plan", "BYTES", ["x"])]}, 422, "a required field is missing"),
        (
            {"inputs": [tensor("age", "FP32", [1.0])], "outputs": [{"name": "x"}]},
            400,
            "no output 'x'",
        ),
    ],
)
async def test_wrong_requests_are_refused_as_the_protocol_says(client, request_, status, message):
    response = await client.post("/v2/models/churn/infer", json=request_)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert message in response.json()["error"]


async def test_all_that_is_wrong_is_in_the_one_text(client):
    tensors = [tensor("age", "FP32", [-1.0, 40.0]), tensor("visits", "FP32", [1.0, 1.5])]
    response = await client.post("/v2/models/churn/infer", json={"inputs": tensors})
    assert response.json()["error"] == (
        "Row 0, field 'age': expected a number of at least 0 and at most 150, got -1.0; "
        "Row 1, field 'visits': expected an integer, got 1.5."
    )


@pytest.mark.parametrize("cut", [1, 4, 12, 40])
async def test_truncated_binary_data_is_refused(client, cut):
    body, headers = binary_body()
    response = await client.post("/v2/models/churn/infer", content=body[:-cut], headers=headers)
    assert response.status_code == 400


async def test_a_header_longer_than_the_body_is_refused(client):
    response = await client.post("/v2/models/churn/infer", content=b"{}", headers={LENGTH: "99"})
    assert response.status_code == 400


async def test_another_model_is_not_found(client):
    response = await client.get("/v2/models/other")
    assert response.status_code == 404
    assert response.json() == {"error": "There is nothing at '/v2/models/other'."}
