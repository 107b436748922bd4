"""One search over several pods, by Dask's ``distributed``: rank 0 schedules, all of them work.

For the search rank 0 alone reads the dataset; a helper asks it for the encoded problem once, so
that a task is a few words (the fit) and its answer a few numbers. A helper that is lost takes no
finished fit along: what it was doing is done by another. What outlives rank 0 itself is in
``records``. Only imported where ``training.parallelism`` is more than 1: by ``build`` in rank 0, by
``jobs`` in the others.
"""

import asyncio
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import dask
from distributed import Client, LocalCluster, Worker, get_client
from distributed import Future as Task
from distributed.security import Security
from threadpoolctl import threadpool_limits

from modelyard_crds.build import LEADER_PORT, WORKER_PORT
from modelyard_runtime.training.credentials import TlsFiles, make_tls
from modelyard_runtime.training.fitting import Fit, Fitted, run_fit
from modelyard_runtime.training.problem import Problem
from modelyard_runtime.training.runner import Began, Runner, bounded_threads, is_large

log = logging.getLogger(__name__)

#: Pods that may be lost with a fit until the fit is given up.
MAX_LOST = 2
CONNECT_SECONDS = 10
#: How long a helper waits until it looks for rank 0 again.
AGAIN_SECONDS = 1.0
#: Dask's web pages listen on every address unless told otherwise, and without any key.
LOCAL_ONLY = "127.0.0.1:0"
#: What a fit of a large table asks of a pod, which has one: it takes all its processors.
_WHOLE_POD = {"pod": 1.0}
_PROBLEM = "problem"
#: The name of rank 0's worker, which LocalCluster numbers; the others have those of their pods.
OWN_WORKER = 0


class Answer(NamedTuple):
    """What a task gives: the result, and the pod that it comes from."""

    fitted: Fitted
    pod: str


class _Here:
    """What the tasks of this process work with; Dask runs them in threads of its own."""

    def __init__(self) -> None:
        self.cpus = 1
        self.began: Began = lambda _fit: None
        self.problem: Problem | None = None
        self.tls: TlsFiles | None = None
        self._asking = threading.Lock()
        self._threads = threading.local()

    def held(self) -> Problem:
        """The problem of the search; a helper gets it from rank 0 with its first fit."""
        with self._asking:
            if self.problem is None:
                client = get_client()
                self.problem = client.gather(client.get_dataset(_PROBLEM), direct=True)
            return self.problem

    def bound(self, threads: int) -> None:
        """OpenMP keeps its number of threads by thread: each sets its own, once."""
        if getattr(self._threads, "bound", None) != threads:
            threadpool_limits(threads)
            self._threads.bound = threads


_here = _Here()


class PodsRunner:
    """Sends fits to whichever pod is free; counts which pod made them."""

    def __init__(self, client: Client, problem: Problem) -> None:
        self._client = client
        self._large = is_large(problem)
        self.made: Counter[str] = Counter()

    def submit(self, fit: Fit) -> "Future[Fitted]":
        """Have the fit made by a pod."""
        future: Future[Fitted] = Future()
        needs = _WHOLE_POD if self._large else None
        task = self._client.submit(
            _run, fit, self._large, key=fit.key, pure=False, resources=needs, retries=0
        )
        task.add_done_callback(lambda done: self._take(done, future))
        # Given up by the search: no pod need begin it.
        future.add_done_callback(lambda one: task.cancel() if one.cancelled() else None)
        return future

    def _take(self, task: "Task[Answer]", future: "Future[Fitted]") -> None:
        if not future.set_running_or_notify_cancel():
            return
        if task.status == "finished":
            fitted, pod = task.result()
            self.made[pod] += 1
            future.set_result(fitted)
            return
        # KilledWorker: the pods that tried it were lost. It costs this candidate only.
        error = task.exception() if task.status == "error" else None
        cause = task.status if error is None else type(error).__name__
        log.warning("a fit failed on other pods: %s", cause)
        future.set_result(Fitted(float("nan"), None, 0.0, cause))


@contextmanager
def pods_runner(
    problem: Problem,
    cpus: int,
    began: Began,
    team: tuple[str, Path],
    say: Callable[[str], None],
) -> Iterator[Runner]:
    """Rank 0: a scheduler for all pods and a worker of its own, for one search.

    ``team`` is the secret that the pods share and a folder for what is made of it. ``began`` is
    told of the fits of this pod: of those that others are lost with, Dask keeps count.
    """
    _here.cpus, _here.began, _here.problem = cpus, began, problem
    with scheduler(cpus, team) as client:
        client.publish_dataset(client.scatter(problem, direct=True, hash=False), name=_PROBLEM)
        runner = PodsRunner(client, problem)
        yield runner
        made = ", ".join(f"{pod} {count}" for pod, count in sorted(runner.made.items()))
        say(f"Fits by pod: {made or 'none'}.")


@contextmanager
def scheduler(cpus: int, team: tuple[str, Path]) -> Iterator[Client]:
    """Rank 0's scheduler and worker; the others find it by themselves."""
    secret, folder = team
    _here.tls = make_tls(secret, folder)
    _speak_as_we_do()
    with (
        dask.config.set(settings()),
        bounded_threads(1),
        LocalCluster(
            n_workers=1,
            processes=False,
            threads_per_worker=cpus,
            resources=_WHOLE_POD,
            host=own_address(),
            scheduler_port=LEADER_PORT,
            port=WORKER_PORT,
            protocol="tls://",
            security=security(_here.tls),
            dashboard_address=LOCAL_ONLY,
            worker_dashboard_address=LOCAL_ONLY,
            local_directory=str(folder),
            memory_limit=0,
            silence_logs=False,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def help_build(leader: str, cpus: int, secret: str, folder: Path) -> NoReturn:
    """Any other rank: make fits for rank 0, or for the pod that takes its place.

    Ends with the process: Kubernetes ends it when rank 0 is done.
    """
    tls = make_tls(secret, folder)
    _here.cpus, _here.tls = cpus, tls
    _speak_as_we_do()
    with dask.config.set(settings()), bounded_threads(1):
        while True:
            _here.problem = None
            asyncio.run(_work(f"tls://{leader}:{LEADER_PORT}", cpus, tls, folder))


async def _work(address: str, cpus: int, tls: TlsFiles, folder: Path) -> None:
    """Work until the scheduler is gone; one that is not there yet is no fault."""
    try:
        async with Worker(
            address,
            nthreads=cpus,
            port=WORKER_PORT,
            resources=_WHOLE_POD,
            host=own_address(),
            security=security(tls),
            dashboard_address=LOCAL_ONLY,
            local_directory=str(folder),
            memory_limit=0,
            name=socket.gethostname(),
        ) as worker:
            log.info("working for %s", address)
            await worker.finished()
    except (OSError, RuntimeError) as error:
        log.info("%s is not there: %s", address, type(error).__name__)
    await asyncio.sleep(AGAIN_SECONDS)


def _run(fit: Fit, whole_pod: bool) -> Answer:
    """A task, in the pod that makes it."""
    threads = _here.cpus if whole_pod else 1
    problem = _here.held()
    _here.bound(threads)
    _here.began(fit)
    try:
        fitted = run_fit(problem, fit, threads)
    except MemoryError:
        fitted = Fitted(float("nan"), None, 0.0, "MemoryError")
    log.info("fitted %s", fit.key)
    return Answer(fitted, socket.gethostname())


def settings() -> dict[str, Any]:
    """Dask's configuration: TLS or nothing, no web pages, pods that may come late and go.

    A pod that is gone shows by its connection; one whose interpreter a library holds for long
    must not be taken for lost.
    """
    return {
        "distributed.comm.require-encryption": True,
        "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS}s",
        "distributed.scheduler.allowed-failures": MAX_LOST,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.scheduler.worker-ttl": None,
        "distributed.admin.system-monitor.gil.enabled": False,
    }


def _speak_as_we_do() -> None:
    """Dask gives its loggers a handler each, with lines of another form than the pod's."""
    for name in ("distributed", "distributed.client"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.ERROR)


def security(tls: TlsFiles) -> Security:
    """Both sides of every connection show a certificate of this build's own authority."""
    roles = {
        f"tls_{role}_{part}": str(path)
        for role in ("scheduler", "worker", "client")
        for part, path in (("cert", tls.certificate), ("key", tls.key))
    }
    return Security(tls_ca_file=str(tls.authority), require_encryption=True, **roles)


def own_tls() -> TlsFiles:
    """What this pod shows to the others; only in a build of several."""
    if _here.tls is None:
        msg = "this process is no pod of a build of several"
        raise RuntimeError(msg)
    return _here.tls


def own_address() -> str:
    """The address of this pod, under which the others reach it."""
    found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])
