"""A served model while it is asked: pods and versions change without a failed request.

The tests share a model; each has it served first as it needs it, which is soon done.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support import load, objects
from support.durations import LONG, MEDIUM, SHORT
from support.kubectl import Kubectl, Object, Refused, poll
from support.objects import DEPLOYMENT
from support.rest import make_key, open_client

pytestmark = pytest.mark.cluster

ROW = json.loads((Path(__file__).parents[2] / "examples/tumour.json").read_text())
PATH = "/models/tumours/latest/infer"
ROLLOUTS = 3
CONNECTIONS = 8
SAMPLE = 400
SERVING = "app.kubernetes.io/component=serving"


@pytest.fixture(scope="module")
def key(shared: Kubectl, api_url: str) -> str:
    made = make_key(shared.namespace)
    with open_client(api_url, made):
        return made


def roll(kubectl: Kubectl) -> None:
    """Replace all pods, and wait until that is done."""
    kubectl.run("rollout", "restart", f"deployment/{DEPLOYMENT}")
    status = ("rollout", "status", f"deployment/{DEPLOYMENT}", f"--timeout={LONG}s")
    kubectl.run(*status, timeout=LONG + 1)


def evict(kubectl: Kubectl, pod: str) -> None:
    """Ask for the pod to go as the drain of a node does; while the budget refuses, ask again."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": kubectl.namespace},
    }
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"

    def accepted() -> bool | None:
        try:
            kubectl.run("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
        except Refused as refused:
            if "disruption budget" not in str(refused):
                raise
            return None
        return True

    assert poll(accepted, MEDIUM), f"the budget never lets {pod} go"


def test_no_request_fails_while_all_pods_are_replaced_or_evicted(
    shared: Kubectl, api_url: str, key: str
) -> None:
    """Pitfalls 7.2 and 7.12: rollouts, and evictions of all pods as by the drain of their node."""
    shared.serve(replicas=2)
    with load.requests(api_url, key, PATH, ROW, threads=CONNECTIONS) as asked:
        for _ in range(ROLLOUTS):
            roll(shared)
        for pod in [pod["metadata"]["name"] for pod in shared.list("pods", SERVING)]:
            evict(shared, pod)
        shared.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=MEDIUM)
    assert asked.failures == []
    assert asked.answered > 100 * ROLLOUTS


def test_a_new_version_takes_over_without_a_failed_request(
    shared: Kubectl, api_url: str, key: str
) -> None:
    before = shared.serve()["status"]["servingVersion"]
    with load.requests(api_url, key, PATH, ROW, threads=2, pause=0.02) as asked:
        retrain(shared, before + 1)
        roll(shared)
        shared.run("delete", "pod", "-l", SERVING, "--wait=false")
        shared.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=MEDIUM)
    assert asked.answered > 100
    assert asked.versions == {f"v{before}.0", f"v{before + 1}.0"}
    assert asked.failures == []


def retrain(kubectl: Kubectl, version: int) -> None:
    """Make this version, and wait until it is served."""
    annotation = f"modelyard.dev/retrain={version}"
    kubectl.run("annotate", "--overwrite", "model", "tumours", annotation)
    kubectl.wait_serving(version)


def test_a_canary_takes_its_share_and_fails_no_request_when_it_goes(
    shared: Kubectl, api_url: str, key: str
) -> None:
    """Pitfalls 7.3 to 7.5: one that cannot be, one that is killed, and one that is promoted."""
    serving = shared.serve()
    new, path = serving["status"]["servingVersion"], f"/predict/{serving['status']['id']}"
    if new == 1:
        retrain(shared, new := 2)
    old = new - 1
    shared.serve(version=old)
    shared.wait_serving(old)
    with load.requests(api_url, key, path, ROW, threads=2, pause=0.02) as asked:
        shared.serve(version=old, canary={"version": new + 1})
        shared.wait_reason(
            "modeldeployment", DEPLOYMENT, "VersionMissing", "CanaryReady", within=SHORT
        )
        shared.serve(version=old, canary={"version": new, "weight": 30})
        shared.wait_condition("modeldeployment", DEPLOYMENT, "CanaryReady", within=MEDIUM)
        with open_client(api_url, key) as client:
            answers = [client.post(path, json=ROW).json() for _ in range(SAMPLE)]
        pods = ("pod", "-l", f"modelyard.dev/deployment-id={serving['status']['id']}-canary")
        shared.run("delete", *pods, "--force", "--grace-period=0")
        shared.wait_condition("modeldeployment", DEPLOYMENT, "CanaryReady", within=MEDIUM)
        shared.serve(version=new)
        shared.wait_serving(new)
        shared.wait_gone("deployment", f"{DEPLOYMENT}-canary", within=MEDIUM)
    assert asked.failures == []
    assert asked.versions == {f"v{old}.0", f"v{new}.0"}
    share = Counter(answer["model_version"] for answer in answers)[f"v{new}.0"] / SAMPLE
    assert abs(share - 0.3) < 6 * (0.3 * 0.7 / SAMPLE) ** 0.5, "six standard deviations"


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
    shared: Kubectl, system: Kubectl, api_url: str, key: str
) -> None:
    """Pitfall 7.1: through an operator's restart and a change of the version."""
    serving = shared.serve(
        autoscaling={
            "minReplicas": 1,
            "maxReplicas": 3,
            "targetCPUUtilization": 50,
            "scaleDownStabilizationSeconds": 15,
        },
        resources={"requests": {"cpu": "50m"}},
    )
    path = "/models/tumours/latest/predictions"
    with Scale(shared) as scale:
        with load.requests(api_url, key, path, [ROW] * 200, threads=2) as asked:
            wait_scaled(shared, lambda pods: pods >= 2, "two or more")
            system.run("rollout", "restart", "deployment/modelyard-operator")
            system.run("rollout", "status", "deployment/modelyard-operator", "--timeout=60s")
            shared.never("deployment", DEPLOYMENT, lambda seen: wanted_pods(seen) < 2)
            retrain(shared, serving["status"]["servingVersion"] + 1)
        wait_scaled(shared, lambda pods: pods == 1, "one again")
    assert scale.samples, "looked at least once"
    assert scale.fights == []
    assert asked.failures == []


def wait_scaled(kubectl: Kubectl, holds: Callable[[int], bool], what: str) -> None:
    """Wait until the Deployment is asked for so many pods."""
    kubectl.wait(
        "deployment", DEPLOYMENT, lambda seen: holds(wanted_pods(seen)), within=LONG, what=what
    )


def test_without_an_autoscaler_it_holds_its_replicas_and_kubectl_scale_works(
    shared: Kubectl,
) -> None:
    shared.serve()
    shared.run("scale", f"mdep/{DEPLOYMENT}", "--replicas=2")
    shared.wait(
        "modeldeployment",
        DEPLOYMENT,
        lambda seen: seen["status"].get("readyReplicas") == 2,
        within=MEDIUM,
        what="two pods ready",
    )
    shared.run("scale", f"deployment/{DEPLOYMENT}", "--replicas=3")
    shared.wait(
        "deployment",
        DEPLOYMENT,
        lambda seen: wanted_pods(seen) == 2,
        within=MEDIUM,
        what="put back",
    )


def test_what_is_changed_or_deleted_by_hand_comes_back(shared: Kubectl) -> None:
    shared.serve(replicas=1)
    shared.delete("service", DEPLOYMENT)
    image = {"spec": {"template": {"spec": {"containers": [{"name": "serve", "image": "wrong"}]}}}}
    shared.run("patch", "deployment", DEPLOYMENT, "-p", json.dumps(image))
    shared.wait("service", DEPLOYMENT, lambda _: True, within=MEDIUM, what="there again")
    shared.wait(
        "deployment",
        DEPLOYMENT,
        lambda seen: seen["spec"]["template"]["spec"]["containers"][0]["image"] != "wrong",
        within=MEDIUM,
        what="of the right image",
    )
    shared.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=MEDIUM)


def test_a_prediction_for_a_model_that_is_not_deployed_says_how_to_deploy_it(
    shared: Kubectl, api_url: str, key: str
) -> None:
    shared.apply(objects.dataset(), objects.model())
    shared.wait_condition("model", "tumours", "Ready", within=LONG)
    shared.delete("modeldeployment", DEPLOYMENT)
    with open_client(api_url, key) as client:

        def refused() -> httpx.Response | None:
            answer = client.post(PATH, json=ROW)
            return answer if answer.status_code == httpx.codes.NOT_FOUND else None

        answer = poll(refused, SHORT)
    assert answer is not None
    assert any("deploy" in suggestion for suggestion in answer.json()["error"]["suggestions"])
