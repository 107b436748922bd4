"""A queue of keys: none twice, none at two workers, namespaces in turn, some only later.

``Schedule`` is the data structure and knows no clock and no loop; ``KeyQueue`` is the same for
tasks that wait.
"""

import asyncio
import contextlib
import heapq
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping

from modelyard_operator.cluster.kinds import OWN_KINDS
from modelyard_operator.cluster.routing import CLEANUP, Key


class Schedule:
    """Keys of one kind that are due now or later."""

    def __init__(self) -> None:
        self._ready: OrderedDict[str, deque[Key]] = OrderedDict()
        self._waiting_since: dict[Key, float] = {}
        self._later: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._active: set[Key] = set()
        self._again: set[Key] = set()

    def __len__(self) -> int:
        return len(self._waiting_since)

    def add(self, key: Key, now: float) -> None:
        """Make a key due. One that is being worked on comes again when that is done."""
        self._due.pop(key, None)
        if key in self._active:
            self._again.add(key)
        elif key not in self._waiting_since:
            self._waiting_since[key] = now
            self._ready.setdefault(key.namespace, deque()).append(key)

    def add_later(self, key: Key, when: float) -> None:
        """Make a key due at a time; of several times the earliest holds."""
        if key in self._waiting_since or key in self._again:
            return
        if when < self._due.get(key, float("inf")):
            self._due[key] = when
            heapq.heappush(self._later, (when, key))

    def forget(self, key: Key) -> None:
        """Let go of a later time, for an object that is gone."""
        self._due.pop(key, None)

    def take(self, now: float) -> Key | None:
        """The next due key, each namespace in its turn; ``done`` must follow."""
        self._promote(now)
        if not self._ready:
            return None
        namespace, keys = self._ready.popitem(last=False)
        key = keys.popleft()
        if keys:
            self._ready[namespace] = keys
        del self._waiting_since[key]
        self._active.add(key)
        return key

    def done(self, key: Key, now: float) -> None:
        """The worker has finished with a key."""
        self._active.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key, now)

    def next_time(self) -> float | None:
        """When the next later key is due."""
        while self._later and self._due.get(self._later[0][1]) != self._later[0][0]:
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def oldest(self, now: float) -> float:
        """How long the oldest due key has waited."""
        return now - min(self._waiting_since.values(), default=now)

    def _promote(self, now: float) -> None:
        while (when := self.next_time()) is not None and when <= now:
            _, key = heapq.heappop(self._later)
            del self._due[key]
            self.add(key, now)


class KeyQueue:
    """A Schedule whose takers wait."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._schedule = Schedule()
        self._clock = clock
        self._wake = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._schedule)

    def oldest(self) -> float:
        """How long the oldest due key has waited."""
        return self._schedule.oldest(self._clock())

    def add(self, key: Key) -> None:
        """Make a key due now."""
        self._schedule.add(key, self._clock())
        self._wake.set()

    def add_later(self, key: Key, delay: float) -> None:
        """Make a key due after a delay."""
        self._schedule.add_later(key, self._clock() + delay)
        self._wake.set()

    def forget(self, key: Key) -> None:
        """Let go of a later time."""
        self._schedule.forget(key)

    def done(self, key: Key) -> None:
        """The worker has finished with a key."""
        self._schedule.done(key, self._clock())
        self._wake.set()

    def close(self) -> None:
        """Send all takers home."""
        self._closed = True
        self._wake.set()

    async def take(self) -> Key | None:
        """Wait for the next due key; None once the queue is closed."""
        while not self._closed:
            if key := self._schedule.take(self._clock()):
                return key
            self._wake.clear()
            due = self._schedule.next_time()
            delay = None if due is None else max(0.0, due - self._clock())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()
        return None


Queues = Mapping[str, KeyQueue]


def new_queues() -> Queues:
    """A queue for each kind, so that no kind waits for another."""
    return {kind: KeyQueue(time.monotonic) for kind in [*(k.kind for k in OWN_KINDS), CLEANUP]}
