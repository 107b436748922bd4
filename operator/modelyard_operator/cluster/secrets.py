"""The Secrets of pods in the namespaces of accounts: there when a pod needs them, never watched.

Watching Secrets would need the right to read all of them; this reads and writes two names.
"""

import logging
import time
from pathlib import Path

from modelyard_crds import names
from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.kinds import SECRET
from modelyard_operator.cluster.store import Store
from modelyard_operator.errors import NotFoundError
from modelyard_operator.reconcile.drift import drift
from modelyard_operator.resources.pod_secrets import build_planner_secret, build_store_secret
from modelyard_operator.resources.runtime import Manifest

logger = logging.getLogger(__name__)

#: How long a Secret that was seen counts as there.
TRUSTED_SECONDS = 30.0


class PodSecrets:
    """Keeps the Secrets that open store and planner where pods are about to start."""

    def __init__(self, api: Api, store: Store, planner_key_path: Path | None = None) -> None:
        self._api = api
        self._store = store
        self._planner_key_path = planner_key_path
        self._seen: dict[str, float] = {}

    async def ensure(self, namespace: str) -> None:
        """Have them in a namespace; one that somebody else put there is used as it is."""
        now = time.monotonic()
        if now - self._seen.get(namespace, -TRUSTED_SECONDS) < TRUSTED_SECONDS:
            return
        await self._have(build_store_secret(namespace, self._store.config))
        if key := self._planner_key():
            await self._have(build_planner_secret(namespace, key))
        self._seen[namespace] = now

    async def _have(self, desired: Manifest) -> None:
        namespace, name = desired["metadata"]["namespace"], desired["metadata"]["name"]
        try:
            found = await self._api.get(SECRET, namespace, name)
        except NotFoundError:
            found = None
        labels = found["metadata"].get("labels", {}) if found else {}
        foreign = found is not None and labels.get(names.MANAGED_BY) != names.MANAGER
        if not foreign and (found is None or drift(desired, found)):
            await self._api.apply(SECRET, desired, manager=names.FIELD_MANAGER)
            metrics.WRITES.labels("Secret", "apply").inc()
            logger.info("applied", extra={"kind": "Secret", "namespace": namespace, "name": name})

    def _planner_key(self) -> str:
        """The key of the planner endpoint; empty where there is none: plans do without it."""
        path = self._planner_key_path
        return path.read_text().strip() if path is not None and path.is_file() else ""
