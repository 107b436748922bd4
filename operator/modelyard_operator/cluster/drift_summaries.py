"""What serving pods counted, read from the store once a minute for all deployments together.

One list tells which summaries are new; only those are fetched. A summary that nobody has renewed
for a day is of the past and is removed, with whatever deployment it was of. Called by ``main``,
read by ``gather``.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from pydantic import ValidationError

from modelyard_crds.data_drift import DRIFT_KEPT, DRIFT_PREFIX, DriftSummary
from modelyard_operator.cluster.store import Store
from modelyard_operator.errors import StoreUnavailableError

_AT_ONCE = 16

logger = logging.getLogger(__name__)


class DriftSummaries:
    """The newest summary of each pod, by the uid of its ModelDeployment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed_at: dict[str, datetime] = {}
        #: By the uid of the deployment, then by key.
        self._summaries: dict[str, dict[str, DriftSummary]] = {}
        self._looked = False

    def of(self, deployment_uid: str) -> tuple[DriftSummary, ...] | None:
        """The summaries of a deployment's pods; None before the store was looked at."""
        if not self._looked:
            return None
        found = self._summaries.get(deployment_uid, {})
        return tuple(found[key] for key in sorted(found))

    async def refresh(self, now: datetime | None = None) -> set[str]:
        """Look once; the uids of deployments that have something new.

        Raises StoreUnavailableError where the store cannot be listed.
        """
        present = await self._store.files(DRIFT_PREFIX)
        stale = {key for key, at in present.items() if (now or _now()) - at > DRIFT_KEPT}
        if stale:
            await self._store.delete(sorted(stale))
        fresh = {key: at for key, at in present.items() if key not in stale}
        gone = self._changed_at.keys() - fresh.keys()
        for key in gone:
            self._summaries.get(_uid(key), {}).pop(key, None)
        self._changed_at = {key: at for key, at in self._changed_at.items() if key in fresh}
        changed = [key for key, at in fresh.items() if self._changed_at.get(key) != at]
        await self._fetch(changed, fresh)
        first, self._looked = not self._looked, True
        # At the first look every deployment is news to this process.
        return _uids(fresh if first else {*changed, *gone})

    async def _fetch(self, keys: Iterable[str], changed_at: dict[str, datetime]) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(key: str) -> None:
            async with slots:
                try:
                    data = await self._store.read(key)
                except StoreUnavailableError as error:
                    # It stays unread, and is read the next time.
                    logger.warning("summary not read", extra={"key": key, "error": str(error)})
                    return
            self._changed_at[key] = changed_at[key]
            try:
                if data is not None:
                    summary = DriftSummary.model_validate_json(data)
                    self._summaries.setdefault(_uid(key), {})[key] = summary
            except ValidationError as error:
                logger.warning("summary not readable", extra={"key": key, "error": str(error)})

        await asyncio.gather(*(one(key) for key in keys))


def _uids(keys: Iterable[str]) -> set[str]:
    return {_uid(key) for key in keys}


def _uid(key: str) -> str:
    return key.removeprefix(DRIFT_PREFIX).partition("/")[0]


def _now() -> datetime:
    return datetime.now(UTC)
