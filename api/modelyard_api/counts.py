"""Where requests are counted: in this replica's memory, or in a store that all replicas share.

The store is Redis or Valkey, which a platform often has already; none is needed. While it does not
answer, requests are counted here and the answers say so: a limit is no reason for an outage.
"""

import logging
import time
from typing import Any, NamedTuple

from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

log = logging.getLogger(__name__)

REPLICA, ALL = "replica", "all-replicas"
#: What a request may wait for the store, and how long the store is left alone after a failure.
ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 5.0


class Counted(NamedTuple):
    """A request that was counted."""

    allowed: bool
    remaining: int
    reset_at: float
    counted_by: str


class Counts:
    """Counts requests in a sliding window."""

    def __init__(self, store_url: str = "") -> None:
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._pool = _open(store_url) if store_url else None
        self._shared = SlidingWindowCounterRateLimiter(_storage(self._pool)) if self._pool else None
        self._away_until = 0.0

    async def close(self) -> None:
        """Close the connections."""
        if self._pool:
            await self._pool.aclose()

    async def hit(self, item: RateLimitItem, credential: str) -> Counted:
        """Count a request of a credential."""
        if self._shared and time.monotonic() >= self._away_until:
            try:
                return await _hit(self._shared, item, credential, ALL)
            except StorageError as error:
                self._away_until = time.monotonic() + PAUSE_SECONDS
                reason = error.storage_error
                log.warning("requests are counted by this replica alone for now: %s", reason)
        return await _hit(self._own, item, credential, REPLICA)


async def _hit(
    strategy: SlidingWindowCounterRateLimiter, item: RateLimitItem, credential: str, by: str
) -> Counted:
    allowed = await strategy.hit(item, credential)
    stats = await strategy.get_window_stats(item, credential)
    return Counted(allowed, max(0, int(stats.remaining)), stats.reset_time, by)


def _open(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(
        url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )


def _storage(pool: ConnectionPool) -> Storage:
    # Its annotation allows only plain values, its documentation a pool.
    given: dict[str, Any] = {"connection_pool": pool}
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", **given)
