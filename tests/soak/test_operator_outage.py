"""The API server away for five minutes: the operator waits, is not restarted, and goes on.

Pitfall 1.16: no restart, and what was asked for right after the return is done within 30 s.
"""

from __future__ import annotations

import time

import pytest

from support.cluster_parts import restart
from support.durations import LONG, SHORT
from support.kubectl import Kubectl, restarts
from support.soak import record, scaled
from support.stage import drafts, wait_drafts

AWAY_SECONDS = 300
DRAFTS = 20


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_long_outage_restarts_no_operator(kubectl: Kubectl, system: Kubectl) -> None:
    before = restarts(system, "operator")
    restart("kube-apiserver", scaled(AWAY_SECONDS))
    began = time.monotonic()
    kubectl.apply(*drafts(DRAFTS))
    wait_drafts(kubectl, DRAFTS, within=SHORT)
    record("outage.caught_up_s", time.monotonic() - began, "s")
    system.run("rollout", "status", "deployment/modelyard-operator", f"--timeout={LONG}s")
    assert restarts(system, "operator") == before
