"""Two operators, one Lease: the second takes over from a killed one, and nothing is done twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import objects
from support.durations import LONG, MEDIUM, SHORT, TAKEOVER
from support.kubectl import Kubectl
from support.operator_process import (
    OperatorProcess,
    copy_store_secret,
    jobs_made,
    no_operator_in_cluster,
    store_from_outside,
)

pytestmark = pytest.mark.cluster

LEASE = "modelyard-operator"
Replicas = dict[str, OperatorProcess]


@pytest.fixture
def replicas(kubectl: Kubectl, system: Kubectl, tmp_path: Path) -> Iterator[Replicas]:
    """Two replicas, of which the first leads."""
    copy_store_secret(system, kubectl)
    kubeconfig = Path(os.environ["KUBECONFIG"])
    with ExitStack() as stack:
        image = stack.enter_context(no_operator_in_cluster(system))
        store = stack.enter_context(store_from_outside(system, tmp_path / "store"))
        found: Replicas = {}
        for name in ("first", "second"):
            log = tmp_path / f"{name}.log"
            identity = {"POD_NAME": name, "POD_NAMESPACE": kubectl.namespace}
            found[name] = OperatorProcess(
                kubectl.namespace, kubeconfig, store, image, log, environment=identity
            )
            found[name].start()
            if name == "first":
                wait_holder(kubectl, "first", within=SHORT)
        try:
            yield found
        finally:
            for name, replica in found.items():
                replica.kill()
                replica.wait_dead()
                sys.stdout.write(f"--- {name}\n{replica.log[-10_000:]}")


def wait_holder(kubectl: Kubectl, name: str, *, within: float) -> None:
    kubectl.wait(
        "lease",
        LEASE,
        lambda seen: seen["spec"]["holderIdentity"] == name,
        within=within,
        what=f"held by {name}",
    )


def test_a_killed_leader_is_followed_and_nothing_is_done_twice(
    kubectl: Kubectl, replicas: Replicas
) -> None:
    """Pitfall 1.11."""
    kubectl.apply(objects.dataset(), objects.model())
    kubectl.wait("job", "tumours-v1", lambda _: True, within=LONG, what="there")
    replicas["first"].kill()
    wait_holder(kubectl, "second", within=TAKEOVER)

    model = kubectl.wait_condition("model", "tumours", "Ready", within=LONG)
    assert model["status"]["latestVersion"] == 1
    kubectl.wait_gone("job", "tumours-v1", within=MEDIUM)
    assert len(jobs_made(kubectl)) == 2, "one to read the data, one to train"


def test_a_leader_that_is_told_to_end_gives_the_lease_up(
    kubectl: Kubectl, replicas: Replicas
) -> None:
    replicas["first"].end()
    replicas["first"].wait_dead()
    lease = kubectl.get("lease", LEASE)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] != "first"
    wait_holder(kubectl, "second", within=SHORT)
