"""The operator killed (-9) at chosen calls: one Job, one version, READY all the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import objects
from support.durations import LONG, MEDIUM
from support.fault_proxy import Call, FaultProxy, Moment, Trap
from support.kubectl import Kubectl
from support.operator_process import (
    OperatorProcess,
    copy_store_secret,
    jobs_made,
    no_operator_in_cluster,
    store_from_outside,
)

pytestmark = pytest.mark.cluster


@dataclass(frozen=True)
class Stage:
    """What a crash test works with."""

    kubectl: Kubectl
    proxy: FaultProxy
    operator: OperatorProcess

    def kill_at(self, trap: Trap) -> None:
        """Wait for the operator's death at the trap, then start it again without one."""
        self.proxy.trap = trap
        assert trap.sprung.wait(LONG), f"no such call; calls: {set(map(str, self.proxy.calls))}"
        self.operator.wait_dead()
        self.operator.start()


@pytest.fixture(scope="module")
def image(system: Kubectl) -> Iterator[str]:
    with no_operator_in_cluster(system) as used:
        yield used


@pytest.fixture
def stage(kubectl: Kubectl, system: Kubectl, image: str, tmp_path: Path) -> Iterator[Stage]:
    copy_store_secret(system, kubectl)
    kubeconfig = Path(os.environ["KUBECONFIG"])
    log = tmp_path / "operator.log"
    with (
        store_from_outside(system, tmp_path / "store") as store,
        FaultProxy(kubeconfig) as proxy,
    ):
        own = proxy.kubeconfig(tmp_path)
        operator = OperatorProcess(kubectl.namespace, own, store, image, log)
        operator.start()
        try:
            yield Stage(kubectl, proxy, operator)
        finally:
            operator.kill()
            operator.wait_dead()
            sys.stdout.write(operator.log[-20_000:])


def version_is_created(call: Call, _body: bytes) -> bool:
    return call.method == "POST" and call.path.endswith("/modelversions")


def job_is_created(call: Call, body: bytes) -> bool:
    return call.method == "POST" and call.path.endswith("/jobs") and b"BUILD_REQUEST" in body


def version_is_said_to_be_ready(call: Call, body: bytes) -> bool:
    return call.path.endswith("/modelversions/*/status") and b'"READY"' in body


KILLS = [
    ("between version and Job", version_is_created, "after"),
    ("before the Job", job_is_created, "before"),
    ("between Job and its first status", job_is_created, "after"),
    ("between the Job's end and the status", version_is_said_to_be_ready, "before"),
    ("after the status", version_is_said_to_be_ready, "after"),
]


@pytest.mark.parametrize(("_name", "matches", "moment"), KILLS, ids=[kill[0] for kill in KILLS])
def test_one_job_one_version_ready(stage: Stage, _name: str, matches, moment: Moment) -> None:
    stage.kubectl.apply(objects.dataset(), objects.model())
    stage.kill_at(Trap(matches, moment, stage.operator.kill))

    model = stage.kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    assert (model["status"]["latestVersion"], model["status"]["readyVersion"]) == (1, 1)
    versions = stage.kubectl.list("modelversions")
    assert [v["metadata"]["name"] for v in versions] == ["tumours-v1"]
    assert versions[0]["status"].get("rebuilds", 0) == 0
    stage.kubectl.wait_gone("job", "tumours-v1", within=MEDIUM)
    assert list(jobs_made(stage.kubectl).values()).count("tumours-v1") == 1
    stage.kubectl.never("model", "tumours", lambda seen: seen["status"]["latestVersion"] != 1)
