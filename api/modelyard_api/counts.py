"""Where requests are counted: in this replica's memory, or in a store that all replicas share.

The store is Redis or Valkey, which a platform often has already; none is needed. While it does not
answer, requests are counted here and the answers say so: a limit is no reason for an outage.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

log = logging.getLogger(__name__)

REPLICA, ALL = "replica", "all-replicas"
WINDOW_SECONDS = 60
#: What a request may wait for the store, and how long the store is left alone after a failure.
ANSWER_SECONDS = 0.5
PAUSE_SECONDS = 5.0


class Counted(NamedTuple):
    """A request that was counted."""

    allowed: bool
    remaining: int
    reset_at: float
    counted_by: str


class ReplicaCounts:
    """Counts in memory, in the sliding window that ``limits`` has in Redis.

    A window's count weighs less and less while the next one passes. The library's own counts in
    memory took a twentieth of a prediction's way through the façade.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._window = 0
        self._last: dict[tuple[str, str], int] = {}
        self._now: dict[tuple[str, str], int] = {}

    def hit(self, subject: str, credential: str, limit: int) -> Counted:
        """Count a request; one that is not allowed is not counted."""
        window, passed = divmod(self._clock(), WINDOW_SECONDS)
        if window != self._window:
            self._last = self._now if window == self._window + 1 else {}
            self._window, self._now = int(window), {}
        key = (subject, credential)
        now, last = self._now.get(key, 0), self._last.get(key, 0)
        used = last * (1 - passed / WINDOW_SECONDS) + now
        if used + 1 > limit:
            return Counted(False, 0, self._free_at(now, last, limit), REPLICA)
        self._now[key] = now + 1
        end = (self._window + 1) * WINDOW_SECONDS
        return Counted(True, int(limit - used - 1), end, REPLICA)

    def _free_at(self, now: int, last: int, limit: int) -> float:
        """When one more is allowed: later in this window, or in the next one."""
        if now < limit:
            return (self._window + 1 - (limit - 1 - now) / last) * WINDOW_SECONDS
        return (self._window + 2 - (limit - 1) / now) * WINDOW_SECONDS


class Counts:
    """Counts requests in a sliding window of a minute."""

    def __init__(self, store_url: str = "") -> None:
        self._own = ReplicaCounts()
        self._pool = _open(store_url) if store_url else None
        self._shared = SlidingWindowCounterRateLimiter(_storage(self._pool)) if self._pool else None
        self._away_until = 0.0

    async def close(self) -> None:
        """Close the connections."""
        if self._pool:
            await self._pool.aclose()

    async def hit(self, subject: str, credential: str, limit: int) -> Counted:
        """Count one more of something that a credential may do so often a minute."""
        if self._shared and time.monotonic() >= self._away_until:
            try:
                return await _hit(self._shared, subject, credential, limit)
            except StorageError as error:
                self._away_until = time.monotonic() + PAUSE_SECONDS
                reason = error.storage_error
                log.warning("requests are counted by this replica alone for now: %s", reason)
        return self._own.hit(subject, credential, limit)


async def _hit(
    shared: SlidingWindowCounterRateLimiter, subject: str, credential: str, limit: int
) -> Counted:
    item = RateLimitItemPerMinute(limit, namespace=subject)
    allowed = await shared.hit(item, credential)
    stats = await shared.get_window_stats(item, credential)
    return Counted(allowed, max(0, int(stats.remaining)), stats.reset_time, ALL)


def _open(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(
        url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )


def _storage(pool: ConnectionPool) -> Storage:
    # Its annotation allows only plain values, its documentation a pool.
    given: dict[str, Any] = {"connection_pool": pool}
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", **given)
