"""Who may delete what, and what is seen between the deletion and the end."""

from __future__ import annotations

import pytest

from support import objects
from support.durations import LONG, MEDIUM, SHORT
from support.kubectl import Kubectl, Refused

pytestmark = pytest.mark.cluster

DEPLOYMENT = "tumours-production"
GARBAGE_COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"


def serve(kubectl: Kubectl) -> None:
    kubectl.apply(objects.dataset(), objects.model(), objects.deployment())
    kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=LONG)


def test_a_served_version_is_not_deleted_until_it_is_served_no_more(kubectl: Kubectl) -> None:
    serve(kubectl)
    with pytest.raises(Refused) as refused:
        kubectl.run("delete", "modelversion", "tumours-v1")
    said = str(refused.value)
    assert "version 1 of Model tumours is served by ModelDeployment tumours-production" in said
    assert "have it serve another version (spec.version) or delete it first" in said

    kubectl.run("annotate", "model", "tumours", "modelyard.dev/retrain=again")
    kubectl.wait(
        "modeldeployment",
        DEPLOYMENT,
        lambda seen: seen["status"].get("servingVersion") == 2,
        within=LONG,
        what="serving version 2",
    )
    kubectl.run("delete", "modelversion", "tumours-v1")
    with pytest.raises(Refused):
        kubectl.run("delete", "modelversion", "tumours-v2")
    kubectl.delete("modeldeployment", DEPLOYMENT)
    kubectl.run("delete", "modelversion", "tumours-v2")


def test_a_model_takes_its_served_versions_along(kubectl: Kubectl) -> None:
    """What the cluster collects by itself is never held up by the guard of served versions."""
    serve(kubectl)
    kubectl.delete("model", "tumours", "--cascade=foreground")
    kubectl.wait_gone("modelversion", "tumours-v1", within=MEDIUM)
    assert kubectl.get("deployment", DEPLOYMENT) is not None, "it serves until it is deleted"


def test_pods_of_a_version_that_is_gone_start_all_the_same(kubectl: Kubectl) -> None:
    """Without the guard a version can go while it is served; its artifact stays."""
    serve(kubectl)
    kubectl.run("delete", "modelversion", "tumours-v1", "--as", GARBAGE_COLLECTOR)
    kubectl.run("delete", "pod", "-l", "app.kubernetes.io/component=serving")
    kubectl.run("rollout", "status", f"deployment/{DEPLOYMENT}", "--timeout=90s")


def test_an_undeployment_in_the_foreground_is_seen_until_the_last_pod_has_ended(
    kubectl: Kubectl,
) -> None:
    serve(kubectl)
    kubectl.run("delete", "modeldeployment", DEPLOYMENT, "--cascade=foreground", "--wait=false")
    going = kubectl.wait(
        "modeldeployment",
        DEPLOYMENT,
        lambda seen: seen["status"]["phase"] == "UNDEPLOYING",
        within=SHORT,
        what="UNDEPLOYING",
    )
    assert going["metadata"]["finalizers"] == ["foregroundDeletion"], "the cluster's own alone"
    kubectl.wait_gone("modeldeployment", DEPLOYMENT, within=MEDIUM)
    assert kubectl.list("pods", "app.kubernetes.io/component=serving") == []
    kubectl.apply(objects.deployment())
    kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=LONG)
