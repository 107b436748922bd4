"""Everything that is learnt about the cluster comes in here and wakes what it concerns.

Watches and lists bring it, and so do the answers to our own writes: the next decision rests on
them without waiting for the watch to bring them back.
"""

from collections.abc import Mapping
from typing import Any

from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.kinds import Kind
from modelyard_operator.cluster.queue import Queues
from modelyard_operator.cluster.routing import cleanup_key, keys_of

Raw = Mapping[str, Any]


class Intake:
    """Takes objects into the cache, and puts the keys that they concern on the queues."""

    def __init__(self, cache: Cache, queues: Queues) -> None:
        self._cache = cache
        self._queues = queues

    def learn(self, kind: Kind, raw: Raw) -> bool:
        """An object is so; tells whether that was news."""
        news = self._cache.put(kind, raw)
        if news:
            self._wake(kind, raw)
        return news

    def forget(self, kind: Kind, raw: Raw) -> None:
        """An object is gone."""
        self._cache.drop(kind, raw)
        self._wake(kind, raw)
        if cleanup := cleanup_key(kind, raw):
            self._queues[cleanup.kind].add(cleanup)

    def _wake(self, kind: Kind, raw: Raw) -> None:
        for key in keys_of(kind, raw, self._cache):
            self._queues[key.kind].add(key)
