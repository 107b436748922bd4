"""Who may delete what, and what is seen between the deletion and the end.

The tests share a model; each has it served first, which is soon done where it is.
"""

from __future__ import annotations

import pytest

from support.durations import MEDIUM, SHORT
from support.kubectl import Kubectl, Refused
from support.objects import DEPLOYMENT

pytestmark = pytest.mark.cluster

GARBAGE_COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"


def serve(kubectl: Kubectl) -> int:
    """The version that is served, once one is."""
    version: int = kubectl.serve()["status"]["servingVersion"]
    return version


def test_an_undeployment_in_the_foreground_is_seen_until_the_last_pod_has_ended(
    shared: Kubectl,
) -> None:
    serve(shared)
    shared.run("delete", "modeldeployment", DEPLOYMENT, "--cascade=foreground", "--wait=false")
    going = shared.wait(
        "modeldeployment",
        DEPLOYMENT,
        lambda seen: seen["status"]["phase"] == "UNDEPLOYING",
        within=SHORT,
        what="UNDEPLOYING",
    )
    assert going["metadata"]["finalizers"] == ["foregroundDeletion"], "the cluster's own alone"
    shared.wait_gone("modeldeployment", DEPLOYMENT, within=MEDIUM)
    assert shared.list("pods", "app.kubernetes.io/component=serving") == []
    serve(shared)


def test_pods_of_a_version_that_is_gone_start_all_the_same(shared: Kubectl) -> None:
    """Without the guard a version can go while it is served; its artifact stays."""
    version = serve(shared)
    # Else the Model would make another version at once, and have that served.
    shared.patch("model", "tumours", {"spec": {"paused": True}})
    shared.run("delete", "modelversion", f"tumours-v{version}", "--as", GARBAGE_COLLECTOR)
    shared.run("delete", "pod", "-l", "app.kubernetes.io/component=serving")
    shared.run("rollout", "status", f"deployment/{DEPLOYMENT}", "--timeout=90s")
    shared.patch("model", "tumours", {"spec": {"paused": False}})


def test_a_served_version_is_not_deleted_until_it_is_served_no_more(shared: Kubectl) -> None:
    version = serve(shared)
    with pytest.raises(Refused) as refused:
        shared.run("delete", "modelversion", f"tumours-v{version}")
    said = str(refused.value)
    assert f"version {version} of Model tumours is served by ModelDeployment {DEPLOYMENT}" in said
    assert "have it serve another version (spec.version, spec.canary) or delete it first" in said

    shared.run("annotate", "model", "tumours", "modelyard.dev/retrain=again")
    shared.wait_serving(version + 1)
    shared.run("delete", "modelversion", f"tumours-v{version}")
    with pytest.raises(Refused):
        shared.run("delete", "modelversion", f"tumours-v{version + 1}")
    shared.delete("modeldeployment", DEPLOYMENT)
    shared.run("delete", "modelversion", f"tumours-v{version + 1}", "--dry-run=server")


def test_a_model_takes_its_served_versions_along(shared: Kubectl) -> None:
    """What the cluster collects by itself is never held up by the guard of served versions."""
    version = serve(shared)
    shared.delete("model", "tumours", "--cascade=foreground")
    shared.wait_gone("modelversion", f"tumours-v{version}", within=MEDIUM)
    assert shared.get("deployment", DEPLOYMENT) is not None, "it serves until it is deleted"
