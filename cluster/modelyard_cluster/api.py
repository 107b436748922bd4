"""Small questions to the API server without a kubectl process each: is it ready, is that running.

Only what ``up``, ``status`` and ``down`` ask. Applying manifests is kubectl's.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelyard_cluster.errors import StartError
from modelyard_cluster.paths import read_json
from modelyard_cluster.run import ending

POLL_SECONDS = 0.25


class ApiClient:
    """Reads objects with the credentials of a kubeconfig that we wrote ourselves (as JSON)."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read the credentials.

        Raises:
            StartError: the file is missing or not one of ours.
        """
        content = read_json(kubeconfig)
        if content is None:
            raise StartError(f"There is no kubeconfig at {kubeconfig}.", "Run `up` first.")
        self.server = str(content["clusters"][0]["cluster"]["server"])
        handler = urllib.request.HTTPSHandler(context=_tls_context(content))
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)

    def text(self, path: str, *, timeout: float = 5.0) -> str | None:
        """The body at the path; None when it is not there or the server does not answer."""
        try:
            with self._opener.open(f"{self.server}{path}", timeout=timeout) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except (OSError, urllib.error.URLError, ValueError):
            return None

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at the path; None when it is not there or the server does not answer."""
        body = self.text(path)
        content = json.loads(body) if body else None
        return content if isinstance(content, dict) else None

    def is_ready(self) -> bool:
        """Whether the API server says of itself that it is ready."""
        return self.text("/readyz", timeout=2.0) == "ok"

    def node_is_ready(self, node: str) -> bool:
        """Whether the node's Ready condition is true."""
        return has_condition(self.get(f"/api/v1/nodes/{node}"), "Ready")

    def deployment_is_available(self, namespace: str, name: str) -> bool:
        """Whether the deployment has the pods it wants, of its newest template."""
        return is_rolled_out(self.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"))


def _tls_context(kubeconfig: dict[str, Any]) -> ssl.SSLContext:
    authority = kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]
    context = ssl.create_default_context(cadata=base64.b64decode(authority).decode("ascii"))
    user = kubeconfig["users"][0]["user"]
    with tempfile.NamedTemporaryFile() as pair:
        for part in ("client-certificate-data", "client-key-data"):
            pair.write(base64.b64decode(user[part]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


def has_condition(found: dict[str, Any] | None, kind: str) -> bool:
    """Whether the object's condition of that type is true."""
    conditions = ((found or {}).get("status") or {}).get("conditions") or []
    return any(c.get("type") == kind and c.get("status") == "True" for c in conditions)


def is_rolled_out(deployment: dict[str, Any] | None) -> bool:
    """Whether a deployment's newest template runs in full."""
    if deployment is None:
        return False
    status = deployment.get("status") or {}
    wanted = (deployment.get("spec") or {}).get("replicas", 1)
    seen = int(status.get("observedGeneration", 0))
    counts = (status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    return seen >= int(deployment["metadata"]["generation"]) and min(counts) >= int(wanted)


def wait_until(
    what: str,
    holds: Callable[[], bool],
    *,
    seconds: float,
    advice: str = "",
    check: Callable[[], None] | None = None,
) -> None:
    """Wait for a condition; ``check`` may raise when waiting has become pointless.

    Raises:
        StartError: it does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if check is not None:
            check()
        if time.monotonic() > deadline or ending.is_set():
            raise StartError(f"{what} after {seconds:.0f} s.", advice)
        time.sleep(POLL_SECONDS)
