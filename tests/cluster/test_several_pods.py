"""A build of two pods: both make fits and bring rows, and nothing of what bound them stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import objects
from support.durations import LONG, SHORT
from support.kubectl import Kubectl, condition
from support.operator_process import store_of
from support.tables import rule_of_cells
from support.team import TEAM, fits_by_pod, log_of

pytestmark = pytest.mark.cluster


def test_two_pods_share_a_search_and_leave_nothing_behind(
    kubectl: Kubectl, system: Kubectl, tmp_path: Path
) -> None:
    kubectl.apply(objects.dataset(), objects.model(training=TEAM | {"timeBudget": "25s"}))
    kubectl.wait(
        "modelversion",
        "tumours-v1",
        lambda seen: "by 2 of 2 pods" in condition(seen, "Ready").get("message", ""),
        within=LONG,
        what="trained by two pods",
    )
    job = kubectl.get("job", "tumours-v1")
    assert job is not None
    shared = job["spec"]["template"]["spec"]["subdomain"]
    secret = kubectl.get("secret", shared)
    assert secret is not None
    assert [owner["uid"] for owner in secret["metadata"]["ownerReferences"]] == [
        job["metadata"]["uid"]
    ]
    kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    version = kubectl.get("modelversion", "tumours-v1")
    assert version is not None
    with store_of(system, tmp_path) as store:
        made = fits_by_pod(store, version["metadata"]["uid"])
    assert set(made) == {"tumours-v1-0", "tumours-v1-1"}, made
    for kind, name in (("job", "tumours-v1"), ("secret", shared), ("service", shared)):
        kubectl.wait_gone(kind, name, within=SHORT)


def test_two_pods_learn_from_what_does_not_fit_into_one(
    kubectl: Kubectl, system: Kubectl, client, tmp_path: Path
) -> None:
    """896 MiB have room for 34,000 rows of 30 columns, of which 6,800 judge."""
    resources = {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"cpu": "1", "memory": "896Mi"},
    }
    training = {"parallelism": 2, "resources": resources, "maxIterations": 1}
    content = rule_of_cells(50_000, 30).encode()
    sent = client.post("/datasets", files={"file": ("rows.csv", content, "text/csv")})
    assert sent.status_code in {201, 202}, sent.text
    name = sent.json()["dataset_name"]
    intent = "Predict whether a customer is gone"
    kubectl.apply(
        objects.model("gone", intent=intent, datasetRef={"name": name}, training=training)
    )
    kubectl.wait_condition("model", "gone", "Ready", within=LONG)
    version = kubectl.get("modelversion", "gone-v1")
    assert version is not None
    with store_of(system, tmp_path) as store:
        said = log_of(store, version["metadata"]["uid"])
    assert "Boosting on 2 pods learns from 43,200 rows, the search saw 34,000." in said
    assert version["status"]["trainingInfo"]["datasetSize"] == 43_200
    assert version["status"]["trainingInfo"]["datasetRows"] == 50_000
