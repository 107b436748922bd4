"""A served model while it is asked: versions change without a failed request, pods follow load."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import load, objects
from support.durations import LONG, MEDIUM, SHORT
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


class Scale:
    """What the autoscaler wants and what the Deployment is asked for, sampled side by side."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.samples = 0
        self.fights: list[str] = []

    def __enter__(self) -> Scale:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(SHORT)

    def _watch(self) -> None:
        """A scale below what was wanted both before and after it was looked at is a fight."""
        wanted_before = 0
        while not self._over.wait(0.1):
            deployment = self._kubectl.get("deployment", DEPLOYMENT)
            autoscaler = self._kubectl.get("horizontalpodautoscaler", DEPLOYMENT)
            if deployment is None or autoscaler is None:
                continue
            wanted = autoscaler["status"].get("desiredReplicas", 0)
            if wanted_pods(deployment) < min(wanted_before, wanted):
                self.fights.append(f"{wanted_pods(deployment)} of {wanted}")
            wanted_before = wanted
            self.samples += 1


def test_pods_follow_the_load_up_and_down_and_nobody_fights_the_autoscaler(
    kubectl: Kubectl, system: Kubectl, api_url: str, key: str
) -> None:
    """Pitfall 7.1: through an operator's restart and a change of the version."""
    serve(
        kubectl,
        autoscaling={
            "minReplicas": 1,
            "maxReplicas": 3,
            "targetCPUUtilization": 50,
            "scaleDownStabilizationSeconds": 15,
        },
        resources={"requests": {"cpu": "50m"}},
    )
    path = "/models/tumours/latest/predictions"
    with Scale(kubectl) as scale:
        with load.requests(api_url, key, path, [ROW] * 200, threads=2) as asked:
            wait_scaled(kubectl, lambda pods: pods >= 2, "two or more")
            system.run("rollout", "restart", "deployment/modelyard-operator")
            system.run("rollout", "status", "deployment/modelyard-operator", "--timeout=60s")
            kubectl.never("deployment", DEPLOYMENT, lambda seen: wanted_pods(seen) < 2)
            kubectl.run("annotate", "model", "tumours", "modelyard.dev/retrain=again")
            kubectl.wait(
                "modeldeployment",
                DEPLOYMENT,
                lambda seen: seen["status"].get("servingVersion") == 2,
                within=LONG,
                what="serving version 2",
            )
        wait_scaled(kubectl, lambda pods: pods == 1, "one again")
    assert scale.samples, "looked at least once"
    assert scale.fights == []
    assert asked.failures == []


def wait_scaled(kubectl: Kubectl, holds: Callable[[int], bool], what: str) -> None:
    """Wait until the Deployment is asked for so many pods."""
    kubectl.wait(
        "deployment", DEPLOYMENT, lambda seen: holds(wanted_pods(seen)), within=LONG, what=what
    )


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
