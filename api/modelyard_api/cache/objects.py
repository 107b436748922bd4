"""A local copy of the objects of one kind, with indexes.

Fed by its ``Reflector`` and by ``writes`` (whose answers are newer than what the watch has
brought so far); read by handlers. All of it runs in the event loop, so a reader sees either the
whole of a change or nothing of it.
"""

import asyncio
import bisect
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
R = TypeVar("R")
Indexer = Callable[[T], Iterable[str]]

#: How long a deletion made here outlives older events of the watch.
TOMBSTONE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One object and where it stands."""

    namespace: str
    name: str
    uid: str
    revision: int
    value: T


class Signal:
    """Wakes those who wait for a change of one or several caches."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake all."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, probe: Callable[[], R | None], seconds: float) -> R | None:
        """What the probe finds, asked again after each change; None when time is over."""
        deadline = asyncio.get_running_loop().time() + seconds
        while (found := probe()) is None:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0 or not await self._wait(left):
                return probe()
        return found

    async def _wait(self, seconds: float) -> bool:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True


class Ordered(Sequence[T]):
    """A view of a namespace's objects in an order, for pages of thousands; used up at once."""

    def __init__(self, at: Callable[[int], T], length: int, *, descending: bool) -> None:
        self._at, self._length, self._descending = at, length, descending

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._length))]
        if not 0 <= index < self._length:
            raise IndexError(index)
        return self._at(self._length - 1 - index if self._descending else index)


class ObjectCache(Generic[T]):
    """The objects of one kind by namespace and name, and by what indexers say of them.

    They are kept in order, by ``order`` and name, so that a page of thousands costs no sorting;
    what ``order`` gives must never change in an object's life.
    """

    def __init__(
        self,
        indexers: Mapping[str, Indexer[T]] | None = None,
        changed: Signal | None = None,
        order: Callable[[T], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._indexers = dict(indexers or {})
        self._clock = clock
        self._entries: dict[str, dict[str, Entry[T]]] = defaultdict(dict)
        self._index: dict[tuple[str, str, str], dict[str, Entry[T]]] = defaultdict(dict)
        self._order = order or (lambda _value: 0)
        self._sorted: dict[str, list[tuple[Any, str]]] = defaultdict(list)
        self._names: dict[str, list[str]] = defaultdict(list)
        self._tombstones: dict[str, float] = {}
        self._changed = changed or Signal()
        #: Counts changes: what was found out at a number holds while it stays.
        self.changes = 0

    def __len__(self) -> int:
        return sum(len(entries) for entries in self._entries.values())

    def get(self, namespace: str, name: str) -> T | None:
        """The object of a name."""
        entries = self._entries.get(namespace)
        entry = entries.get(name) if entries else None
        return entry.value if entry else None

    def values(self, namespace: str) -> list[T]:
        """All objects of a namespace, in order."""
        entries = self._entries.get(namespace, {})
        return [entries[name].value for _, name in self._sorted.get(namespace, ())]

    def names(self, namespace: str) -> list[str]:
        """The names of all objects of a namespace, in alphabetical order."""
        return list(self._names.get(namespace, ()))

    def ordered(self, namespace: str, *, by_name: bool, descending: bool) -> "Ordered[T]":
        """All objects of a namespace, of which only those that are asked for are looked up."""
        entries, names = self._entries.get(namespace, {}), self._names.get(namespace, [])
        pairs = self._sorted.get(namespace, [])

        def at(place: int) -> T:
            return entries[names[place] if by_name else pairs[place][1]].value

        return Ordered(at, len(names), descending=descending)

    def find(self, index: str, namespace: str, key: str) -> list[T]:
        """The objects of a namespace that an indexer files under a key."""
        return [entry.value for entry in self._index.get((index, namespace, key), {}).values()]

    def put(self, entry: Entry[T]) -> None:
        """Take over an object unless the copy is newer or the object is known to be deleted."""
        if entry.uid in self._tombstones:
            return
        present = self._entries[entry.namespace].get(entry.name)
        if present and present.revision >= entry.revision:
            return
        self._set(entry)
        self._changed.notify()

    def remove(self, namespace: str, name: str, uid: str) -> None:
        """Drop an object for good: events of it that are still under way will be passed over."""
        self._forget_tombstones()
        self._tombstones[uid] = self._clock()
        present = self._entries[namespace].get(name)
        if present and present.uid == uid:
            self._unset(present)
            self._changed.notify()

    def keep_only(self, listed: Container[str], revision: int) -> None:
        """Drop all but the uids of a complete list, and what was written after it was taken."""
        self._forget_tombstones()
        gone = [
            entry
            for group in self._entries.values()
            for entry in group.values()
            if entry.uid not in listed and entry.revision <= revision
        ]
        for entry in gone:
            self._unset(entry)
        self._changed.notify()

    def _set(self, entry: Entry[T]) -> None:
        self.changes += 1
        present = self._entries[entry.namespace].get(entry.name)
        if present:
            self._unset(present)
        self._entries[entry.namespace][entry.name] = entry
        bisect.insort(self._sorted[entry.namespace], (self._order(entry.value), entry.name))
        bisect.insort(self._names[entry.namespace], entry.name)
        for key in self._keys(entry):
            self._index[key][entry.name] = entry

    def _unset(self, entry: Entry[T]) -> None:
        self.changes += 1
        self._entries[entry.namespace].pop(entry.name, None)
        ordered = self._sorted[entry.namespace]
        del ordered[bisect.bisect_left(ordered, (self._order(entry.value), entry.name))]
        named = self._names[entry.namespace]
        del named[bisect.bisect_left(named, entry.name)]
        for key in self._keys(entry):
            bucket = self._index[key]
            bucket.pop(entry.name, None)
            if not bucket:
                del self._index[key]

    def _keys(self, entry: Entry[T]) -> list[tuple[str, str, str]]:
        return [
            (index, entry.namespace, key)
            for index, indexer in self._indexers.items()
            for key in indexer(entry.value)
        ]

    def _forget_tombstones(self) -> None:
        """Drop the oldest, which are the first, where their time is over."""
        limit = self._clock() - TOMBSTONE_SECONDS
        old = list(takewhile(lambda uid: self._tombstones[uid] <= limit, self._tombstones))
        for uid in old:
            del self._tombstones[uid]
