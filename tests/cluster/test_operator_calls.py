"""What one Model costs the API server, from its creation to a served version, and then."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from support.durations import AT_REST, SHORT
from support.fault_proxy import Call, FaultProxy
from support.kubectl import Kubectl, poll
from support.operator_process import (
    OperatorProcess,
    copy_store_secret,
    no_operator_in_cluster,
    store_from_outside,
)

pytestmark = pytest.mark.cluster

#: The most writes of each kind: what the objects need, and a status where a person sees a step.
MOST = {
    # One to read the data, one to train; each goes once its result is safe.
    "POST jobs": 2,
    "DELETE jobs": 2,
    "POST modelversions": 1,
    "PATCH services": 1,
    "PATCH deployments": 1,
    # Profiling, Ready.
    "PATCH datasets/status": 2,
    # DatasetNotReady, Building, Ready; its deployments are DEPLOYING, then DEPLOYED.
    "PATCH models/status": 5,
    # NoReadyVersion (or ModelMissing before), RollingOut, a pod that is there, one that is ready.
    "PATCH modeldeployments/status": 5,
}
#: Pending, Building, Ready; between them one each time that the build has moved.
VERSION_STEPS = 3
#: A transition of a condition is an event, once: Ready of each, Building of Model and version,
#: RollingOut, and what Model and deployment waited for.
MOST_EVENTS = 10


@pytest.fixture
def proxy(kubectl: Kubectl, system: Kubectl, tmp_path: Path) -> Iterator[FaultProxy]:
    """What the operator of this test says to the API server."""
    copy_store_secret(system, kubectl)
    with (
        no_operator_in_cluster(system) as image,
        store_from_outside(system, tmp_path / "store") as store,
        FaultProxy(Path(os.environ["KUBECONFIG"])) as between,
    ):
        own, log = between.kubeconfig(tmp_path), tmp_path / "operator.log"
        operator = OperatorProcess(kubectl.namespace, own, store, image, log)
        operator.start()
        try:
            yield between
        finally:
            operator.kill()
            operator.wait_dead()
            sys.stdout.write(operator.log[-20_000:])


def test_one_model_from_its_creation_to_being_served(kubectl: Kubectl, proxy: FaultProxy) -> None:
    """Pitfall 1.7: the writes are counted, and at rest there are none."""
    kubectl.serve()
    kubectl.wait(
        "model",
        "tumours",
        lambda seen: seen["status"].get("deploymentStatus") == "DEPLOYED",
        within=SHORT,
        what="DEPLOYED",
    )
    kubectl.wait_gone("job", "tumours-v1", within=SHORT)
    writes = written(proxy)
    sys.stdout.write(f"writes: {dict(sorted(writes.items()))}\n")

    events = writes.pop("POST events", 0)
    steps = writes.pop("PATCH modelversions/status")
    assert {call: count for call, count in writes.items() if count > MOST.get(call, 0)} == {}
    assert events <= MOST_EVENTS
    version = kubectl.get("modelversion", "tumours-v1")
    assert version is not None
    assert steps <= VERSION_STEPS + moves_of(version)

    before = len(proxy.calls)
    assert poll(lambda: proxy.calls[before:] or None, AT_REST) is None, "a write at rest"


def moves_of(version: dict[str, object]) -> int:
    """How often a build may have been seen to move: it is looked at every two seconds."""
    status = version["status"]
    assert isinstance(status, dict)
    began, ended = (datetime.fromisoformat(status[f]) for f in ("startedAt", "finishedAt"))
    return int((ended - began).total_seconds() / 2)


def written(proxy: FaultProxy) -> Counter[str]:
    """The writing calls so far, by verb and resource."""
    return Counter(_named(call) for call in list(proxy.calls) if "authorization" not in call.path)


def _named(call: Call) -> str:
    resource = call.path.rpartition("/namespaces/*/")[2]
    return f"{call.method} {resource.replace('/*', '')}"
