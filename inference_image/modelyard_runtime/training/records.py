"""Finished fits in the store, so that a pod that takes another's place goes on where it ended.

A record is one object: a line of JSON, then the predictions as float32. Its key is made of what
is learnt from (the bytes of matrix, target and folds, and the libraries) and of the fit, so that
it can only be found by a build that would compute the same. A fit of a large table leaves a mark
when it begins: one that was running when two pods were killed is not tried a third time, so that
a candidate that is too large for a pod costs itself and not the search. Called by ``build``.
"""

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import numpy as np

from modelyard_runtime.store import NotFoundError, Store, StoreError
from modelyard_runtime.training.fitting import STOPPED, Fit, Fitted, Step
from modelyard_runtime.training.problem import Problem
from modelyard_runtime.training.runner import Runner, is_large

log = logging.getLogger(__name__)

#: What the records of one build may take in the store; fits beyond it are made again.
MAX_BYTES = 256 * 1024 * 1024
#: Pods that may end while a fit runs; once is bad luck.
MAX_LOST = 2
LOST = "two pods were ended while it ran, most likely for their memory"
_MARK = ".begun"
_LIBRARIES = ("modelyard", "scikit-learn", "lightgbm", "numpy")


def identity(problem: Problem) -> str:
    """A hash of all that the result of a fit depends on, but for the fit itself."""
    digest = hashlib.blake2b(digest_size=16)
    for name in _LIBRARIES:
        digest.update(f"{name}={importlib.metadata.version(name)};".encode())
    digest.update(repr((problem.shape, problem.metric, problem.positive)).encode())
    for array in (problem.matrix, problem.target, *(part for f in problem.folds for part in f)):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


class Records:
    """The finished fits of one problem below a prefix of the store."""

    def __init__(self, store: Store, prefix: str, problem: Problem) -> None:
        self._store = store
        self._prefix = f"{prefix}{identity(problem)}/"
        self._bytes = 0
        self._broken = False
        # A small table never fills a pod, and a mark costs as much as one of its fits.
        self._marks = is_large(problem)
        self._known, self._lost = self._listed()

    @property
    def found(self) -> int:
        """How many fits earlier tries have left."""
        return len(self._known)

    def get(self, fit: Fit) -> Fitted | None:
        """What an earlier try gave for a fit; None where it must be made."""
        name = _name(fit)
        if name in self._known:
            return self._read(name, fit)
        if self._lost.get(name, 0) >= MAX_LOST:
            log.warning("%s is not tried again: %s", fit.key, LOST)
            return Fitted(float("nan"), None, 0.0, LOST)
        return None

    def begin(self, fit: Fit) -> None:
        """Mark that a fit runs; the length of the mark is how often it has begun."""
        if self._marks:
            name = _name(fit)
            self._write(name + _MARK, b"." * (self._lost.get(name, 0) + 1))

    def put(self, fit: Fit, fitted: Fitted) -> None:
        """Keep what a fit gave; predictions only where they are used later, of whole folds."""
        content = _encode(fit, fitted if fit.rows is None else fitted._replace(predicted=None))
        if self._bytes + len(content) <= MAX_BYTES:
            self._bytes += len(content)
            self._write(_name(fit), content)

    def _listed(self) -> tuple[set[str], dict[str, int]]:
        """The names of finished fits, and how often others have begun."""
        try:
            stored = list(self._store.list(self._prefix))
        except StoreError as error:
            self._give_up(error)
            return set(), {}
        self._bytes = sum(file.size_bytes for file in stored)
        sizes = {file.key.rsplit("/", 1)[-1]: file.size_bytes for file in stored}
        known = {name for name in sizes if not name.endswith(_MARK)}
        begun = {name.removesuffix(_MARK): size for name, size in sizes.items()}
        return known, {name: size for name, size in begun.items() if name not in known}

    def _read(self, name: str, fit: Fit) -> Fitted | None:
        try:
            return _decode(fit, self._store.get(self._prefix + name))
        except NotFoundError:
            return None
        except (StoreError, ValueError, KeyError) as error:
            log.warning("a recorded fit cannot be read, it is made again: %s", error)
            return None

    def _write(self, name: str, content: bytes) -> None:
        if self._broken:
            return
        try:
            self._store.put(self._prefix + name, content)
        except StoreError as error:
            self._give_up(error)

    def _give_up(self, error: StoreError) -> None:
        """Records only save time: a store that does not take them must not cost any."""
        log.warning("finished fits are not recorded any more: %s", error)
        self._broken = True


class RecordingRunner:
    """Answers known fits from the records, and records those that another runner makes."""

    def __init__(self, runner: Runner, records: Records, writer: ThreadPoolExecutor) -> None:
        self._runner = runner
        self._records = records
        self._writer = writer

    def submit(self, fit: Fit) -> "Future[Fitted]":
        """Answer at once, or have the fit made."""
        known = self._records.get(fit)
        if known is not None:
            answered: Future[Fitted] = Future()
            answered.set_result(known)
            return answered
        future = self._runner.submit(fit)
        future.add_done_callback(partial(self._keep, fit))
        return future

    def _keep(self, fit: Fit, done: "Future[Fitted]") -> None:
        if done.cancelled() or done.exception() is not None:
            return
        # What had no time here may have it in the pod that takes this one's place.
        if done.result().failure != STOPPED:
            # In a thread of its own: a fit's processor does not wait for the store.
            self._writer.submit(self._records.put, fit, done.result())


@contextmanager
def recording(runner: Runner, records: Records) -> Iterator[Runner]:
    """A runner whose results are recorded; the last ones are in the store when it is left."""
    with ThreadPoolExecutor(1, "records") as writer:
        yield RecordingRunner(runner, records, writer)


def _name(fit: Fit) -> str:
    return hashlib.blake2b(fit.key.encode(), digest_size=16).hexdigest()


def _encode(fit: Fit, fitted: Fitted) -> bytes:
    # What was predicted in the end is the last of the steps.
    parts = [*(step.predicted for step in fitted.steps[:-1]), fitted.predicted]
    head = {
        "fit": fit.key,
        "score": _or_none(fitted.score),
        "seconds": fitted.seconds,
        "failure": fitted.failure,
        "rounds": None if fitted.rounds is None else int(fitted.rounds),
        "steps": [(step.rounds, _or_none(step.score)) for step in fitted.steps],
        "shape": None if fitted.predicted is None else fitted.predicted.shape,
    }
    body = [np.asarray(part, np.dtype("<f4")).tobytes() for part in parts if part is not None]
    return json.dumps(head).encode() + b"\n" + b"".join(body)


def _decode(fit: Fit, content: bytes) -> Fitted:
    line, _, body = content.partition(b"\n")
    head = json.loads(line)
    if head["fit"] != fit.key:
        msg = f"{head['fit']!r} is recorded in the place of {fit.key!r}"
        raise ValueError(msg)
    steps: list[Step] = []
    predicted = None
    if head["shape"] is not None:
        values = np.frombuffer(body, np.dtype("<f4")).astype(np.float32)
        parts = values.reshape(max(1, len(head["steps"])), *head["shape"])
        steps = [
            Step(rounds, _or_nan(score), part)
            for (rounds, score), part in zip(head["steps"], parts, strict=False)
        ]
        predicted = parts[-1]
    score, rounds = _or_nan(head["score"]), head["rounds"]
    return Fitted(score, predicted, head["seconds"], head["failure"], rounds, tuple(steps))


def _or_none(score: float) -> float | None:
    """JSON has no NaN."""
    return score if np.isfinite(score) else None


def _or_nan(score: float | None) -> float:
    return float("nan") if score is None else float(score)
