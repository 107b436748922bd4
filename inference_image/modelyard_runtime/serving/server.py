"""One uvicorn process around the app, and how it ends: not ready first, gone last.

uvicorn closes its sockets at a signal. A pod must not: routers still send to it for a moment. So
the signals are handled here, and uvicorn is told to end once the drain period is over. Called by
``main``.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn

from modelyard_runtime.serving.app import App
from modelyard_runtime.serving.assembly import assemble
from modelyard_runtime.serving.health import Health
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.protocol import Protocol
from modelyard_runtime.serving.reporting import Reporter
from modelyard_runtime.serving.settings import Settings
from modelyard_runtime.store import open_store, read_config

#: Longer than the façade keeps connections, so that the side that reuses one closes it.
KEEP_ALIVE_SECONDS = 75
#: Within the pod's grace period of 40 s, less its preStop of 5 s.
GRACEFUL_SECONDS = 25
BACKLOG = 2048

_CGROUP = Path("/sys/fs/cgroup")
_MAX_THREADS = 4

log = logging.getLogger(__name__)


async def serve(predictor: Predictor, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""
    threads = cpu_limit(_CGROUP)
    reporter = Reporter(
        predictor.watchers.all,
        lambda: open_store(read_config(settings.store_folder)),
        settings.report_seconds,
    )
    with ThreadPoolExecutor(threads, thread_name_prefix="predict") as executor, reporter:
        pod = assemble(predictor, settings, executor)
        await pod.health.probe()
        server = _Server(_config(pod.app, settings))
        watch = asyncio.create_task(pod.health.watch())
        drain = asyncio.create_task(_drain_on_signal(server, pod.health, settings.drain_seconds))
        try:
            await server.serve()
        finally:
            watch.cancel()
            drain.cancel()
            await pod.behind.close()
            if pod.tracing is not None:
                await asyncio.to_thread(pod.tracing.close)


def cpu_limit(cgroup: Path) -> int:
    """Whole CPUs that the container may use, at least one: by cgroup v2, v1, or the host's."""
    most = min(_MAX_THREADS, os.cpu_count() or 1)
    share = _quota(cgroup)
    return most if share is None else max(1, min(most, int(share)))


def _quota(cgroup: Path) -> float | None:
    """CPUs as a fraction; None where there is no limit."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = " ".join((cgroup / name).read_text() for name in names).split()
            return int(quota) / int(period) if int(quota) > 0 else None
        except (OSError, ValueError):
            continue
    return None


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _drain_on_signal(server: uvicorn.Server, health: Health, seconds: float) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
    health.drain()
    log.info("draining for %g s", seconds)
    await asyncio.sleep(seconds)
    server.should_exit = True


def _config(app: App, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="none",
        http=Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
