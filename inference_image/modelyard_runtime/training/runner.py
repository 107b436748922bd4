"""Where fits run: here, on all processors of the container.

A search only submits fits and waits for what they gave: a runner of another kind may send them
to other machines, or answer with what an earlier run recorded.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from modelyard_crds import memory
from modelyard_runtime.training.candidates import Candidate
from modelyard_runtime.training.fitting import Fit, Fitted, fit_model, run_fit
from modelyard_runtime.training.problem import Indices, Problem

Began = Callable[[Fit], None]


class Runner(Protocol):
    """Takes fits and gives their results, in any order."""

    def submit(self, fit: Fit) -> "Future[Fitted]":
        """Begin a fit, or wait for a place; the future never raises but MemoryError."""
        ...


class Taught(NamedTuple):
    """A model that several pods fitted together, and how many rows taught it."""

    model: Any
    rows: int


class TogetherError(Exception):
    """Pods could not fit a model together; says why."""


class LocalRunner:
    """Fits in threads of this process: the numerical libraries let go of the interpreter."""

    def __init__(
        self, problem: Problem, pool: ThreadPoolExecutor, threads: int, began: Began
    ) -> None:
        self._problem = problem
        self._pool = pool
        self._threads = threads
        self._began = began

    def submit(self, fit: Fit) -> "Future[Fitted]":
        """Begin a fit as soon as a processor is free."""
        return self._pool.submit(self._run, fit)

    def _run(self, fit: Fit) -> Fitted:
        self._began(fit)
        return run_fit(self._problem, fit, self._threads)


def is_large(problem: Problem) -> bool:
    """Whether fits run one after the other in a pod, each on all its processors."""
    return memory.is_large(*problem.matrix.shape)


@contextmanager
def local_runner(problem: Problem, cpus: int, began: Began = lambda _fit: None) -> Iterator[Runner]:
    """A runner for one search; fits that have not begun are dropped at its end.

    ``began`` is told of each fit, in its thread, right before it runs.
    """
    with _pool(problem, cpus) as (pool, threads):
        yield LocalRunner(problem, pool, threads, began)


def fit_models(
    problem: Problem, wanted: Sequence[tuple[Candidate, Indices | None]], cpus: int
) -> list[Any]:
    """Models of candidates, each fitted on some rows or on all of them, on all processors."""
    with _pool(problem, cpus) as (pool, threads):
        fits = [pool.submit(fit_model, problem, *one, threads) for one in wanted]
        return [fit.result() for fit in fits]


@contextmanager
def _pool(problem: Problem, cpus: int) -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """Threads for fits, and how many of its own each fit may use; what waits at its end goes."""
    workers, threads = (1, cpus) if is_large(problem) else (cpus, 1)
    with bounded_threads(threads):
        pool = ThreadPoolExecutor(workers, "fit", _limit, (threads,))
        try:
            yield pool, threads
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def bounded_threads(count: int) -> Iterator[None]:
    """Bound the threads of numerical libraries, and keep what they warn of to themselves.

    A fit that did not converge, or divided by zero, shows in its score.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _limit(threads: int) -> None:
    """OpenMP keeps its number of threads by thread: each worker sets its own."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
