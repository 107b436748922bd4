"""A build of two pods: both make fits, and nothing of what bound them together stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import objects
from support.durations import LONG, SHORT
from support.kubectl import Kubectl, condition
from support.operator_process import store_of
from support.team import TEAM, fits_by_pod

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
