"""The Secret that opens the object store to the pods of a namespace."""

import base64

from modelyard_crds import names
from modelyard_crds.build import PLANNER_KEY_FILE, StoreConfig
from modelyard_operator.resources.runtime import Manifest


def build_store_secret(namespace: str, config: StoreConfig, planner_key: str = "") -> Manifest:
    """A copy of the operator's own store configuration, one file a key; the planner's key too.

    It has no owner: every Dataset, version and deployment of the namespace needs it.
    """
    planner = {PLANNER_KEY_FILE: planner_key} if planner_key else {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.STORE_SECRET,
            "namespace": namespace,
            "labels": names.common_labels("store", {}),
        },
        "type": "Opaque",
        "data": {
            name: _encoded(value) for name, value in sorted((config.to_json() | planner).items())
        },
    }


def _encoded(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return base64.b64encode(text.encode()).decode()
