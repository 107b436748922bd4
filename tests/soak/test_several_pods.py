"""Pods of a shared search killed while it runs: the helper first, then rank 0.

What is counted are fits: finished ones are never made twice. Pitfall 3.3.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard_runtime.store import Store
from support import objects
from support.durations import LONG, MEDIUM
from support.kubectl import Kubectl, condition, poll
from support.operator_process import store_of
from support.soak import scaled
from support.team import TEAM, recorded, used_again


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_neither_helper_nor_rank_0_takes_a_finished_fit_along(
    kubectl: Kubectl, system: Kubectl, tmp_path: Path
) -> None:
    with store_of(system, tmp_path) as store:
        for number in range(scaled(5)):
            _killed_twice(kubectl, store, f"tumours-{number}")


def _killed_twice(kubectl: Kubectl, store: Store, name: str) -> None:
    data = {"datasetRef": {"name": "tumours"}}
    training = TEAM | {"timeBudget": "120s"}
    kubectl.apply(objects.dataset(), objects.model(name, training=training, **data))
    uid = _wait_both(kubectl, name)["metadata"]["uid"]
    _wait_fits(store, uid, 3)
    _kill(kubectl, f"{name}-v1", rank=1)
    _wait_fits(store, uid, recorded(store, uid) + 3)
    assert _pods(kubectl, f"{name}-v1", 0)[-1]["status"]["phase"] == "Running"
    _wait_both(kubectl, name)
    safe = recorded(store, uid)
    _kill(kubectl, f"{name}-v1", rank=0)
    ready = kubectl.wait_condition("model", name, "Ready", within=LONG)
    assert ready["status"]["latestVersion"] == 1
    assert used_again(store, uid) >= safe
    assert recorded(store, uid) == 0, "a finished build needs no records"


def _wait_both(kubectl: Kubectl, name: str) -> objects.Object:
    return kubectl.wait(
        "modelversion",
        f"{name}-v1",
        lambda seen: "by 2 of 2 pods" in condition(seen, "Ready").get("message", ""),
        within=LONG,
        what="trained by two pods",
    )


def _wait_fits(store: Store, uid: str, count: int) -> None:
    assert poll(lambda: recorded(store, uid) >= count or None, MEDIUM), recorded(store, uid)


def _pods(kubectl: Kubectl, job: str, rank: int) -> list[objects.Object]:
    rank_label = f"batch.kubernetes.io/job-completion-index={rank}"
    return kubectl.list("pods", f"job-name={job},{rank_label}")


def _kill(kubectl: Kubectl, job: str, rank: int) -> None:
    """SIGKILL, with no time to say farewell."""
    pod = _pods(kubectl, job, rank)[-1]["metadata"]["name"]
    kubectl.delete("pod", pod, "--grace-period=0", "--force")
