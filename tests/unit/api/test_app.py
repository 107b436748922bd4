"""The whole application in its middlewares, with objects in its caches and no API server."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from starlette.types import Message

from modelyard_api.app import create_app
from modelyard_api.faults import allowed_methods
from modelyard_api.settings import Settings, Tier
from modelyard_crds import ModelVersion, names
from modelyard_crds.build import LogLine, manifest_key
from unit.api import samples
from unit.api.application import SETTINGS, Facade, fault, running

BUILD_LOGS = "/models/build-logs"


@pytest.fixture
async def facade() -> AsyncIterator[Facade]:
    async with running() as opened:
        yield opened


def operations() -> list[tuple[str, str]]:
    document = create_app(Settings()).openapi()
    return [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in document["paths"].items()
        for method in methods
    ]


@pytest.mark.parametrize("prefix", ["", "/v0", "/v1"])
async def test_without_a_credential_nothing_opens(facade: Facade, prefix: str) -> None:
    for method, path in operations():
        content: object = None if method in {"GET", "DELETE"} else {}
        bad = {"x-api-key": "bad"}
        answer = await facade.send(method, prefix + path, headers=bad, json=content)
        assert answer.status_code == 401, (method, path)
        assert fault(answer)["code"] == "unauthorized"


async def test_every_method_on_every_path_has_an_envelope(facade: Facade) -> None:
    document = create_app(Settings()).openapi()
    # To other methods than GET, build-logs is a model's name, and one that no model can have.
    for path in ({path for _, path in operations()} | {"/nope", "/models/"}) - {BUILD_LOGS}:
        allowed = set(allowed_methods(document, path))
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"} - allowed:
            answer = await facade.send(method, path)
            assert answer.status_code == (405 if allowed else 404), (method, path)
            if method != "HEAD":
                assert fault(answer)["code"] == ("invalid_request" if allowed else "not_found")
            if allowed:
                assert set(answer.headers["allow"].split(", ")) == allowed


async def test_the_reserved_name(facade: Facade) -> None:
    answer = await facade.send("POST", BUILD_LOGS, json={"intent": "x", "dataset_id": "d"})
    assert (answer.status_code, "reserved" in fault(answer)["message"]) == (422, True)


async def test_the_request_id_is_echoed_or_made(facade: Facade) -> None:
    given = await facade.send("GET", "/models", headers={"X-Request-Id": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    for bad in ("", "a b", "x" * 200):
        made = await facade.send("GET", "/models", headers={"X-Request-Id": bad})
        assert made.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "query.limit"),
        ("limit=-1", "query.limit"),
        ("limit=101", "query.limit"),
        ("limit=ten", "query.limit"),
        ("offset=-1", "query.offset"),
        ("status=ready", "query.status"),
        ("sort_by=size", "query.sort_by"),
        ("sort_dir=up", "query.sort_dir"),
    ],
)
async def test_a_wrong_query_names_the_parameter(facade: Facade, query: str, field: str) -> None:
    answer = await facade.send("GET", f"/models?{query}")
    assert answer.status_code == 422
    assert field in fault(answer)["details"]


async def test_lists_are_sorted_filtered_and_paged(facade: Facade) -> None:
    for index, phase in enumerate(["READY", "ERROR", "READY", None]):
        status = {"phase": phase} if phase else {}
        samples.fill(facade.services.caches, samples.model(f"m{index}", status=status))

    async def listed(query: str) -> tuple[list[str], dict[str, Any]]:
        answer = (await facade.send("GET", f"/models?{query}")).json()
        return [model["model_name"] for model in answer["models"]], answer["pagination"]

    assert (await listed("sort_by=name&sort_dir=asc"))[0] == ["m0", "m1", "m2", "m3"]
    assert (await listed("status=READY&sort_by=name"))[0] == ["m2", "m0"]
    assert (await listed("status=DRAFT"))[0] == ["m3"]
    shown, pagination = await listed("limit=2&offset=1&sort_by=name&sort_dir=asc")
    assert shown == ["m1", "m2"]
    assert pagination == {"total": 4, "limit": 2, "offset": 1, "has_more": True}
    beyond, pagination = await listed("offset=400")
    assert (beyond, pagination["has_more"]) == ([], False)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"intent": "x"}, 422, "body.dataset_id"),
        ({"intent": "", "dataset_id": "d"}, 422, "body.intent"),
        ({"intent": "x", "dataset_id": "d", "datset": 1}, 422, "body.datset"),
        ({"intent": 3, "dataset_id": "d"}, 422, "body.intent"),
        ({"intent": "x", "dataset_id": "d", "tags": "a"}, 422, "body.tags"),
        ({"intent": "x", "dataset_id": "d", "input_schema": ["a"]}, 422, "body.input_schema"),
        ([], 422, "body"),
    ],
)
async def test_a_wrong_body_names_the_field(
    facade: Facade, body: object, status: int, field: str
) -> None:
    answer = await facade.send("POST", "/models/churn", json=body)
    assert answer.status_code == status
    assert field in fault(answer)["details"]


@pytest.mark.parametrize(
    "body",
    [
        {"replicas": "2"},
        {"replicas": True},
        {"replicas": 1.5},
        {"replicas": 0},
        {"auto_scale": 0},
        {"environment": "Prod"},
    ],
)
async def test_values_are_not_coerced(facade: Facade, body: dict[str, object]) -> None:
    answer = await facade.send("POST", "/models/churn/deploy", json=body)
    assert answer.status_code == 422
    assert list(fault(answer)["details"]) == [f"body.{next(iter(body))}"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[" * 1500, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b'"' + b"x" * 3000 + b'"', "application/json", 413),
    ],
)
@pytest.mark.parametrize("path", ["/models/churn", "/api-keys", "/datasets", "/uploads"])
async def test_a_body_that_cannot_be_read(
    facade: Facade, path: str, content: bytes, kind: str, status: int
) -> None:
    answer = await facade.send("POST", path, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert fault(answer)["code"] == "invalid_request"


@pytest.mark.parametrize("path", ["/models/churn", "/models/churn/v1/infer"])
async def test_a_body_without_a_length_is_counted(facade: Facade, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x" * 100

    kind = {"Content-Type": "application/json"}
    answer = await facade.send("POST", path, content=endless(), headers=kind)
    assert answer.status_code == 413
    assert fault(answer)["code"] == "invalid_request"


async def test_compressed_bodies_are_refused(facade: Facade) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await facade.send("POST", "/models/churn", content=b"x", headers=headers)
    assert answer.status_code == 415


async def test_writes_without_an_api_server_are_503_and_reads_go_on(facade: Facade) -> None:
    samples.fill(facade.services.caches, samples.dataset(), samples.model())
    body = {"intent": "x", "dataset_id": "usage"}
    answer = await facade.send("POST", "/models/new", json=body)
    assert fault(answer)["code"] == "service_unavailable"
    assert answer.headers["retry-after"]
    assert (await facade.send("GET", "/models/churn")).status_code == 200


async def test_names_that_look_alike_are_suggested(facade: Facade) -> None:
    samples.fill(facade.services.caches, samples.model())
    answer = await facade.send("GET", "/models/chrun")
    assert "Did you mean 'churn'?" in fault(answer)["suggestions"]


async def test_another_account_sees_nothing(facade: Facade) -> None:
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(), samples.dataset())
    samples.fill(caches, samples.deployment())
    other = {"x-api-key": samples.add_key(caches, account="team-b")}
    dep = names.deployment_id("uid-churn-production")
    job, data = names.job_id("uid-churn", 1), names.dataset_id("uid-usage")
    paths = ["/models/{}", "/models/{}/versions", "/models/{}/v1.0/status"]
    for path in paths:
        there = await facade.send("GET", path.format("churn"), headers=other)
        nowhere = await facade.send("GET", path.format("x9x9x"), headers=other)
        assert there.status_code == nowhere.status_code == 404
        assert fault(there)["message"].replace("churn", "x9x9x") == fault(nowhere)["message"]
    for method, path in [
        ("POST", f"/predict/{dep}"),
        ("GET", f"/jobs/{job}"),
        ("GET", f"/datasets/{data}"),
        ("GET", f"/models/build-logs?job_id={job}"),
    ]:
        assert (await facade.send(method, path, headers=other)).status_code == 404
    assert (await facade.send("GET", "/models", headers=other)).json()["models"] == []
    assert (await facade.send("GET", "/datasets", headers=other)).json()["datasets"] == []


async def test_the_rate_limit_has_headers_and_ends() -> None:
    async with running(limited(default={"requestsPerMinute": 2})) as facade:
        first = await facade.send("GET", "/models")
        assert first.headers["ratelimit-limit"] == "2"
        assert first.headers["ratelimit-policy"] == '2;w=60;counted-by="replica"'
        await facade.send("GET", "/models")
        third = await facade.send("GET", "/models")
        assert fault(third)["code"] == "rate_limit_exceeded"
        assert fault(third)["details"] == {"limit_per_minute": 2, "counted_by": "replica"}
        assert int(third.headers["retry-after"]) > 0
        assert third.headers["ratelimit-remaining"] == "0"


def limited(**tiers: dict[str, int]) -> Settings:
    """Settings with tiers as the chart's values spell them."""
    given = {name: Tier.model_validate(tier) for name, tier in tiers.items()}
    return SETTINGS.model_copy(update={"tiers": given})


async def test_a_key_has_the_limits_of_its_tier() -> None:
    settings = limited(
        default={"requestsPerMinute": 2},
        gold={"requestsPerMinute": 5, "predictionsPerMinute": 1, "predictionsAtATime": 1},
    )
    async with running(settings) as facade:
        caches = facade.services.caches
        samples.fill(caches, samples.model(), samples.version(1), samples.deployment())

        async def of(tier: str, method: str, path: str) -> httpx.Response:
            key = {"x-api-key": samples.add_key(caches, tier=tier)}
            return await facade.send(method, path, headers=key)

        assert (await of("gold", "GET", "/models")).headers["ratelimit-limit"] == "5"
        # A tier that was taken out of the values leaves its keys with the default.
        assert (await of("gone", "GET", "/models")).headers["ratelimit-limit"] == "2"
        infer = "/models/churn/v1.0/infer"
        assert (await of("gold", "POST", infer)).headers["ratelimit-limit"] == "1"
        assert "ratelimit-limit" not in (await of("default", "POST", infer)).headers
        with facade.services.in_flight.admit(samples.ACCOUNT, 1, 9):
            full = await of("gold", "POST", infer)
            assert fault(full)["message"].startswith("Too many predictions")
            assert (await of("default", "POST", infer)).status_code != 429


@pytest.mark.parametrize(
    ("asked", "status"),
    [(None, 403), ("2023-06-16T16:00:01Z", 403), ("2023-06-16T16:00:00Z", 503)],
)
async def test_a_key_makes_no_key_that_outlives_it(
    facade: Facade, asked: str | None, status: int
) -> None:
    """Else whoever is let in for an hour stays; 503 is the API server that is away."""
    ends = samples.NOW + timedelta(hours=1)
    key = {"x-api-key": samples.add_key(facade.services.caches, expires_at=ends)}
    body = {"name": "more", "scopes": ["read"], "expires_at": asked}
    answer = await facade.send("POST", "/api-keys", headers=key, json=body)
    assert answer.status_code == status
    if status == 403:
        assert fault(answer)["details"] == {"expires_at": "2023-06-16T16:00:00Z"}


async def test_an_unexpected_fault_is_an_envelope_too(
    facade: Facade, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("modelyard_api.handlers.models.lookup.view_of", broken)
    samples.fill(facade.services.caches, samples.model())
    answer = await facade.send("GET", "/models")
    assert fault(answer)["code"] == "internal_error"
    assert "secret" not in answer.text
    assert "secret" in caplog.text


async def test_a_version_describes_its_requests_with_the_example_of_its_manifest(
    facade: Facade,
) -> None:
    caches, manifest = facade.services.caches, b'{"example": {"usage": 3.5}}'
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    artifact = {"uri": "s3://x", "digest": digest, "sizeBytes": 1}
    schema = [{"name": "usage", "type": "float"}]
    described = samples.version(artifact=artifact, inputSchema=schema)
    samples.fill(caches, samples.model(), described)

    async def example() -> object:
        document = (await facade.send("GET", "/models/churn/v1.0/openapi.json")).json()
        operation = document["paths"]["/models/churn/v1.0/infer"]["post"]
        return operation["requestBody"]["content"]["application/json"]["example"]

    assert await example() == {"usage": 1.0}
    await facade.services.store.put(manifest_key(described.metadata.uid), manifest)
    assert await example() == {"usage": 3.5}


# Predictions


@asynccontextmanager
async def pod(facade: Facade, name: str) -> AsyncIterator[None]:
    async def echo(request: web.Request) -> web.Response:
        body = await request.read()
        return web.Response(
            body=body, headers={"X-Path": request.path}, content_type="application/json"
        )

    app = web.Application()
    app.router.add_post("/{path}", echo)
    server = TestServer(app, shutdown_timeout=0.1)
    await server.start_server()
    samples.serve_at(facade.services.caches, name, f"127.0.0.1:{server.port}")
    yield
    await server.close()


async def test_a_prediction_is_passed_through(facade: Facade) -> None:
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(), samples.deployment())
    dep = names.deployment_id("uid-churn-production")
    async with pod(facade, "churn-production"):
        for path in (
            "/models/churn/v1.0/infer",
            "/v0/models/churn/latest/infer",
            f"/predict/{dep}",
        ):
            answer = await facade.send("POST", path, json={"a": 1})
            assert (answer.status_code, answer.json()) == (200, {"a": 1})
        rows = await facade.send("POST", "/models/churn/1/predictions", json=[{"a": 1}])
        assert rows.json() == [{"a": 1}]


@asynccontextmanager
async def telling_pod(facade: Facade) -> AsyncIterator[None]:
    """A pod that answers what it was asked; rows as lines come back without a length."""

    async def tell(request: web.Request) -> web.StreamResponse:
        body, media = await request.read(), request.headers["Content-Type"]
        if media != "application/x-ndjson":
            text = f"{request.path_qs} {media} {body.decode()}"
            return web.json_response(text)
        answer = web.StreamResponse(
            headers={"Content-Type": media, "X-Modelyard-Ignored-Fields": "b"}
        )
        await answer.prepare(request)
        for line in body.splitlines(keepends=True):
            await answer.write(line)
        return answer

    samples.fill(facade.services.caches, samples.model(), samples.version(), samples.deployment())
    app = web.Application()
    app.router.add_post("/{path}", tell)
    server = TestServer(app, shutdown_timeout=0.1)
    await server.start_server()
    samples.serve_at(facade.services.caches, "churn-production", f"127.0.0.1:{server.port}")
    yield
    await server.close()


DEPLOYMENT = f"/predict/{names.deployment_id('uid-churn-production')}"


@pytest.mark.parametrize(
    ("path", "reached"),
    [
        ("/models/churn/v1.0/infer", "/infer"),
        ("/models/churn/v1.0/predictions", "/predictions"),
        (DEPLOYMENT, "/infer"),
    ],
)
async def test_the_query_reaches_the_pod(facade: Facade, path: str, reached: str) -> None:
    async with telling_pod(facade):
        answer = await facade.send("POST", f"/v1{path}?explain=true", json={})
        assert answer.json() == f"{reached}?explain=true application/json {{}}"


@pytest.mark.parametrize("path", ["/models/churn/v1.0/predictions", DEPLOYMENT])
async def test_tables_and_lines_reach_the_pod_and_lines_come_back(
    facade: Facade, path: str
) -> None:
    table, lines = {"Content-Type": "Text/CSV; header=present"}, b'{"a":1}\n{"a":2}\n'
    async with telling_pod(facade):
        answer = await facade.send("POST", path, content=b"a\n[1", headers=table)
        assert answer.json() == "/predictions text/csv a\n[1"
        kind = {"Content-Type": "application/x-ndjson"}
        answer = await facade.send("POST", path, content=lines, headers=kind)
        assert (answer.content, answer.headers["content-type"]) == (lines, kind["Content-Type"])
        assert answer.headers["x-modelyard-ignored-fields"] == "b"
        assert "content-length" not in answer.headers
    assert facade.services.in_flight.total == 0


async def test_a_body_that_is_on_its_way_takes_no_place_from_other_accounts() -> None:
    """A body without a length held as much as the longest, however little of it had come."""
    async with running(SETTINGS.model_copy(update={"max_in_flight_bytes": 4000})) as facade:
        other = {"x-api-key": samples.add_key(facade.services.caches, account="team-b")}
        meanwhile: list[int] = []

        async def slow() -> AsyncIterator[bytes]:
            yield b'{"a": '
            answer = await facade.send("POST", DEPLOYMENT, headers=other, content=b"x" * 1900)
            meanwhile.append(answer.status_code)
            yield b"1}"

        async with telling_pod(facade):
            answer = await facade.send("POST", DEPLOYMENT, content=slow())
        assert (answer.status_code, meanwhile) == (200, [404])
        assert facade.services.in_flight.total == 0


async def test_a_body_that_does_not_arrive_gives_its_place_back(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelyard_api.routes.predictions.BODY_SECONDS", 0.05)

    async def stalled() -> AsyncIterator[bytes]:
        yield b'{"a": '
        await asyncio.Event().wait()

    answer = await facade.send("POST", DEPLOYMENT, content=stalled())
    assert answer.status_code == 400
    assert "did not arrive" in fault(answer)["message"]
    assert facade.services.in_flight.total == 0


async def test_other_types_of_bodies_are_not_passed_on(facade: Facade) -> None:
    kind = {"Content-Type": "application/x-parquet"}
    answer = await facade.send("POST", DEPLOYMENT, content=b"x", headers=kind)
    assert answer.status_code == 415
    assert "text/csv" in fault(answer)["message"]


async def test_an_error_of_something_else_than_our_runtime_gets_the_envelope(
    facade: Facade,
) -> None:
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(), samples.deployment())
    server = TestServer(web.Application(), shutdown_timeout=0.1)
    await server.start_server()
    samples.serve_at(caches, "churn-production", f"127.0.0.1:{server.port}")
    answer = await facade.send("POST", "/models/churn/v1.0/infer", json={})
    assert answer.status_code == 503
    assert "answered 404" in fault(answer)["message"]
    await server.close()


async def test_what_is_not_deployed_says_how_to_deploy(facade: Facade) -> None:
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(), samples.version(2, "BUILDING"))
    ready = await facade.send("POST", "/models/churn/v1.0/infer", json={})
    assert ready.status_code == 404
    assert "POST /models/churn/deploy" in fault(ready)["suggestions"][0]
    building = await facade.send("POST", "/models/churn/v2.0/infer", json={})
    assert "is BUILDING and not deployed" in fault(building)["message"]


async def test_a_starting_deployment_is_waited_for_then_503(facade: Facade) -> None:
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(), samples.deployment(serves=None))
    answer = await facade.send("POST", "/models/churn/v1.0/infer", json={})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"


async def test_a_failed_deployment_says_why_at_once() -> None:
    patient = SETTINGS.model_copy(update={"hold_seconds": 60.0})
    async with running(patient) as facade:
        caches, starting = facade.services.caches, samples.deployment(serves=None)
        condition = {
            "type": "Ready",
            "status": "False",
            "reason": "OutOfMemory",
            "message": "The pod needs more than 64Mi.",
            "lastTransitionTime": samples.CREATED,
        }
        status = type(starting.status).model_validate(
            {"phase": "FAILED", "conditions": [condition]}
        )
        failed = starting.model_copy(update={"status": status})
        samples.fill(caches, samples.model(), samples.version(), failed)
        answer = await facade.send("POST", "/models/churn/v1.0/infer", json={}, timeout=5)
        assert answer.status_code == 503
        assert fault(answer)["details"] == {"reason": "OutOfMemory"}
        assert "more than 64Mi" in fault(answer)["message"]


async def test_a_prediction_is_held_until_a_pod_is_there() -> None:
    patient = SETTINGS.model_copy(update={"hold_seconds": 5.0})
    async with running(patient) as facade:
        caches = facade.services.caches
        samples.fill(caches, samples.model(), samples.version(), samples.deployment(serves=None))
        waiting = asyncio.create_task(facade.send("POST", "/models/churn/v1.0/infer", json={}))
        async with pod(facade, "churn-production"):
            samples.fill(caches, samples.deployment())
            assert (await waiting).status_code == 200


async def test_a_prediction_needs_its_scope(facade: Facade) -> None:
    reader = {"x-api-key": samples.add_key(facade.services.caches, "read")}
    answer = await facade.send("POST", "/models/churn/v1.0/infer", json={}, headers=reader)
    assert answer.status_code == 403


# Uploads


async def test_a_form_becomes_a_complete_upload(facade: Facade) -> None:
    files = [("files", ("a.csv", b"x,y\n1,2\n")), ("files", ("b.csv", b"x,y\n3,4\n"))]
    made = await facade.send("POST", "/v0/uploads", files=files)
    assert made.status_code == 201
    upload = made.json()
    assert (upload["status"], len(upload["files"])) == ("complete", 2)
    shown = await facade.send("GET", f"/uploads/{upload['upload_id']}")
    assert shown.json() == upload
    gone = await facade.send("DELETE", f"/uploads/{upload['upload_id']}")
    assert gone.json()["status"] == "DELETED"
    assert await facade.services.store.files("") == []


async def test_an_announced_upload_is_sent_file_by_file(facade: Facade) -> None:
    body = {"name": "Usage", "files": [{"filename": "a b.csv"}, {"filename": "c.csv"}]}
    upload = (await facade.send("POST", "/uploads", json=body)).json()
    place = f"/uploads/{upload['upload_id']}"
    early = await facade.send("PATCH", place, json={"status": "complete"})
    assert fault(early)["details"]["missing"] == ["a b.csv", "c.csv"]
    for file in upload["files"]:
        path = file["upload_url"].removeprefix("http://test")
        assert (await facade.send("PUT", path, content=b"x,y\n1,2\n")).status_code == 200
    wrong = await facade.send("PUT", f"{place}/files/d.csv", content=b"x")
    assert wrong.status_code == 404
    for _ in range(2):
        done = await facade.send("PATCH", place, json={"status": "complete"})
        assert done.json()["status"] == "complete"
    listed = (await facade.send("GET", "/uploads")).json()
    assert [item["upload_id"] for item in listed["uploads"]] == [upload["upload_id"]]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"x" * 6000, 413), (b"PK\x03\x04zip", 415), (b"", 422)],
)
async def test_a_file_that_is_refused_leaves_nothing(
    facade: Facade, content: bytes, status: int
) -> None:
    good = ("files", ("good.csv", b"x,y\n1,2\n"))
    answer = await facade.send("POST", "/uploads", files=[good, ("files", ("bad.csv", content))])
    assert answer.status_code == status
    fault(answer)
    assert await facade.services.store.files("") == []


async def test_an_upload_that_is_cut_leaves_nothing_and_is_no_fault(
    facade: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    """Pitfall 6.5: a client that goes away in the middle."""
    start = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\na,b\n'
    messages: list[Message] = [
        {"type": "http.request", "body": start, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    key = facade.client.headers["x-api-key"].encode()
    headers = [(b"x-api-key", key), (b"content-type", b"multipart/form-data; boundary=x")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/uploads",
        "query_string": b"",
        "headers": headers,
        "server": ("test", 80),
        "scheme": "http",
    }
    await facade.app(scope, receive, send)
    assert sent[0]["status"] == 499
    assert await facade.services.store.files("") == []
    assert "unexpected fault" not in caplog.text


async def test_a_form_has_a_bounded_number_of_parts(facade: Facade) -> None:
    files = [("files", (f"{number}.csv", b"x")) for number in range(101)]
    answer = await facade.send("POST", "/uploads", files=files)
    assert answer.status_code in {413, 422}
    assert await facade.services.store.files("") == []


async def test_an_idempotency_key_makes_one_upload(facade: Facade) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"files": [{"filename": "a.csv"}]}
    ids = {
        (await facade.send("POST", "/uploads", json=body, headers=headers)).json()["upload_id"]
        for _ in range(3)
    }
    assert len(ids) == 1


# Logs


async def test_logs_are_newest_job_first_with_lines_in_order(facade: Facade) -> None:
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(1), samples.version(2, "BUILDING"))
    for number, lines in ((1, "abc"), (2, "de")):
        entries = [
            {"timestamp": samples.CREATED, "level": "INFO", "message": text} for text in lines
        ]
        content = "\n".join(json.dumps(entry) for entry in entries).encode() + b'\n{"half'
        await facade.services.store.put(f"builds/uid-churn-v{number}/logs.jsonl", content)

    async def read(query: str = "") -> tuple[str, dict[str, Any]]:
        answer = (await facade.send("GET", f"/models/build-logs?{query}")).json()
        return "".join(line["message"] for line in answer["logs"]), answer["pagination"]

    for _ in range(2):
        text, pagination = await read()
        assert (text, pagination["total"], pagination["has_more"]) == ("deabc", 5, False)
    text, pagination = await read("limit=2&offset=1")
    assert (text, pagination["has_more"]) == ("ea", True)
    assert (await read(f"job_id={names.job_id('uid-churn', 1)}"))[0] == "abc"
    assert (await read("offset=99"))[0] == ""


async def test_a_build_is_followed_to_its_end_from_any_line(facade: Facade) -> None:
    caches, store = facade.services.caches, facade.services.store
    samples.fill(caches, samples.model(), samples.version(1, "BUILDING", progress=10))
    lines = [{"timestamp": samples.CREATED, "level": "INFO", "message": text} for text in "abc"]
    content = [json.dumps(line) + "\n" for line in lines]
    await store.put("builds/uid-churn-v1/logs.jsonl", "".join(content[:2]).encode())
    path = f"/jobs/{names.job_id('uid-churn', 1)}/logs?follow=true"
    following = asyncio.create_task(
        facade.send("GET", path, headers={"Last-Event-ID": "1"}, timeout=10)
    )
    await asyncio.sleep(0)
    await store.put("builds/uid-churn-v1/logs.jsonl", "".join(content).encode())
    samples.fill(caches, samples.version(1))
    answer = await following
    events = [
        dict(line.split(": ", 1) for line in block.splitlines())
        for block in answer.text.strip().split("\n\n")
    ]
    logged = [event for event in events if event.get("event") == "log"]
    assert [(e["id"], json.loads(e["data"])["message"]) for e in logged] == [("2", "b"), ("3", "c")]
    assert json.loads(events[-1]["data"])["status"] == "SUCCEEDED"


@pytest.mark.parametrize("what", ["key", "model"])
async def test_a_followed_build_ends_with_the_key_and_with_the_model(
    facade: Facade, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A stream may go on for hours; a revoked key must not, and a model may be deleted."""
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(1, "BUILDING"))
    key = samples.add_key(caches)
    path = f"/jobs/{names.job_id('uid-churn', 1)}/logs?follow=true"
    following = asyncio.create_task(facade.send("GET", path, headers={"x-api-key": key}))
    lines = facade.services.logs.lines
    looked = asyncio.Event()

    async def look(version: ModelVersion) -> list[LogLine]:
        looked.set()
        return await lines(version)

    facade.services.logs.lines = look  # type: ignore[method-assign]  # tells of the first look
    await looked.wait()
    if what == "key":
        key_id = key.split("_")[1]
        caches.keys.remove(samples.OWN_NAMESPACE, key_id, f"uid-{key_id}")
    else:
        caches.versions.cache.remove(samples.ACCOUNT, "churn-v1", "uid-churn-v1")
        caches.models.cache.remove(samples.ACCOUNT, "churn", "uid-churn")
    answer = await asyncio.wait_for(following, 10)
    assert answer.text.count("event: job") == 1
    assert "unexpected fault" not in caplog.text


async def test_a_followed_build_ends_when_the_process_does(facade: Facade) -> None:
    caches = facade.services.caches
    samples.fill(caches, samples.model(), samples.version(1, "BUILDING"))
    facade.services.draining.set()
    path = f"/jobs/{names.job_id('uid-churn', 1)}/logs?follow=true"
    answer = await facade.send("GET", path)
    assert answer.text.startswith("retry: 1000")
    unknown = await facade.send("GET", "/jobs/job_000000000000/logs?follow=true")
    assert unknown.status_code == 404
