"""Builds of two small pods, and what they leave in the store: fits, and who made them."""

from __future__ import annotations

import json
import re

from modelyard_crds.build import fits_prefix, logs_key
from modelyard_runtime.store import Store

TEAM = {
    "parallelism": 2,
    "resources": {
        "requests": {"cpu": "100m", "memory": "256Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    },
}


def recorded(store: Store, version_uid: str) -> int:
    """How many fits of a running build are safe."""
    return len(list(store.list(fits_prefix(version_uid))))


def log_of(store: Store, version_uid: str) -> list[str]:
    """The messages of a build's log."""
    return [json.loads(line)["message"] for line in store.get(logs_key(version_uid)).splitlines()]


def fits_by_pod(store: Store, version_uid: str) -> dict[str, int]:
    """How many fits each pod made, as rank 0 counted them."""
    said = "".join(ln for ln in log_of(store, version_uid) if ln.startswith("Fits by pod: "))
    return {pod: int(count) for pod, count in re.findall(r"([a-z0-9-]+) (\d+)", said)}


def used_again(store: Store, version_uid: str) -> int:
    """How many fits of an earlier try the pod of rank 0 took from the store."""
    found = re.search(r"(\d+) fits of an earlier try", "\n".join(log_of(store, version_uid)))
    return int(found[1]) if found else 0
