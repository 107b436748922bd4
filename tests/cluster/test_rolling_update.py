"""Pods are replaced again and again under heavy load: no request fails (pitfalls 5.10 and 7.2)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import load, objects
from support.durations import LONG
from support.kubectl import Kubectl
from support.rest import make_key, open_client

pytestmark = pytest.mark.cluster

ROW = json.loads((Path(__file__).parents[2] / "examples/tumour.json").read_text())
DEPLOYMENT = "tumours-production"
ROLLOUTS = 3
CONNECTIONS = 8


def test_no_request_fails_while_all_pods_are_replaced(kubectl: Kubectl, api_url: str) -> None:
    kubectl.apply(objects.dataset(), objects.model(), objects.deployment(replicas=2))
    kubectl.wait_condition("modeldeployment", DEPLOYMENT, "Ready", within=LONG)
    key = make_key(kubectl.namespace)
    with open_client(api_url, key):
        path = "/models/tumours/latest/infer"
    with load.requests(api_url, key, path, ROW, threads=CONNECTIONS) as asked:
        for _ in range(ROLLOUTS):
            kubectl.run("rollout", "restart", f"deployment/{DEPLOYMENT}")
            kubectl.run(
                "rollout",
                "status",
                f"deployment/{DEPLOYMENT}",
                f"--timeout={LONG}s",
                timeout=LONG + 1,
            )
    assert asked.failures == []
    assert asked.answered > 100 * ROLLOUTS
