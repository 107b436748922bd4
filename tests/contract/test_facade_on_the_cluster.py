"""What of the façade only a real API server can show: tokens, revocation, one object a name."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support import rest
from support.durations import SHORT
from support.kubectl import Kubectl, poll

pytestmark = pytest.mark.cluster

BODY = {"intent": "Predict the species", "dataset_id": "flowers"}
#: Within so many seconds a revoked key must be refused.
REVOCATION = 5


@pytest.fixture
def account(client: httpx.Client) -> httpx.Client:
    """An account with a dataset."""
    made = client.post("/datasets", json={"name": "flowers", "uri": "example://iris"})
    assert made.status_code == httpx.codes.CREATED, made.text
    return client


def test_a_model_is_seen_by_its_writer_at_once(account: httpx.Client) -> None:
    for index in range(50):
        made = account.post(f"/models/m{index}", json=BODY)
        assert made.status_code == httpx.codes.ACCEPTED, made.text
        path = f"/models/m{index}"
        assert account.get(path).status_code == httpx.codes.OK
        assert account.get(f"{path}/v1.0/status").status_code == httpx.codes.OK
        assert account.get(f"/jobs/{made.json()['job_id']}").status_code == httpx.codes.OK
        assert account.delete(path).status_code == httpx.codes.ACCEPTED
        assert account.get(path).status_code == httpx.codes.NOT_FOUND


def test_of_two_creates_at_once_one_wins(account: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: account.post("/models/one", json=BODY), range(8)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [httpx.codes.ACCEPTED] + [httpx.codes.CONFLICT] * 7


def test_deleting_twice_is_not_found(account: httpx.Client) -> None:
    account.post("/models/one", json=BODY).raise_for_status()
    for path in ("/models/one", "/datasets/flowers"):
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(account.delete, [path] * 4))
        codes = {answer.status_code for answer in answers}
        assert codes <= {httpx.codes.OK, httpx.codes.ACCEPTED, httpx.codes.NOT_FOUND}
        assert account.delete(path).status_code == httpx.codes.NOT_FOUND


def test_an_idempotency_key_makes_one_object(account: httpx.Client) -> None:
    """Pitfall 6.7."""
    headers = {"Idempotency-Key": "try-1"}
    with ThreadPoolExecutor(10) as pool:
        made = list(
            pool.map(lambda _: account.post("/models/one", json=BODY, headers=headers), range(50))
        )
    assert {answer.status_code for answer in made} == {httpx.codes.ACCEPTED}
    assert len({answer.text for answer in made}) == 1
    again = [account.post("/models/one/retrain", headers=headers).json() for _ in range(5)]
    assert len({answer["job_id"] for answer in again}) == 1


def test_what_the_api_server_refuses_names_the_field(account: httpx.Client) -> None:
    schema = {"x" * 300: "string"}
    answer = account.post("/models/long", json=BODY | {"input_schema": schema})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY, answer.text


def test_a_revoked_key_is_refused_within_seconds(kubectl: Kubectl, api_url: str) -> None:
    key = rest.make_key(kubectl.namespace)
    with rest.open_client(api_url, key) as client:
        mine = client.get("/api-keys").json()["api_keys"][-1]["key_id"]
        second = client.post("/api-keys", json={"name": "second", "scopes": ["read"]}).json()
        other = {"x-api-key": second["api_key"]}
        assert client.get("/models", headers=other).status_code == httpx.codes.OK
        assert client.post("/api-keys", json={"name": "n"}, headers=other).status_code == 403
        client.delete(f"/api-keys/{second['key_id']}").raise_for_status()
        assert client.get("/models", headers=other).status_code == httpx.codes.UNAUTHORIZED
        client.delete(f"/api-keys/{mine}").raise_for_status()

        def refused() -> bool | None:
            return client.get("/models").status_code == httpx.codes.UNAUTHORIZED or None

        started = time.monotonic()
        assert poll(refused, SHORT)
        assert time.monotonic() - started < REVOCATION


def test_a_token_may_what_its_role_says(
    kubectl: Kubectl, account: httpx.Client, api_url: str
) -> None:
    account.post("/models/seen", json=BODY).raise_for_status()
    kubectl.run("create", "serviceaccount", "reader")
    kubectl.run("create", "role", "reader", "--verb=get,list", "--resource=models.modelyard.dev")
    binding = ["--role=reader", f"--serviceaccount={kubectl.namespace}:reader"]
    kubectl.run("create", "rolebinding", "reader", *binding)
    token = kubectl.run("create", "token", "reader").strip()
    with httpx.Client(base_url=api_url, headers={"Authorization": f"Bearer {token}"}) as client:

        def allowed() -> httpx.Response | None:
            answer = client.get("/models/seen")
            return answer if answer.status_code == httpx.codes.OK else None

        assert poll(allowed, SHORT)
        refused = client.delete("/models/seen")
        assert refused.status_code == httpx.codes.FORBIDDEN
        assert "may not delete models" in refused.json()["error"]["message"]
        elsewhere = client.get("/models", headers={"X-Modelyard-Account": "kube-system"})
        assert elsewhere.status_code == httpx.codes.FORBIDDEN


def test_a_dataset_is_where_the_upload_was(kubectl: Kubectl, account: httpx.Client) -> None:
    form = {"files": ("a.csv", b"x,y\n1,2\n")}
    upload = account.post("/v0/uploads", files=form).json()["upload_id"]
    made = account.post(
        "/v0/models/older/create", json={"upload_id": upload, "goal": "Predict y", "eval": None}
    )
    assert made.json()["model_version"] == "v1.0"
    dataset = account.get(f"/datasets/{upload}").json()
    stored = kubectl.get("dataset", dataset["dataset_name"])
    assert stored is not None
    assert stored["spec"]["source"] == {"upload": upload}
    assert json.loads(account.get("/models/older").text)["dataset_id"] == dataset["dataset_id"]
