"""The demo's path, three ways: kubectl, a Helm release, REST. One truth: the same objects."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from pathlib import Path

import pytest
from sklearn.datasets import load_wine

from support import objects, rest
from support.durations import LONG, MEDIUM, SHORT
from support.kubectl import Kubectl
from support.objects import DEPLOYMENT

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]


def predict_in_cluster(kubectl: Kubectl, deployment: str, path: str, body: object) -> object:
    """A request from a pod of the cluster to the deployment's Service."""
    address = f"http://{deployment}.{kubectl.namespace}.svc.cluster.local{path}"
    script = (
        "import sys,urllib.request as u;"
        f"r=u.Request('{address}',sys.stdin.buffer.read(),{{'Content-Type':'application/json'}});"
        "print(u.urlopen(r,timeout=20).read().decode())"
    )
    where = f"deployment/{deployment}"
    text = kubectl.run("exec", "-i", where, "--", "python", "-c", script, stdin=json.dumps(body))
    return json.loads(text)


def example_row(kubectl: Kubectl, deployment: str) -> object:
    """The example that the pod's own OpenAPI gives."""
    script = (
        "import urllib.request as u;"
        "print(u.urlopen('http://127.0.0.1:8080/openapi.json',timeout=20).read().decode())"
    )
    text = kubectl.run("exec", f"deployment/{deployment}", "--", "python", "-c", script)
    body = json.loads(text)["paths"]["/infer"]["post"]["requestBody"]["content"]
    content = body["application/json"]
    return content.get("example") or content["schema"]["example"]


def prediction_threads(kubectl: Kubectl, deployment: str) -> int:
    """What the runtime makes of the limits that the kernel holds the pod to."""
    script = (
        "from pathlib import Path; from modelyard_runtime.serving.server import cpu_limit;"
        "print(cpu_limit(Path('/sys/fs/cgroup')))"
    )
    return int(kubectl.run("exec", f"deployment/{deployment}", "--", "python", "-c", script))


def test_from_yaml_to_a_prediction_and_to_the_end_of_the_namespace(kubectl: Kubectl) -> None:
    """Pitfall 1.4: whatever lives in it, the namespace goes. Pitfall 5.2: half a CPU serves."""
    half = {"limits": {"cpu": "500m"}}
    kubectl.apply(objects.dataset(), objects.model(), objects.deployment(resources=half))

    dataset = kubectl.wait_condition("dataset", "tumours", "Ready", within=MEDIUM)
    assert dataset["status"]["rows"] == 569
    assert dataset["status"]["columnCount"] == 31
    assert dataset["status"]["digest"].startswith("sha256:")

    model = kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    assert (model["status"]["phase"], model["status"]["readyVersion"]) == ("READY", 1)

    version = kubectl.get("modelversion", "tumours-v1")
    assert version is not None
    status = version["status"]
    assert (status["task"], status["target"], status["progress"]) == ("binary", "diagnosis", 100)
    assert status["metrics"]["roc_auc"] > 0.97
    assert set(status["metrics"]) >= {"accuracy", "precision", "recall", "f1_score", "log_loss"}
    assert status["artifact"]["digest"].startswith("sha256:")

    served = kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=MEDIUM)
    assert (served["status"]["phase"], served["status"]["servingVersion"]) == ("ACTIVE", 1)

    row = example_row(kubectl, DEPLOYMENT)
    answer = predict_in_cluster(kubectl, DEPLOYMENT, "/infer", row)
    assert isinstance(answer, dict)
    assert answer["model_version"] == "v1.0"
    assert answer["result"]["diagnosis"] in {"malignant", "benign"}
    rows = predict_in_cluster(kubectl, DEPLOYMENT, "/predictions", [row, row])
    assert rows == [{"prediction": answer["result"]}] * 2
    assert prediction_threads(kubectl, DEPLOYMENT) == 1

    kubectl.wait_gone("job", "tumours-v1", within=SHORT)
    kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")
    kubectl.wait_gone("namespace", kubectl.namespace, within=MEDIUM)


def test_a_model_as_a_helm_release(kubectl: Kubectl) -> None:
    helm = ["helm", "--namespace", kubectl.namespace]
    values = ["--set", "dataset.uri=example://diabetes"]
    values += ["--set", "intent=How far will the disease progress?"]
    values += ["--set", "training.maxIterations=2", "--set", "deployment.enabled=true"]
    subprocess.run(
        [*helm, "install", "sugar", str(ROOT / "charts/modelyard-model"), *values],
        check=True,
        capture_output=True,
    )
    kubectl.wait_condition("model", "sugar", "Ready", within=LONG)
    version = kubectl.get("modelversion", "sugar-v1")
    assert version is not None
    assert (version["status"]["task"], version["status"]["target"]) == (
        "regression",
        "disease_progression",
    )
    assert version["status"]["metrics"]["r2"] > 0.3
    kubectl.wait_condition("modeldeployment", "sugar-production", "Ready", within=MEDIUM)

    subprocess.run([*helm, "uninstall", "sugar"], check=True, capture_output=True)
    for kind, name in (("model", "sugar"), ("modelversion", "sugar-v1"), ("dataset", "sugar")):
        kubectl.wait_gone(kind, name, within=MEDIUM)
    kubectl.wait_gone("deployment", "sugar-production", within=MEDIUM)


def wine_as_csv() -> bytes:
    """The wine table with the cultivar in words, as somebody would keep it in a file."""
    table = load_wine()
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*(n.replace("/", "_") for n in table.feature_names), "cultivar"])
    for row, target in zip(table.data, table.target, strict=True):
        writer.writerow([*row, ("barolo", "grignolino", "barbera")[target]])
    return text.getvalue().encode()


def test_from_a_csv_to_a_prediction_over_rest(kubectl: Kubectl, client) -> None:
    uploaded = client.post("/datasets", files={"file": ("wines.csv", wine_as_csv(), "text/csv")})
    assert uploaded.status_code in {201, 202}, uploaded.text
    dataset_id = uploaded.json()["dataset_id"]

    body = {
        "intent": "Which cultivar does a wine come from?",
        "dataset_id": dataset_id,
        "name": "Wine origin",
        "output_schema": {"cultivar": "string"},
        "tags": ["demo"],
    }
    created = client.post("/models/wine", json=body)
    assert created.status_code == 202, created.text
    assert created.json()["status"] == "PENDING"
    assert created.json()["job_id"].startswith("job_")
    assert client.post("/models/wine", json=body).status_code == 409

    status = rest.wait_for(
        client,
        "/models/wine/v1.0/status",
        lambda seen: seen["status"] in {"READY", "ERROR"},
        within=LONG,
    )
    assert (status["status"], status["build_progress"]) == ("READY", 100)

    deployed = client.post("/models/wine/deploy", json={"replicas": 1, "auto_scale": False})
    assert deployed.status_code == 202, deployed.text
    assert deployed.json()["status"] == "DEPLOYING"
    rest.wait_for(
        client,
        "/models/wine",
        lambda seen: seen["deployment_status"] == "DEPLOYED",
        within=MEDIUM,
    )

    details = client.get("/models/wine").json()
    assert details["output_schema"] == {"cultivar": "string"}
    assert details["metrics"]["accuracy"] > 0.9
    row = dict.fromkeys(details["input_schema"], 1.0)
    row |= {"alcohol": 13.2, "proline": 1050.0}
    answer = client.post("/models/wine/v1.0/infer", json=row)
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["cultivar"] in {"barolo", "grignolino", "barbera"}
    assert answer.json()["model_version"] == "v1.0"

    listed = client.get("/models").json()
    assert [m["model_name"] for m in listed["models"]] == ["wine"]
    assert kubectl.get("model", "wine") is not None
