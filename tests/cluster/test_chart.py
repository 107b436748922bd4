"""The chart on the real cluster: what it renders, and that it goes without taking models along."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from support import load
from support.collector import NAME, PORT, collected, collector
from support.durations import MEDIUM, SHORT
from support.kubectl import Kubectl, Object, poll
from support.objects import DEPLOYMENT
from support.operator_process import store_from_outside
from support.rest import make_key, open_client

pytestmark = pytest.mark.cluster

CHART = str(Path(__file__).parents[2] / "charts/modelyard")
RELEASE = "modelyard"
ROW = json.loads((Path(__file__).parents[2] / "examples/tumour.json").read_text())
PATH = "/models/tumours/latest/infer"
SERVING = "app.kubernetes.io/component=serving"
HELM_RECORD = "helm.sh/release.v1"


def helm(*arguments: str, stdin: str | None = None) -> str:
    system = os.environ["MODELYARD_SYSTEM_NAMESPACE"]
    done = subprocess.run(
        ["helm", "--namespace", system, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def values() -> str:
    """The values that the release was installed with."""
    return helm("get", "values", RELEASE, "--output", "json")


def test_helm_test_passes() -> None:
    assert "Succeeded" in helm("test", RELEASE, "--timeout", "2m")


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart as a later release may be: another version, and one more field with a default."""
    chart = tmp_path_factory.mktemp("next") / "modelyard"
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    about.write_text(re.sub(r"(?m)^version: .*$", "version: 99.0.0", about.read_text()))
    crd = chart / "files/crds/modelyard.dev_models.yaml"
    content = yaml.safe_load(crd.read_text())
    schema = content["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    training = schema["properties"]["spec"]["properties"]["training"]["properties"]
    training["later"] = {"type": "string", "default": "set"}
    crd.write_text(yaml.safe_dump(content))
    return chart


def test_an_upgrade_restarts_no_model_fails_no_request_and_changes_no_secret(
    shared: Kubectl, system: Kubectl, api_url: str, values: str, next_release: Path
) -> None:
    """Pitfalls 1.21, 7.13 and 8.4: with a model that is served and asked all the time."""

    def secrets() -> dict[str, Any]:
        return {
            s["metadata"]["name"]: s["data"]
            for s in system.list("secrets")
            if s["type"] != HELM_RECORD
        }

    shared.serve()
    served, before = pod_names(shared), secrets()
    key = make_key(shared.namespace)
    with open_client(api_url, key) as client:
        assert client.get("/models").is_success
    with load.requests(api_url, key, PATH, ROW, threads=1, pause=0.05) as asked:
        upgrade = ("upgrade", RELEASE, str(next_release), "--values", "-", "--wait")
        helm(*upgrade, "--timeout", "5m", stdin=values)
        shared.patch("model", "tumours", {"spec": {"description": "The next release sees it."}})
        shared.wait_condition("model", "tumours", "Ready", within=MEDIUM)
    model = shared.get("model", "tumours")
    assert model is not None
    assert model["spec"]["training"]["later"] == "set"
    assert model["status"]["latestVersion"] == 1, "a new default is no reason to train"
    assert pod_names(shared) == served
    assert {name: data for name, data in secrets().items() if name in before} == before
    assert asked.failures == []
    assert asked.answered


def test_what_a_release_may_have_besides_works(
    shared: Kubectl, system: Kubectl, api_url: str, values: str, tmp_path: Path
) -> None:
    """Traces to a collector, tiers of keys, uploads straight into the bucket."""
    shared.serve()
    served = shared.list("pods", SERVING)[0]["spec"]["containers"][0]["image"]
    shared.apply(*collector(served))
    shared.wait(
        "pod", NAME, lambda pod: pod["status"]["phase"] == "Running", within=MEDIUM, what="up"
    )
    with store_from_outside(system, tmp_path / "store") as store:
        options = {
            "operator": {"otlpEndpoint": f"http://{NAME}.{shared.namespace}:{PORT}"},
            "api": {
                "tiers": {"small": {"requestsPerMinute": 3}},
                "presignedUploads": {"enabled": True, "endpoint": (store / "endpoint").read_text()},
            },
        }
        file = tmp_path / "options.yaml"
        file.write_text(yaml.safe_dump(options))
        upgrade = ("upgrade", RELEASE, CHART, "--values", "-", "--values", str(file), "--wait")
        helm(*upgrade, "--timeout", "5m", stdin=values)
        try:
            with open_client(api_url, make_key(shared.namespace)) as client:
                put_into_the_bucket(client)
                shared.wait("deployment", DEPLOYMENT, is_traced, within=MEDIUM, what="traced")
                shared.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=MEDIUM)
                assert client.post(PATH, json=ROW).is_success
            with open_client(api_url, make_key(shared.namespace, tier="small")) as client:
                codes = [client.get("/models").status_code for _ in range(4)]
            assert codes[-1] == httpx.codes.TOO_MANY_REQUESTS
            assert poll(lambda: "/v1/traces tumours" in collected(shared) or None, MEDIUM)
        finally:
            helm("upgrade", RELEASE, CHART, "--values", "-", "--wait", stdin=values)
    assert poll(lambda: one_pod_without_traces(shared) or None, MEDIUM)


def put_into_the_bucket(client: httpx.Client) -> None:
    upload = client.post("/uploads", json={"files": [{"filename": "rows.csv"}]}).json()
    (file,) = upload["files"]
    # A port-forward may drop a connection; what is signed holds for the next try.
    assert poll(lambda: put(file["upload_url"], b"a,b\n1,2\n"), SHORT) == httpx.codes.OK
    path = f"/uploads/{upload['upload_id']}"
    done = client.patch(path, json={"status": "complete"})
    assert done.is_success, done.text
    assert client.get(path).json()["files"][0]["size_bytes"] == len(b"a,b\n1,2\n")


def put(url: str, content: bytes) -> int | None:
    try:
        return httpx.put(url, content=content).status_code
    except httpx.TransportError:
        return None


def is_traced(deployment: Object) -> bool:
    return has_traces(deployment["spec"]["template"])


def has_traces(pod: Object) -> bool:
    environment = pod["spec"]["containers"][0]["env"]
    return "OTEL_EXPORTER_OTLP_ENDPOINT" in {item["name"] for item in environment}


def one_pod_without_traces(kubectl: Kubectl) -> bool:
    """Whether nothing of the release with options is left, not even a pod that is ending."""
    pods = kubectl.list("pods", SERVING)
    return len(pods) == 1 and not has_traces(pods[0])


def test_no_webhook_stands_between_people_and_their_objects() -> None:
    """Pitfall 1.22: an admission webhook that is down lets nobody apply or delete."""
    kinds = {item["kind"] for item in rendered()}
    assert not {kind for kind in kinds if "Webhook" in kind}


def test_the_guard_of_served_versions_can_be_left_out() -> None:
    """What the guard does is in test_deletion.py."""
    off = ("--set", "admission.protectServedVersions=false", "--kube-version", "1.35")
    assert "ValidatingAdmissionPolicy" not in helm("template", RELEASE, CHART, *off)
    assert "ValidatingAdmissionPolicy" in {item["kind"] for item in rendered()}


def test_a_planner_is_off_unless_it_is_named_and_its_key_is_a_mounted_file() -> None:
    template = ("template", RELEASE, CHART, "--kube-version", "1.35")
    assert "PLANNER" not in helm(*template)
    named = ("--set", "operator.planner.url=https://llm.example.com/v1")
    model = ("--set", "operator.planner.model=small")
    secret = ("--set", "operator.planner.secretName=llm", "--set", "operator.planner.secretKey=k")
    items = yaml.safe_load_all(helm(*template, *named, *model, *secret))
    (operator,) = [
        item["spec"]["template"]["spec"]
        for item in items
        if item and item["kind"] == "Deployment" and item["metadata"]["name"].endswith("-operator")
    ]
    (container,) = operator["containers"]
    variables = {item["name"]: item.get("value") for item in container["env"]}
    assert variables["MODELYARD_PLANNER_URL"] == "https://llm.example.com/v1"
    assert variables["MODELYARD_PLANNER_MODEL"] == "small"
    assert variables["MODELYARD_PLANNER_KEY_PATH"] == "/var/run/modelyard/planner/key"
    mounts = {item["name"]: item["mountPath"] for item in container["volumeMounts"]}
    assert mounts["planner"] == "/var/run/modelyard/planner"
    (volume,) = [item["secret"] for item in operator["volumes"] if item["name"] == "planner"]
    assert volume == {
        "secretName": "llm",
        "optional": True,
        "items": [{"key": "k", "path": "key"}],
    }
    keyless = helm(*template, *named, *model)
    assert "MODELYARD_PLANNER_KEY_PATH" not in keyless
    for wrong in (named, ("--set", "operator.planner.url=ftp://x", *model)):
        with pytest.raises(AssertionError, match="planner"):
            helm(*template, *wrong)


def test_rights_are_by_verb_and_name_without_wildcards() -> None:
    for item in rendered():
        for rule in item.get("rules", []):
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            if "secrets" in rule["resources"] and item["kind"] == "ClusterRole":
                known = ["modelyard-store", "modelyard-planner"]
                assert rule["verbs"] == ["create"] or rule["resourceNames"] == known


def rendered() -> Iterator[dict[str, Any]]:
    yield from (item for item in yaml.safe_load_all(helm("get", "manifest", RELEASE)) if item)


def test_uninstall_ends_and_leaves_models_serving_and_a_namespace_ends_without_an_operator(
    shared: Kubectl, values: str
) -> None:
    shared.serve()
    served = pod_names(shared)

    helm("uninstall", RELEASE, "--wait", "--timeout", "2m")
    try:
        assert shared.get("model", "tumours") is not None
        assert pod_names(shared) == served
        shared.run("delete", "namespace", shared.namespace, "--wait=false")
        shared.wait_gone("namespace", shared.namespace, within=MEDIUM)
    finally:
        arguments = ("install", RELEASE, CHART, "--values", "-", "--wait", "--timeout", "4m")
        helm(*arguments, stdin=values)


def pod_names(kubectl: Kubectl) -> list[str]:
    pods = kubectl.list("pods", SERVING)
    return sorted(pod["metadata"]["name"] for pod in pods)
