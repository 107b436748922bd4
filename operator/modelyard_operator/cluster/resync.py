"""Whole lists: the first sync, and the net under the watches.

A watch that is made anew brings what there is but not what went away meanwhile; a list compared
with the cache brings both, whatever happened to the watches.
"""

from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import WATCHED_KINDS, Kind


class Resync:
    """Lists every watched kind and takes in what differs."""

    def __init__(self, api: Api, cache: Cache, intake: Intake, namespaces: tuple[str, ...]) -> None:
        self._api = api
        self._cache = cache
        self._intake = intake
        self._namespaces: tuple[str | None, ...] = namespaces or (None,)

    async def run(self) -> int:
        """List everything; tells how many changes were news."""
        return sum([await self._list(kind) for kind in WATCHED_KINDS])

    async def _list(self, kind: Kind) -> int:
        known = {uid: key for key, uid, _ in self._cache.known(kind)}
        news = 0
        for namespace in self._namespaces:
            async for raw in self._api.list(kind, namespace):
                known.pop(raw["metadata"]["uid"], None)
                news += self._intake.learn(kind, raw)
        for uid, key in known.items():
            gone = self._cache.get(kind, key)
            if gone is not None and gone["metadata"]["uid"] == uid:
                news += 1
                self._intake.forget(kind, gone)
        metrics.MISSED_CHANGES.labels(kind.kind).inc(news)
        return news
