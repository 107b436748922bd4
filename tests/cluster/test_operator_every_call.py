"""The operator killed (-9) at every distinct call of the path from data to a served version.

The calls are found as they come: whichever writing call was not yet the operator's last is the
next to be so, and a call that a later version of the operator makes is covered by itself.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support import objects
from support.durations import LONG, SHORT
from support.fault_proxy import Call, FaultProxy, Moment, Trap
from support.kubectl import Kubectl
from support.objects import DEPLOYMENT
from support.operator_process import OperatorProcess, jobs_made, no_operator_in_cluster
from support.stage import staged

pytestmark = pytest.mark.cluster

#: The operator asks before it begins; nothing is written by these.
QUESTIONS = "/apis/authorization.k8s.io/"
#: What the least path must be made of, or the test would not test it.
LEAST_CALLS = 12


@dataclass
class Killer:
    """Starts the operator and kills it at each call that it was not killed at before."""

    proxy: FaultProxy
    operator: OperatorProcess
    moment: Moment
    deaths: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._done.is_set():
            trap = Trap(self._is_new, self.moment, self.operator.kill)
            self.proxy.trap = trap
            self.operator.start()
            while not trap.sprung.wait(0.2):
                if self._done.is_set():
                    return
            # A call of the life before may spring the trap before this one has a process.
            self.operator.kill()
            self.operator.wait_dead()

    def stop(self) -> None:
        self._done.set()

    def _is_new(self, call: Call, body: bytes) -> bool:
        name = told_apart(call, body)
        if call.path.startswith(QUESTIONS) or name in self.deaths:
            return False
        self.deaths.append(name)
        return True


def told_apart(call: Call, body: bytes) -> str:
    """A call with what it is for: the same path serves several steps."""
    phase = re.search(rb'"phase": ?"([A-Z]+)"', body)
    work = re.search(rb"MODELYARD_[A-Z]+_REQUEST", body)
    about = phase[1] if phase else work[0] if work else b""
    return f"{call} {about.decode()}".strip()


@pytest.fixture(scope="module")
def image(system: Kubectl) -> Iterator[str]:
    with no_operator_in_cluster(system) as used:
        yield used


@pytest.fixture(params=["before", "after"])
def killer(
    request: pytest.FixtureRequest, kubectl: Kubectl, system: Kubectl, image: str, tmp_path: Path
) -> Iterator[Killer]:
    with staged(kubectl, system, image, tmp_path) as set_:
        killer = Killer(set_.proxy, set_.operator, request.param)
        thread = threading.Thread(target=killer.run)
        thread.start()
        try:
            yield killer
        finally:
            killer.stop()
            thread.join(SHORT)


def test_every_call_may_be_the_last(kubectl: Kubectl, killer: Killer) -> None:
    scaled = {"enabled": True, "minReplicas": 2, "maxReplicas": 3}
    kubectl.apply(
        objects.dataset(),
        objects.model(),
        objects.deployment(autoscaling=scaled),
    )
    kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=LONG)
    kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    kubectl.wait_gone("job", "tumours-v1", within=LONG)
    sys.stdout.write("killed at:\n" + "\n".join(killer.deaths) + "\n")

    assert len(killer.deaths) >= LEAST_CALLS
    (version,) = kubectl.list("modelversions")
    assert version["metadata"]["name"] == "tumours-v1"
    assert version["status"]["phase"] == "READY"
    assert version["status"].get("rebuilds", 0) == 0
    assert len(jobs_made(kubectl)) == 2, "one to read the data, one to train"
    deployment = kubectl.get("deployment", DEPLOYMENT)
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 2
