"""What the kubelet and Prometheus ask: /healthz, /readyz and /metrics."""

import asyncio
import time
from collections.abc import Callable

from aiohttp import web
from prometheus_client import generate_latest

from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.kinds import OWN_KINDS, WATCHED_KINDS
from modelyard_operator.cluster.queue import Queues
from modelyard_operator.cluster.worker import WorkerPool

HEARTBEAT = 1.0
#: The loop is hung when its heart has not beaten for so long.
HEARTBEAT_LATE = 30.0
#: A reconcile is hung after this time; every call in it has a deadline far below.
RECONCILE_LATE = 600.0
#: kopf makes its watches anew within moments; one that stays away does not come back.
WATCH_LATE = 30.0
#: The name that kopf gives to the task of a watch.
_WATCH_TASK = "watcher for "


class Health:
    """Knows whether the process still does its work."""

    def __init__(self, pool: WorkerPool, watches: int) -> None:
        self._pool = pool
        self._watches = watches
        self._beat = time.monotonic()
        self._watched = time.monotonic()
        self.synced = asyncio.Event()

    async def beat(self) -> None:
        """Note, once a second, that the loop runs and the watches are there."""
        while True:
            expected = time.monotonic() + HEARTBEAT
            await asyncio.sleep(HEARTBEAT)
            now = time.monotonic()
            metrics.LOOP_LAG.set(now - expected)
            self._beat = now
            if not self.synced.is_set() or _running_watches() >= self._watches:
                self._watched = now

    def problem(self) -> str | None:
        """Why the process should be restarted; None where it is fine."""
        now = time.monotonic()
        if now - self._beat > HEARTBEAT_LATE:
            return f"the event loop has not run for {now - self._beat:.0f} s"
        if now - self._watched > WATCH_LATE:
            return f"only {_running_watches()} of {self._watches} watches run"
        if self._pool.died():
            return "a worker has ended"
        if self._pool.oldest_reconcile() > RECONCILE_LATE:
            return f"a reconcile has been going on for {self._pool.oldest_reconcile():.0f} s"
        return None


def _running_watches() -> int:
    return sum(
        task.get_name().startswith(_WATCH_TASK) and not task.done() for task in asyncio.all_tasks()
    )


def expected_watches(namespaces: tuple[str, ...]) -> int:
    """How many watches there are when all is well."""
    return len(WATCHED_KINDS) * max(1, len(namespaces))


async def serve(health: Health, cache: Cache, queues: Queues, port: int) -> web.AppRunner:
    """Answer on a port until the runner is cleaned up."""
    app = web.Application()
    app.router.add_get("/healthz", lambda _: _answer(health.problem()))
    app.router.add_get(
        "/readyz",
        lambda _: _answer(
            health.problem() or (None if health.synced.is_set() else "not synced yet")
        ),
    )
    app.router.add_get("/metrics", lambda _: _metrics(lambda: _measure(cache, queues)))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner


async def _answer(problem: str | None) -> web.Response:
    return web.Response(text=problem or "ok", status=503 if problem else 200)


async def _metrics(measure: Callable[[], None]) -> web.Response:
    measure()
    return web.Response(
        body=generate_latest(metrics.REGISTRY),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


def _measure(cache: Cache, queues: Queues) -> None:
    for kind, queue in queues.items():
        metrics.QUEUE_DEPTH.labels(kind).set(len(queue))
        metrics.QUEUE_AGE.labels(kind).set(queue.oldest())
    metrics.OBJECTS.clear()
    for own in OWN_KINDS:
        for phase, count in cache.phases(own).items():
            metrics.OBJECTS.labels(own.kind, phase).set(count)
