"""What goes wrong in a reconcile decides when it is tried again, and nothing else suffers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from modelyard_operator.cluster.outage import Outage
from modelyard_operator.cluster.queue import Queues, new_queues
from modelyard_operator.cluster.routing import Key
from modelyard_operator.cluster.worker import WorkerPool
from modelyard_operator.errors import (
    ConflictError,
    NotFoundError,
    StoreUnavailableError,
    TryAgainError,
)

KEY = Key("Model", "team-a", "churn")
OTHER = Key("Model", "team-b", "churn")


class Scripted:
    """Reconciles by a script: for each key what its tries come to, in order."""

    def __init__(self) -> None:
        self.script: dict[Key, list[Exception | float | None]] = {}
        self.tried: list[Key] = []
        self.at_work: set[Key] = set()
        self.changed = asyncio.Event()

    def token(self, key: Key) -> object:
        return key

    async def reconcile(self, key: Key) -> float | None:
        assert key not in self.at_work, "one reconcile of a key at a time"
        self.at_work.add(key)
        await asyncio.sleep(0)
        self.at_work.discard(key)
        self.tried.append(key)
        self.changed.set()
        came_to = self.script[key].pop(0) if self.script.get(key) else None
        if isinstance(came_to, Exception):
            raise came_to
        return came_to


@pytest.fixture
def queues() -> Queues:
    return new_queues()


@pytest.fixture
async def scripted(queues: Queues) -> AsyncIterator[Scripted]:
    scripted = Scripted()
    pool = WorkerPool(queues, scripted, concurrency=3, outage=Outage())
    pool.spawn()
    pool.start()
    yield scripted
    assert not pool.died()
    await pool.stop(grace=1)


async def until(scripted: Scripted, count: int) -> None:
    async with asyncio.timeout(5):
        while len(scripted.tried) < count:
            scripted.changed.clear()
            await scripted.changed.wait()


@pytest.mark.parametrize(
    "failure", [ConflictError("x"), TryAgainError("x"), StoreUnavailableError("x"), ValueError("x")]
)
async def test_failed_key_comes_again(
    scripted: Scripted, queues: Queues, failure: Exception
) -> None:
    scripted.script[KEY] = [failure]
    queues["Model"].add(KEY)
    await until(scripted, 2)


async def test_object_that_went_away_is_let_go(scripted: Scripted, queues: Queues) -> None:
    scripted.script[KEY] = [NotFoundError("x")]
    queues["Model"].add(KEY)
    await until(scripted, 1)
    queues["Model"].add(OTHER)
    await until(scripted, 2)
    assert scripted.tried == [KEY, OTHER]


async def test_failing_keys_hold_up_no_other(scripted: Scripted, queues: Queues) -> None:
    """Pitfall 1.12."""
    bad = [Key("Model", "bad", str(number)) for number in range(50)]
    for key in bad:
        scripted.script[key] = [TryAgainError("x", retry_after=60)]
        queues["Model"].add(key)
    queues["Model"].add(OTHER)
    await until(scripted, 51)
    assert OTHER in scripted.tried[:10]


async def test_key_comes_back_when_it_asked_to(scripted: Scripted, queues: Queues) -> None:
    scripted.script[KEY] = [0.01]
    queues["Model"].add(KEY)
    await until(scripted, 2)


async def test_stopping_lets_reconciles_end(queues: Queues) -> None:
    scripted = Scripted()
    pool = WorkerPool(queues, scripted, concurrency=1, outage=Outage())
    pool.spawn()
    queues["Model"].add(KEY)
    assert scripted.tried == [], "no key is taken before the start"
    pool.start()
    await until(scripted, 1)
    await pool.stop(grace=1)
    queues["Model"].add(KEY)
    await asyncio.sleep(0)
    assert scripted.tried == [KEY]


async def test_pause_holds_keys_until_the_next_start(queues: Queues) -> None:
    """Pitfall 1.16: a replica without its Lease looks on, and drops nothing meanwhile."""
    scripted = Scripted()
    pool = WorkerPool(queues, scripted, concurrency=1, outage=Outage())
    pool.spawn()
    pool.start()
    pool.pause()
    queues["Model"].add(KEY)
    for _ in range(5):
        await asyncio.sleep(0)
    assert scripted.tried == []
    pool.start()
    await until(scripted, 1)
    await pool.stop(grace=1)


async def test_replica_that_never_led_ends_at_once(queues: Queues) -> None:
    scripted = Scripted()
    pool = WorkerPool(queues, scripted, concurrency=1, outage=Outage())
    pool.spawn()
    queues["Model"].add(KEY)
    await asyncio.wait_for(pool.stop(grace=60), timeout=5)
    assert scripted.tried == []
