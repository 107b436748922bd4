"""The Secrets that open the object store, and the planner endpoint, to pods of a namespace."""

import base64
from typing import Any

from modelyard_crds import names
from modelyard_crds.build import PLANNER_KEY_FILE, StoreConfig
from modelyard_operator.resources.runtime import Manifest


def build_store_secret(namespace: str, config: StoreConfig) -> Manifest:
    """A copy of the operator's own store configuration, one file a key.

    It has no owner: every Dataset, version and deployment of the namespace needs it.
    """
    return _secret(namespace, names.STORE_SECRET, "store", config.to_json())


def build_planner_secret(namespace: str, key: str) -> Manifest:
    """The key of the planner endpoint, for training pods only."""
    return _secret(namespace, names.PLANNER_SECRET, "planner", {PLANNER_KEY_FILE: key})


def _secret(namespace: str, name: str, component: str, data: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": names.common_labels(component, {}),
        },
        "type": "Opaque",
        "data": {key: _encoded(value) for key, value in sorted(data.items())},
    }


def _encoded(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return base64.b64encode(text.encode()).decode()
