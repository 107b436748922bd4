"""What one account has, another can neither use nor find out about: every operation, on a cluster.

The operations are those of the OpenAPI document, so that a new one is tried by itself.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import httpx
import pytest

from support import fuzz, rest
from support.durations import SHORT
from support.kubectl import Kubectl
from support.operations import Request, requests

pytestmark = pytest.mark.cluster

#: Answered from what the caller's own account has, whatever the other one has.
OF_ONES_OWN = {
    *("listModels", "listJobs", "listDatasets", "listUploads", "listApiKeys"),
    *("createUpload", "createApiKey", "createDataset"),
}
HIDDEN = {httpx.codes.NOT_FOUND, httpx.codes.FORBIDDEN}


@pytest.fixture
def stranger(kubectl: Kubectl, api_url: str) -> Iterator[httpx.Client]:
    """Another account, with a key of its own."""
    other = Kubectl(f"{kubectl.namespace}-b")
    meta = {"name": other.namespace}
    kubectl.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
    with rest.open_client(api_url, rest.make_key(other.namespace)) as client:
        yield client
    kubectl.run("delete", "namespace", other.namespace, "--wait=false")


def values_of(owner: httpx.Client, kubectl: Kubectl) -> dict[str, str]:
    """Names and ids of one of each thing that the owner has."""
    upload = owner.post("/uploads", json={"files": [{"filename": "usage.csv"}]}).json()
    made = owner.post("/datasets", json={"name": "flowers", "uri": "example://iris"}).json()
    body = {"intent": "Predict the species", "dataset_id": made["dataset_id"]}
    started = owner.post("/models/secret-model", json=body).json()
    kubectl.create(
        {
            "apiVersion": "modelyard.dev/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {"name": "secret-model-production"},
            "spec": {"modelRef": {"name": "secret-model"}, "environment": "production"},
        }
    )
    deployments = rest.wait_for(
        owner, "/models/secret-model/deployments", lambda d: bool(d["deployments"]), within=SHORT
    )
    return {
        "model_name": "secret-model",
        "model_version": "v1.0",
        "dataset_id": made["dataset_id"],
        "upload_id": upload["upload_id"],
        "filename": "usage.csv",
        "job_id": started["job_id"],
        "deployment_id": deployments["deployments"][0]["deployment_id"],
        "key_id": owner.get("/api-keys").json()["api_keys"][0]["key_id"],
    }


def made_up(values: dict[str, str]) -> dict[str, str]:
    """Values of the same form that nobody has."""
    other = uuid.uuid4().hex
    ids = {
        name: f"{value[: value.index('_') + 1]}{other[:12]}"
        for name, value in values.items()
        if "_" in value
    }
    return values | ids | {"model_name": f"no-{other[:9]}", "key_id": other[:12]}


def shown(answer: httpx.Response, values: dict[str, str]) -> tuple[int, str, set[str]]:
    """An answer without what differs between any two requests, and without what was asked for."""
    text = answer.text
    for name, value in values.items():
        text = text.replace(value, f"<{name}>")
    text = re.sub(r"req_[a-z0-9]{12}", "<request>", text)
    return answer.status_code, text, set(answer.headers) - {"content-length"}


def send(client: httpx.Client, request: Request) -> httpx.Response:
    return client.request(request.method, request.path, json=request.body, content=request.content)


def test_nothing_of_another_account_is_answered_changed_or_told_of(
    kubectl: Kubectl, client: httpx.Client, stranger: httpx.Client
) -> None:
    kubectl.create(fuzz.NO_PODS)
    theirs = values_of(client, kubectl)
    nobodys = made_up(theirs)
    document = client.get("/openapi.json").json()
    before = [client.get(path).text for path in ("/models", "/datasets", "/uploads", "/api-keys")]
    tried = set()
    pairs = zip(requests(document, theirs), requests(document, nobodys), strict=True)
    for real, imagined in pairs:
        tried.add(real.operation)
        answer, other = send(stranger, real), send(stranger, imagined)
        if real.operation in OF_ONES_OWN:
            assert answer.is_success, (real, answer.text)
            assert not any(value in answer.text for value in theirs.values() if "_" in value), real
            continue
        assert answer.status_code in HIDDEN, (real, answer.text)
        assert shown(answer, theirs) == shown(other, nobodys), real
    assert len(tried) > 30
    after = [client.get(path).text for path in ("/models", "/datasets", "/uploads", "/api-keys")]
    assert _lasting(before) == _lasting(after)


def _lasting(texts: list[str]) -> list[str]:
    """Without what changes by itself: when a key was last used, how far a dataset is."""
    return [
        re.sub(r'"(last_used_at|status|error|updated_at)":(null|"[^"]*"|\{[^}]*\})', "", text)
        for text in texts
    ]
