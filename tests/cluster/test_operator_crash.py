"""The operator killed (-9) at chosen calls: one Job, one version, READY all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import objects
from support.durations import LONG, MEDIUM
from support.fault_proxy import Call, Moment, Trap
from support.kubectl import Kubectl
from support.operator_process import no_operator_in_cluster
from support.stage import Stage, assert_built_once, staged

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def image(system: Kubectl) -> Iterator[str]:
    with no_operator_in_cluster(system) as used:
        yield used


@pytest.fixture
def stage(kubectl: Kubectl, system: Kubectl, image: str, tmp_path: Path) -> Iterator[Stage]:
    with staged(kubectl, system, image, tmp_path) as set_:
        set_.operator.start()
        yield set_


def kill_at(stage: Stage, trap: Trap) -> None:
    """Wait for the operator's death at the trap, then start it again without one."""
    stage.proxy.trap = trap
    assert trap.sprung.wait(LONG), f"no such call; calls: {set(map(str, stage.proxy.calls))}"
    stage.operator.wait_dead()
    stage.operator.start()


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
    kill_at(stage, Trap(matches, moment, stage.operator.kill))

    stage.kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    assert_built_once(stage.kubectl)
    stage.kubectl.wait_gone("job", "tumours-v1", within=MEDIUM)
    stage.kubectl.never("model", "tumours", lambda seen: seen["status"]["latestVersion"] != 1)
