"""The chart on the real cluster: what it renders, and that it goes without taking models along."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.durations import MEDIUM
from support.kubectl import Kubectl

pytestmark = pytest.mark.cluster

CHART = str(Path(__file__).parents[2] / "charts/modelyard")
RELEASE = "modelyard"
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


def test_an_upgrade_with_the_same_values_changes_no_secret(system: Kubectl, values: str) -> None:
    """Pitfall 8.4: credentials that change at each upgrade."""

    def secrets() -> dict[str, Any]:
        return {
            s["metadata"]["name"]: s["data"]
            for s in system.list("secrets")
            if s["type"] != HELM_RECORD
        }

    before = secrets()
    helm("upgrade", RELEASE, CHART, "--values", "-", "--wait", "--timeout", "3m", stdin=values)
    assert secrets() == before


def test_no_webhook_stands_between_people_and_their_objects() -> None:
    """Pitfall 1.22: an admission webhook that is down lets nobody apply or delete."""
    kinds = {item["kind"] for item in rendered()}
    assert not {kind for kind in kinds if "Webhook" in kind}


def test_the_guard_of_served_versions_can_be_left_out() -> None:
    """What the guard does is in test_deletion.py."""
    off = ("--set", "admission.protectServedVersions=false", "--kube-version", "1.35")
    assert "ValidatingAdmissionPolicy" not in helm("template", RELEASE, CHART, *off)
    assert "ValidatingAdmissionPolicy" in {item["kind"] for item in rendered()}


def test_rights_are_by_verb_and_name_without_wildcards() -> None:
    for item in rendered():
        for rule in item.get("rules", []):
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            if "secrets" in rule["resources"] and item["kind"] == "ClusterRole":
                assert rule["verbs"] == ["create"] or rule["resourceNames"] == ["modelyard-store"]


def rendered() -> Iterator[dict[str, Any]]:
    yield from (item for item in yaml.safe_load_all(helm("get", "manifest", RELEASE)) if item)


def test_uninstall_ends_and_leaves_models_serving_and_a_namespace_ends_without_an_operator(
    kubectl: Kubectl, values: str
) -> None:
    kubectl.serve()
    served = pod_names(kubectl)

    helm("uninstall", RELEASE, "--wait", "--timeout", "2m")
    try:
        assert kubectl.get("model", "tumours") is not None
        assert pod_names(kubectl) == served
        kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")
        kubectl.wait_gone("namespace", kubectl.namespace, within=MEDIUM)
    finally:
        arguments = ("install", RELEASE, CHART, "--values", "-", "--wait", "--timeout", "4m")
        helm(*arguments, stdin=values)


def pod_names(kubectl: Kubectl) -> list[str]:
    pods = kubectl.list("pods", "app.kubernetes.io/component=serving")
    return sorted(pod["metadata"]["name"] for pod in pods)
