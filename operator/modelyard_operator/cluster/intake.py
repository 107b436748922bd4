"""Everything that is learnt about the cluster comes in here and wakes what it concerns.

Watches and lists bring it, and so do the answers to our own writes: the next decision rests on
them without waiting for the watch to bring them back.
"""

from collections.abc import Mapping
from typing import Any

from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.kinds import CHILD_KINDS, Kind
from modelyard_operator.cluster.queue import Queues
from modelyard_operator.cluster.routing import cleanup_key, keys_of

Raw = Mapping[str, Any]

#: Seconds until a change of a child is looked at. A pod, its Job or ReplicaSet and its Deployment
#: change one after the other within moments; one look, and one status, is enough for all of them.
SETTLE = 0.2


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
            queue = self._queues[key.kind]
            if kind in CHILD_KINDS:
                queue.add_later(key, SETTLE)
            else:
                queue.add(key)
