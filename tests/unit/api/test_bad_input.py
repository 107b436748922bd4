"""What callers get wrong, over the whole application: the field that is meant, and a way out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from unit.api import samples
from unit.api.application import Facade, fault, running

BODY = {"intent": "Predict churn", "dataset_id": "usage"}
NAMES = {
    "slash": ("a/b", 404),
    "dots": ("a.b", 422),
    "capitals": ("Churn", 422),
    "underscore": ("a_b", 422),
    "space": ("a b", 422),
    "unicode": ("größe", 422),
    "emoji": ("😀", 422),
    "nul": ("a\0b", 422),
    "line": ("a\nb", 422),
    "leading dash": ("-a", 422),
    "64": ("a" * 64, 422),
    "300": ("a" * 300, 422),
    "reserved": ("build-logs", 422),
}
#: Lists by their path, with the most that each gives at a time.
LISTS = {
    "/models": 100,
    "/datasets": 100,
    "/uploads": 100,
    "/jobs": 100,
    "/models/build-logs": 1000,
}


@pytest.fixture
async def facade() -> AsyncIterator[Facade]:
    async with running() as opened:
        yield opened


@pytest.mark.parametrize(("name", "status"), NAMES.values(), ids=NAMES)
async def test_a_name_that_no_model_can_have(facade: Facade, name: str, status: int) -> None:
    made = await facade.send("POST", f"/models/{quote(name, safe='')}", json=BODY)
    assert made.status_code == status
    assert fault(made)["suggestions"]
    if name != "build-logs":
        for method, path in [
            ("GET", ""),
            ("DELETE", ""),
            ("GET", "/latest/status"),
            ("POST", "/latest/infer"),
        ]:
            asked = await facade.send(method, f"/models/{quote(name, safe='')}{path}")
            assert asked.status_code == 404, (method, path)
            assert fault(asked)["code"] == "not_found"


@pytest.mark.parametrize("version", ["v0", "v-1", "1.5", "v1.1", "newest", "v" * 300, "ü", "v1e3"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "status"), ("GET", "describe"), ("POST", "infer")]
)
async def test_a_version_that_no_model_has(
    facade: Facade, version: str, method: str, path: str
) -> None:
    samples.fill(facade.services.caches, samples.model(), samples.version(1), samples.deployment())
    answer = await facade.send(method, f"/models/churn/{quote(version)}/{path}")
    assert answer.status_code == 404
    assert fault(answer)["suggestions"]


@pytest.mark.parametrize(("path", "most"), LISTS.items())
async def test_pages_that_there_are_not(facade: Facade, path: str, most: int) -> None:
    for value in ("0", "-1", str(most + 1), "ten", "1.5", "", "9" * 400):
        answer = await facade.send("GET", path, params={"limit": value})
        assert (answer.status_code, list(fault(answer)["details"])) == (422, ["query.limit"]), value


@pytest.mark.parametrize("path", LISTS)
async def test_a_parameter_given_twice_is_not_decided_by_its_last_value(
    facade: Facade, path: str
) -> None:
    answer = await facade.send("GET", f"{path}?offset=nonsense&offset=0")
    assert (answer.status_code, list(fault(answer)["details"])) == (422, ["query.offset"])
    for value in ("-1", "ten", "", "9" * 5000):
        answer = await facade.send("GET", path, params={"offset": value})
        assert (answer.status_code, list(fault(answer)["details"])) == (422, ["query.offset"]), (
            value
        )
    beyond = (await facade.send("GET", path, params={"offset": 10**12})).json()["pagination"]
    assert (beyond["offset"], beyond["has_more"]) == (10**12, False)


WRITES = [
    ("POST", "/models/new"),
    ("PATCH", "/models/churn"),
    ("POST", "/models/churn/retrain"),
    ("POST", "/models/churn/versions"),
    ("POST", "/models/churn/deploy"),
    ("POST", "/datasets"),
    ("POST", "/uploads"),
    ("PATCH", "/uploads/upload_000000000000"),
    ("POST", "/api-keys"),
]


@pytest.mark.parametrize(
    "body", [[], [BODY], "text", 3, 1.5, True, {"intent": {}, "name": []}], ids=str
)
@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_a_body_of_the_wrong_type(
    facade: Facade, method: str, path: str, body: object
) -> None:
    samples.fill(facade.services.caches, samples.model(), samples.version(1))
    answer = await facade.send(method, path, json=body)
    assert answer.status_code == 422, answer.text
    assert all(field.startswith("body") for field in fault(answer)["details"])


@pytest.mark.parametrize(
    ("phase", "said", "hint"),
    [
        ("PENDING", "BUILDING", "Wait for READY"),
        ("BUILDING", "BUILDING", "Wait for READY"),
        ("ERROR", "ERROR", "Read why it failed"),
        ("CANCELLED", "ERROR", "Read why it failed"),
    ],
)
async def test_a_version_that_is_not_ready(
    facade: Facade, phase: str, said: str, hint: str
) -> None:
    samples.fill(facade.services.caches, samples.model(), samples.version(1, phase))
    for path in ("infer", "predictions"):
        answer = await facade.send("POST", f"/models/churn/v1.0/{path}", json={})
        assert answer.status_code == 404
        assert f"is {said} and not deployed" in fault(answer)["message"]
        assert fault(answer)["suggestions"][0].startswith(hint)
    for body in ({}, {"version": 1}):
        answer = await facade.send("POST", "/models/churn/deploy", json=body)
        assert answer.status_code == 409, answer.text
        assert fault(answer)["suggestions"]


@pytest.mark.parametrize(
    "path",
    [
        "/models/gone",
        "/models/churn/deployments/deploy_000000000000",
        "/datasets/gone",
        "/uploads/upload_000000000000",
        "/api-keys/abcdefghijkl",
    ],
)
async def test_deleting_what_is_gone(facade: Facade, path: str) -> None:
    samples.fill(facade.services.caches, samples.model())
    answer = await facade.send("DELETE", path)
    assert (answer.status_code, fault(answer)["code"]) == (404, "not_found")
