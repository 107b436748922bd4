"""The workers: take a key, reconcile it, and say when it comes back."""

import asyncio
import logging
import time
from typing import Protocol

from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.backoff import Backoff
from modelyard_operator.cluster.outage import Outage
from modelyard_operator.cluster.queue import KeyQueue, Queues
from modelyard_operator.cluster.routing import Key
from modelyard_operator.errors import (
    ConflictError,
    NotFoundError,
    StoreUnavailableError,
    TryAgainError,
)

logger = logging.getLogger(__name__)

#: Somebody wrote between our read and our write; the watch brings that state any moment.
CONFLICT_DELAY = 0.2


class Reconciles(Protocol):
    """What the workers work with."""

    def token(self, key: Key) -> object:
        """What makes a failed key worth trying at once when it changes."""

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile one key; tells when to come back without an event."""


class WorkerPool:
    """A bounded number of workers for each kind."""

    def __init__(
        self, queues: Queues, reconciler: Reconciles, concurrency: int, outage: Outage
    ) -> None:
        self._queues = queues
        self._reconciler = reconciler
        self._concurrency = concurrency
        self._outage = outage
        self._backoff = Backoff()
        self._started: dict[Key, float] = {}
        self._go = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def spawn(self) -> None:
        """Make the worker tasks; they work on no key before ``start``."""
        self._tasks = [
            asyncio.create_task(self._work(queue), name=f"worker {kind} {number}")
            for kind, queue in self._queues.items()
            for number in range(self._concurrency)
        ]

    def start(self) -> None:
        """Let the workers take keys."""
        self._go.set()

    def pause(self) -> None:
        """Let the workers end what they do and take up nothing more until ``start``."""
        self._go.clear()

    @property
    def started(self) -> bool:
        """Whether this process acts: the others of an election only look on."""
        return self._go.is_set()

    def oldest_reconcile(self) -> float:
        """For how long the longest reconcile has been going on."""
        now = time.monotonic()
        return now - min(self._started.values(), default=now)

    def died(self) -> bool:
        """Whether a worker ended by itself."""
        return any(task.done() for task in self._tasks)

    async def stop(self, grace: float) -> None:
        """Take no more keys, and give reconciles that are under way time to end."""
        self._stopping.set()
        self._go.set()
        # Whoever waits for the API server has nothing more to wait for.
        self._outage.note(reached=True)
        busy = [task for task in self._tasks if not task.done()]
        for queue in self._queues.values():
            queue.close()
        if busy:
            _, late = await asyncio.wait(busy, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _work(self, queue: KeyQueue) -> None:
        while (key := await queue.take()) is not None:
            await self._go.wait()
            await self._outage.turn()
            if self._stopping.is_set():
                return
            self._started[key] = time.monotonic()
            try:
                await self._one(queue, key)
            finally:
                metrics.RECONCILE_SECONDS.labels(key.kind).observe(
                    time.monotonic() - self._started.pop(key)
                )
                queue.done(key)

    async def _one(self, queue: KeyQueue, key: Key) -> None:
        result, delay = await self._reconcile(key)
        metrics.RECONCILES.labels(key.kind, result).inc()
        if delay is not None:
            queue.add_later(key, delay)

    async def _reconcile(self, key: Key) -> tuple[str, float | None]:
        """Reconcile, and translate what went wrong into when to try again."""
        token = self._reconciler.token(key)
        try:
            delay = await self._reconciler.reconcile(key)
        except ConflictError:
            return "conflict", CONFLICT_DELAY
        except NotFoundError as error:
            # Object or namespace went away under our hands; if not, an event or a resync tells.
            logger.info("gone", extra={"key": key, "error": str(error)})
            return "gone", None
        except (TryAgainError, StoreUnavailableError) as error:
            wait = self._backoff.failed(key, token)
            if isinstance(error, TryAgainError) and error.retry_after is not None:
                wait = max(wait, error.retry_after)
            logger.warning("retry", extra={"key": key, "error": str(error), "delay": wait})
            return "retry", wait
        except Exception:
            wait = self._backoff.failed(key, token)
            logger.exception("reconcile failed", extra={"key": key, "delay": wait})
            return "error", wait
        self._backoff.succeeded(key)
        return "ok", delay
