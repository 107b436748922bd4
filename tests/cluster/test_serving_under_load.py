"""A served model while it is asked: versions change without a failed request, pods follow load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import load, objects
from support.durations import LONG, MEDIUM
from support.kubectl import Kubectl, Object
from support.rest import make_key, open_client

pytestmark = pytest.mark.cluster

ROW = json.loads((Path(__file__).parents[2] / "examples/tumour.json").read_text())
DEPLOYMENT = "tumours-production"


@pytest.fixture
def key(kubectl: Kubectl, api_url: str) -> str:
    made = make_key(kubectl.namespace)
    with open_client(api_url, made):
        return made


def serve(kubectl: Kubectl, **spec: Any) -> None:
    kubectl.apply(objects.dataset(), objects.model(), objects.deployment(**spec))
    kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=LONG)


def test_a_new_version_takes_over_without_a_failed_request(
    kubectl: Kubectl, api_url: str, key: str
) -> None:
    serve(kubectl)
    path = "/models/tumours/latest/infer"
    with load.requests(api_url, key, path, ROW, threads=2, pause=0.02) as asked:
        kubectl.run("annotate", "model", "tumours", "modelyard.dev/retrain=again")
        kubectl.wait(
            "modeldeployment",
            DEPLOYMENT,
            lambda seen: seen["status"].get("servingVersion") == 2,
            within=LONG,
            what="serving version 2",
        )
        kubectl.run("rollout", "restart", f"deployment/{DEPLOYMENT}")
        kubectl.run("rollout", "status", f"deployment/{DEPLOYMENT}", "--timeout=90s")
        kubectl.run("delete", "pod", "-l", "app.kubernetes.io/component=serving", "--wait=false")
        kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=MEDIUM)
    assert asked.answered > 100
    assert asked.versions == {"v1.0", "v2.0"}
    assert asked.failures == []


def wanted_pods(seen: Object) -> int:
    replicas: int = seen["spec"]["replicas"]
    return replicas


def test_pods_follow_the_load_and_an_operators_restart_does_not_disturb_them(
    kubectl: Kubectl, system: Kubectl, api_url: str, key: str
) -> None:
    serve(
        kubectl,
        autoscaling={"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilization": 50},
        resources={"requests": {"cpu": "50m"}},
    )
    path = "/models/tumours/latest/predictions"
    with load.requests(api_url, key, path, [ROW] * 200, threads=2) as asked:
        kubectl.wait(
            "deployment",
            DEPLOYMENT,
            lambda seen: wanted_pods(seen) >= 2,
            within=LONG,
            what="scaled to two or more",
        )
        system.run("rollout", "restart", "deployment/modelyard-operator")
        system.run("rollout", "status", "deployment/modelyard-operator", "--timeout=60s")
        kubectl.never("deployment", DEPLOYMENT, lambda seen: wanted_pods(seen) < 2)
    kubectl.wait(
        "deployment",
        DEPLOYMENT,
        lambda seen: wanted_pods(seen) == 1,
        within=LONG + LONG,
        what="scaled back to one",
    )
    assert asked.failures == []


def test_without_an_autoscaler_it_holds_its_replicas_and_kubectl_scale_works(
    kubectl: Kubectl,
) -> None:
    serve(kubectl)
    kubectl.run("scale", f"mdep/{DEPLOYMENT}", "--replicas=2")
    kubectl.wait(
        "modeldeployment",
        DEPLOYMENT,
        lambda seen: seen["status"].get("readyReplicas") == 2,
        within=MEDIUM,
        what="two pods ready",
    )
    kubectl.run("scale", f"deployment/{DEPLOYMENT}", "--replicas=3")
    kubectl.wait(
        "deployment",
        DEPLOYMENT,
        lambda seen: wanted_pods(seen) == 2,
        within=MEDIUM,
        what="put back",
    )


def test_what_is_changed_or_deleted_by_hand_comes_back(kubectl: Kubectl) -> None:
    serve(kubectl)
    kubectl.delete("service", DEPLOYMENT)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "serve", "image": "wrong"}]}}}}
    kubectl.run("patch", "deployment", DEPLOYMENT, "-p", json.dumps(image))
    kubectl.wait("service", DEPLOYMENT, lambda _: True, within=MEDIUM, what="there again")
    kubectl.wait(
        "deployment",
        DEPLOYMENT,
        lambda seen: seen["spec"]["template"]["spec"]["containers"][0]["image"] != "wrong",
        within=MEDIUM,
        what="of the right image",
    )
    kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=MEDIUM)


def test_a_prediction_for_a_model_that_is_not_deployed_says_how_to_deploy_it(
    kubectl: Kubectl, api_url: str, key: str
) -> None:
    kubectl.apply(objects.dataset(), objects.model())
    kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    with open_client(api_url, key) as client:
        answer = client.post("/models/tumours/v1.0/infer", json=ROW)
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert any("deploy" in suggestion for suggestion in answer.json()["error"]["suggestions"])
