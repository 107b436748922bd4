"""Operator and façade for half an hour with tokens that last ten minutes, the shortest there are.

Pitfall 2.1: whoever takes a token once is refused after that time. Each turn asks for a reconcile
and for a write over REST, as a holder of a key and, for a look at the token review, as a new
token of Kubernetes; the pods must have seen three tokens for the campaign to say anything.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support import objects
from support.durations import LONG, SHORT
from support.kubectl import Kubectl, poll, restarts
from support.rest import make_key, open_client
from support.soak import record, scaled

SECONDS = 1800
LIFETIME = 600
#: The kubelet renews a token after four fifths of its life.
RENEWED = 0.8 * LIFETIME
TURN_SECONDS = 15.0
PARTS = ("operator", "api")
FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
READ = f"import hashlib; print(hashlib.sha256(open('{FOLDER}/token','rb').read()).hexdigest())"


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_tokens_of_ten_minutes_fail_nothing(
    kubectl: Kubectl, system: Kubectl, api_url: str
) -> None:
    duration, turns = scaled(SECONDS), 0
    kubectl.apply(objects.model("asked", datasetRef={"name": "none"}))
    with short_tokens(system), open_client(api_url, make_key(kubectl.namespace)) as client:
        seen: dict[str, set[str]] = {part: set() for part in PARTS}
        over = time.monotonic() + duration
        while time.monotonic() < over:
            turns += 1
            _ask_operator(kubectl, turns)
            _ask_facade(kubectl, client, turns)
            for part in PARTS:
                seen[part].add(_token(system, part))
            _until(time.monotonic() + TURN_SECONDS)
        assert not any(count for part in PARTS for count in restarts(system, part).values())
        assert _failed(system) == 0
    record("tokens.turns", turns, "turns")
    record("tokens.seen", min(map(len, seen.values())), "tokens")
    assert all(len(tokens) >= duration // RENEWED for tokens in seen.values()), seen


def _until(moment: float) -> None:
    poll(lambda: time.monotonic() > moment or None, within=2 * TURN_SECONDS)


def _ask_operator(kubectl: Kubectl, turn: int) -> None:
    kubectl.patch("model", "asked", {"spec": {"description": f"turn {turn}"}})
    kubectl.wait(
        "model",
        "asked",
        lambda seen: (
            seen.get("status", {}).get("observedGeneration") == seen["metadata"]["generation"]
        ),
        within=SHORT,
        what="seen by the operator",
    )


def _ask_facade(kubectl: Kubectl, client: httpx.Client, turn: int) -> None:
    """A write by the façade's own token, and a stranger's token for it to have reviewed."""
    key = client.post("/api-keys", json={"name": f"turn {turn}", "scopes": ["read"]})
    client.delete(f"/api-keys/{key.raise_for_status().json()['key_id']}").raise_for_status()
    stranger = kubectl.run("create", "token", "default").strip()
    answer = httpx.get(
        f"{client.base_url}/models", headers={"Authorization": f"Bearer {stranger}"}, timeout=SHORT
    )
    assert answer.status_code == httpx.codes.FORBIDDEN, answer.text


@contextmanager
def short_tokens(system: Kubectl) -> Iterator[None]:
    """Meanwhile the pods of both mount a token of the shortest life there is."""
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": LIFETIME}},
        {"configMap": {"name": "kube-root-ca.crt"}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": _NAMESPACE}]}},
    ]
    for part in PARTS:
        mounts = [{"name": "short-token", "mountPath": FOLDER, "readOnly": True}]
        spec = {
            "volumes": [{"name": "short-token", "projected": {"sources": sources}}],
            "containers": [{"name": part, "volumeMounts": mounts}],
        }
        _strategic_patch(system, part, {"spec": {"template": {"spec": spec}}})
    try:
        for part in PARTS:
            _rolled_out(system, part)
        yield
    finally:
        for part in PARTS:
            system.run("rollout", "undo", f"deployment/modelyard-{part}")
        for part in PARTS:
            _rolled_out(system, part)


_NAMESPACE = {"fieldPath": "metadata.namespace"}


def _strategic_patch(system: Kubectl, part: str, change: objects.Object) -> None:
    name = f"modelyard-{part}"
    system.run("patch", "deployment", name, "--type=strategic", "-p", json.dumps(change))


def _rolled_out(system: Kubectl, part: str) -> None:
    system.run("rollout", "status", f"deployment/modelyard-{part}", f"--timeout={LONG}s")


def _token(system: Kubectl, part: str) -> str:
    """What a pod's token is by now, as a digest."""
    return system.run("exec", f"deployment/modelyard-{part}", "--", "python", "-c", READ).strip()


def _failed(system: Kubectl) -> float:
    """Reconciles that were not done at once, and calls that the API server did not let in."""
    return sum(
        sample.value
        for pod in system.list("pods", "app.kubernetes.io/component=operator")
        for family in text_string_to_metric_families(_metrics(system, pod["metadata"]["name"]))
        for sample in family.samples
        if sample.labels.get("result") in {"retry", "error"} or sample.labels.get("code") == "401"
    )


def _metrics(system: Kubectl, pod: str) -> str:
    path = f"/api/v1/namespaces/{system.namespace}/pods/{pod}:8080/proxy/metrics"
    return system.run("get", "--raw", path)
