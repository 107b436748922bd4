"""The net under all that the store holds: its folders compared with what lives and is complete."""

import logging
from datetime import UTC, date, datetime, timedelta

from modelyard_crds.build import PREDICTIONS_KEPT_DAYS, PREDICTIONS_PREFIX
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.kinds import DATASET, MODEL_VERSION, Kind
from modelyard_operator.cluster.multiparts import Multiparts
from modelyard_operator.cluster.reconciler import served_versions
from modelyard_operator.cluster.store import Store

logger = logging.getLogger(__name__)

#: Nothing younger is touched: an object may be restored, or just not be listed yet.
GRACE = timedelta(hours=24)

_UPLOADS = "uploads/"
#: Parts of a path under it: the account, and the upload's folder or record.
_UPLOAD_DEPTH = 2
_RECORD = ".json"

_ROOTS: tuple[tuple[str, Kind], ...] = (("builds/", MODEL_VERSION), ("profiles/", DATASET))


class Sweeper:
    """Removes folders of uids that no object has, and uploads that were begun and not completed.

    It must see all namespaces: an operator that sees some would take the rest for leftovers.
    Two clusters must not share a store's prefix, for the same reason.
    """

    def __init__(self, api: Api, cache: Cache, store: Store) -> None:
        self._api = api
        self._cache = cache
        self._store = store

    async def sweep(self) -> int:
        """One round; tells how many folders and unfinished uploads were removed."""
        threshold = datetime.now(UTC) - GRACE
        removed = sum([await self._sweep(root, kind, threshold) for root, kind in _ROOTS])
        removed += await self.sweep_uploads(threshold)
        removed += await self.sweep_predictions(datetime.now(UTC).date())
        multiparts = Multiparts(self._store.config)
        return removed + (await multiparts.abort_older(threshold) if multiparts.within_reach else 0)

    async def sweep_uploads(self, threshold: datetime) -> int:
        """Remove uploads without a record to which nothing has been added since a moment."""
        seen = {
            path: changed async for path, changed in self._store.folders(_UPLOADS, _UPLOAD_DEPTH)
        }
        abandoned = [
            path
            for path, changed in seen.items()
            if changed < threshold and not path.endswith(_RECORD) and path + _RECORD not in seen
        ]
        for path in abandoned:
            # The record comes last, so one that came since the listing would be there now.
            if await self._store.read(f"{_UPLOADS}{path}{_RECORD}") is None:
                await self._store.delete_prefix(f"{_UPLOADS}{path}/")
                logger.info("swept from the store", extra={"prefix": f"{_UPLOADS}{path}/"})
        return len(abandoned)

    async def sweep_predictions(self, today: date) -> int:
        """Remove the prediction logs of days that are long past, whatever they are of."""
        oldest = (today - timedelta(days=PREDICTIONS_KEPT_DAYS)).isoformat()
        days = [day for day in await self._store.subfolders(PREDICTIONS_PREFIX) if day < oldest]
        for day in days:
            await self._store.delete_prefix(f"{PREDICTIONS_PREFIX}{day}/")
            logger.info("swept from the store", extra={"prefix": f"{PREDICTIONS_PREFIX}{day}/"})
        return len(days)

    async def _sweep(self, root: str, kind: Kind, threshold: datetime) -> int:
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
