"""The API server and etcd killed in the middle of a build: nothing is lost, nothing is doubled."""

from __future__ import annotations

import pytest

from support import objects
from support.cluster_parts import own_cluster, restart
from support.durations import LONG, MEDIUM, SHORT
from support.kubectl import Kubectl, restarts
from support.objects import DEPLOYMENT
from support.stage import assert_built_once, drafts, wait_drafts

pytestmark = pytest.mark.cluster

#: Longer than a leader may go without renewing its Lease.
BEYOND_THE_LEASE = 20.0
DRAFTS = 10


@pytest.fixture(autouse=True)
def _whole_again(system: Kubectl):
    own_cluster()
    yield
    for part in ("api", "operator"):
        system.run("rollout", "status", f"deployment/modelyard-{part}", f"--timeout={MEDIUM}s")


@pytest.mark.parametrize(("part", "away"), [("kube-apiserver", BEYOND_THE_LEASE), ("etcd", 5.0)])
def test_build_outlives_a_restart(kubectl: Kubectl, system: Kubectl, part: str, away: float):
    """Pitfall 1.16: the operator waits for the API server, is not restarted and goes on."""
    before = restarts(system, "operator")
    kubectl.apply(objects.dataset(), objects.model(), objects.deployment())
    kubectl.wait("job", "tumours-v1", lambda _: True, within=LONG, what="there")

    restart(part, away)
    kubectl.apply(*drafts(DRAFTS))
    wait_drafts(kubectl, DRAFTS, within=SHORT)

    kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=LONG)
    assert_built_once(kubectl)
    assert restarts(system, "operator") == before
