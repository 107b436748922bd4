"""The net under the deletion of artifacts: the store's folders compared with what lives."""

import logging
from datetime import UTC, datetime, timedelta

from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.kinds import DATASET, MODEL_VERSION, Kind
from modelyard_operator.cluster.reconciler import served_versions
from modelyard_operator.cluster.store import Store

logger = logging.getLogger(__name__)

#: Nothing younger is touched: an object may be restored, or just not be listed yet.
GRACE = timedelta(hours=24)

_ROOTS: tuple[tuple[str, Kind], ...] = (("builds/", MODEL_VERSION), ("profiles/", DATASET))


class Sweeper:
    """Removes folders of uids that no object has.

    It must see all namespaces: an operator that sees some would take the rest for leftovers.
    Two clusters must not share a store's prefix, for the same reason.
    """

    def __init__(self, api: Api, cache: Cache, store: Store) -> None:
        self._api = api
        self._cache = cache
        self._store = store

    async def sweep(self) -> int:
        """One round; tells how many folders were removed."""
        return sum([await self._sweep(root, kind) for root, kind in _ROOTS])

    async def _sweep(self, root: str, kind: Kind) -> int:
        threshold = datetime.now(UTC) - GRACE
        old = [uid async for uid, changed in self._store.folders(root) if changed < threshold]
        if not old:
            return 0
        # After the folders, so that what was made meanwhile is among the living.
        living = {raw["metadata"]["uid"] async for raw in self._api.list(kind, None)}
        living |= served_versions(self._cache)
        removed = [uid for uid in old if uid not in living]
        for uid in removed:
            await self._store.delete_prefix(f"{root}{uid}/")
            logger.info("swept from the store", extra={"prefix": f"{root}{uid}/"})
        return len(removed)
