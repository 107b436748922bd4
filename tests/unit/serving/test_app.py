"""What the pod answers over HTTP: endpoints 5 and 16 of the contract, decisions 3, 10, 19, 20."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import jsonschema
import pytest

from modelyard_runtime.serving.assembly import assemble
from modelyard_runtime.serving.routes import IN_LOOP_BYTES
from modelyard_runtime.serving.settings import read_settings
from unit.serving.conftest import EXAMPLE

MAX_BYTES = 100_000


class Pod:
    """The app of one version and what a test may turn."""

    def __init__(self, predictor, executor):
        settings = read_settings([f"--max-body-bytes={MAX_BYTES}", "--max-rows=50"])
        made = assemble(predictor, settings, executor)
        self.health = made.health
        self.health.state = "ready"
        transport = httpx.ASGITransport(made.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://pod")


@pytest.fixture
async def pod(predictor):
    with ThreadPoolExecutor(1) as executor:
        made = Pod(predictor, executor)
        async with made.client:
            yield made


def error(response, status, code):
    """The one envelope, complete."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    found = response.json()["error"]
    assert set(found) == {"code", "message", "status", "details", "suggestions", "request_id"}
    assert (found["code"], found["status"]) == (code, status)
    assert found["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return found


async def test_infer_answers_one_row(pod):
    response = await pod.client.post("/infer", json=EXAMPLE)
    assert response.status_code == 200
    answer = response.json()
    assert set(answer) == {"request_id", "result", "model_name", "model_version", "created_at"}
    assert (answer["model_name"], answer["model_version"]) == ("churn", "v2.0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer["created_at"])
    assert set(answer["result"]) == {"left", "left_probability"}
    assert answer["result"]["left"] in {"no", "yes"}
    assert (answer["result"]["left"] == "yes") == (answer["result"]["left_probability"] > 0.5)


async def test_predictions_are_in_order_and_equal_to_infer(pod):
    rows = [EXAMPLE | {"age": age} for age in (10, 80, 30, 60)]
    batch = (await pod.client.post("/predictions", json=rows)).json()
    single = [(await pod.client.post("/infer", json=row)).json()["result"] for row in rows]
    assert [item["prediction"] for item in batch] == single
    assert len({item["left_probability"] for item in single}) == len(rows)


async def test_a_batch_that_goes_to_a_thread_gives_the_same(pod):
    padded = [EXAMPLE | {"plan": "basic" + " " * 1000} for _ in range(50)]
    assert len(json.dumps(padded)) > IN_LOOP_BYTES
    batch = (await pod.client.post("/predictions", json=padded)).json()
    single = (await pod.client.post("/infer", json=EXAMPLE)).json()["result"]
    assert batch == [{"prediction": single}] * 50


async def test_missing_null_and_unseen_are_missing_values(pod):
    bare = (await pod.client.post("/infer", json={"age": 41})).json()["result"]
    null = dict.fromkeys(EXAMPLE) | {"age": 41}
    unseen = {"age": 41, "plan": "never seen"}
    for row in (null, unseen):
        assert (await pod.client.post("/infer", json=row)).json()["result"] == bare


async def test_ignored_fields_are_named_in_a_header(pod):
    response = await pod.client.post("/infer", json=EXAMPLE | {"zeta": 1, "ä\r\n": 2})
    assert response.headers["x-modelyard-ignored-fields"] == "zeta, %C3%A4%0D%0A"
    assert (
        "x-modelyard-ignored-fields" not in (await pod.client.post("/infer", json=EXAMPLE)).headers
    )


async def test_every_wrong_field_is_named(pod):
    rows = [EXAMPLE, EXAMPLE | {"age": "3", "member": 1}, {"visits": 1}]
    found = error(await pod.client.post("/predictions", json=rows), 422, "validation_error")
    assert [(item["row"], item["field"]) for item in found["details"]["errors"]] == [
        (1, "age"),
        (1, "member"),
        (2, "age"),
    ]
    assert found["message"].startswith("Row 1, field 'age': expected a number, got the text '3'")


async def test_the_request_id_is_echoed_or_made(pod):
    for status_path in ("/infer", "/nowhere"):
        given = await pod.client.post(status_path, json=EXAMPLE, headers={"X-Request-Id": "mine"})
        assert given.headers["x-request-id"] == "mine"
    answer = await pod.client.post("/infer", json=EXAMPLE)
    assert re.fullmatch(r"req_[a-z0-9]{12}", answer.json()["request_id"])
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    forged = await pod.client.post("/infer", json=EXAMPLE, headers={"X-Request-Id": 'a"b'})
    assert forged.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("POST", "/nowhere", {}, 404, "not_found"),
        ("GET", "/infer", {}, 405, "invalid_request"),
        ("POST", "/schema", {}, 405, "invalid_request"),
        ("POST", "/infer", {"content": b"{"}, 400, "invalid_request"),
        ("POST", "/infer", {"content": b""}, 400, "invalid_request"),
        ("POST", "/infer", {"json": [EXAMPLE]}, 400, "invalid_request"),
        ("POST", "/predictions", {"json": EXAMPLE}, 400, "invalid_request"),
        ("POST", "/infer", {"data": {"age": "1"}}, 415, "invalid_request"),
        ("POST", "/predictions", {"data": {"age": "1"}}, 415, "invalid_request"),
        (
            "POST",
            "/infer",
            {"json": EXAMPLE, "headers": {"content-encoding": "gzip"}},
            415,
            "invalid_request",
        ),
        ("POST", "/infer", {"content": b" " * (MAX_BYTES + 1)}, 413, "invalid_request"),
        ("POST", "/predictions", {"json": [EXAMPLE] * 51}, 413, "invalid_request"),
    ],
)
async def test_every_refusal_has_the_one_envelope(pod, method, path, options, status, code):
    error(await pod.client.request(method, path, **options), status, code)


async def test_a_near_miss_gets_a_suggestion(pod):
    found = error(await pod.client.post("/predicitons"), 404, "not_found")
    assert found["suggestions"] == ["Did you mean /predictions?"]


async def test_a_405_says_what_is_allowed(pod):
    assert (await pod.client.get("/infer")).headers["allow"] == "POST"


async def test_a_fault_of_ours_is_a_500_without_its_text(pod, predictor, monkeypatch, caplog):
    def fail(*_, **__):
        raise RuntimeError("a secret of the graph")

    monkeypatch.setattr(predictor, "infer", fail)
    response = await pod.client.post("/infer", json=EXAMPLE)
    error(response, 500, "internal_error")
    assert "secret" not in response.text
    assert caplog.records[-1].fields == {"request_id": response.headers["x-request-id"]}


async def test_readiness_follows_the_state_and_liveness_does_not(pod):
    assert (await pod.client.get("/readyz")).status_code == 200
    assert (await pod.client.head("/readyz")).status_code == 200
    pod.health.state = "failing"
    error(await pod.client.get("/readyz"), 503, "service_unavailable")
    assert (await pod.client.get("/healthz")).status_code == 200


async def test_a_draining_pod_still_predicts_and_closes_connections(pod):
    pod.health.drain()
    error(await pod.client.get("/readyz"), 503, "service_unavailable")
    response = await pod.client.post("/infer", json=EXAMPLE)
    assert response.status_code == 200
    assert response.headers["connection"] == "close"


async def test_metrics_count_by_route_and_class_of_code(pod):
    await pod.client.post("/predictions", json=[EXAMPLE] * 3)
    await pod.client.post("/infer", json={})
    for index in range(100):
        await pod.client.get(f"/unknown/{index}")
    text = (await pod.client.get("/metrics")).text
    assert 'modelyard_rows_total{route="/predictions"} 3.0' in text
    assert 'modelyard_request_duration_seconds_count{code="4xx",route="/infer"} 1.0' in text
    assert 'modelyard_request_duration_seconds_count{code="4xx",route="other"} 100.0' in text
    assert 'modelyard_model_info{model="churn",namespace="team-a",version="v2.0"} 1.0' in text
    assert "modelyard_ready 1.0" in text
    assert "process_resident_memory_bytes" in text
    assert "/unknown" not in text


async def test_the_openapi_document_describes_rows_and_answers(pod):
    document = (await pod.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    registry = {"components": document["components"]}
    jsonschema.validate(EXAMPLE, schemas["Row"])
    answer = (await pod.client.post("/infer", json=EXAMPLE)).json()
    operation = document["paths"]["/infer"]["post"]
    described = operation["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(answer, described | registry)
    explained = (await pod.client.post("/infer?explain=true", json=EXAMPLE)).json()
    jsonschema.validate(explained, described | registry)
    refused = (await pod.client.post("/infer", json={})).json()
    jsonschema.validate(refused, schemas["Error"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(EXAMPLE | {"age": "3"}, schemas["Row"])
    assert schemas["Row"]["required"] == ["age"]
    assert schemas["Row"]["properties"]["visits"] == {"type": ["integer", "null"]}
    assert schemas["Result"]["properties"]["left"] == {"type": "string", "enum": ["no", "yes"]}


async def test_the_schema_is_in_the_form_of_rest(pod):
    schema = (await pod.client.get("/schema")).json()
    assert schema["input_schema"]["visits"] == "integer"
    assert schema["input_schema"]["age"]["required"] is True
    assert schema["example"] == EXAMPLE


async def test_many_requests_at_once_do_not_mix(pod):
    ages = [20, 40, 60, 80] * 10
    responses = await asyncio.gather(
        *(pod.client.post("/infer", json={"age": age}) for age in ages)
    )
    results = [response.json()["result"]["left_probability"] for response in responses]
    assert results == results[:4] * 10
    assert len(set(results)) == 4
