"""One pod's part in a boosting that several pods learn together, in a process of its own.

What LightGBM does between two sums cannot be told to stop, and a partner that is lost leaves it
waiting: a process can be ended, and takes its sockets and its memory along. Called by
``together``, in each pod.
"""

import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from numpy.typing import NDArray

from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.exchange import EXIT_LOST, Exchange, Seat, meet
from modelyard_runtime.training.runner import TogetherError

log = logging.getLogger(__name__)

#: How often whoever waits for a part asks whether to go on.
ASK_SECONDS = 0.5
#: Parameters of scikit-learn's interface that the native one does not have.
_NOT_NATIVE = frozenset({"importance_type", "n_estimators", "class_weight"})
_PAIR = 2


class Part(NamedTuple):
    """What a pod brings: the estimator, of which all have the same, and rows of its own.

    ``classes`` is 0 where values are predicted.
    """

    estimator: Any
    classes: int
    matrix: Matrix
    target: NDArray[Any]
    threads: int


def do_part(part: Part, seat: Seat, go_on: Callable[[], bool] = lambda: True) -> Any:
    """Learn together with the others; rank 0 gets the fitted estimator, the others None.

    Raises TogetherError where a partner is lost, time is out, or ``go_on`` says no.
    """
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    left = seat.deadline - time.monotonic()
    process = spawn.Process(target=_main, args=(part, seat, left, there), daemon=True)
    process.start()
    there.close()
    try:
        while not here.poll(ASK_SECONDS):
            if time.monotonic() > seat.deadline:
                msg = "the time budget ended"
                raise TogetherError(msg)
            if not go_on():
                msg = "a pod was lost"
                raise TogetherError(msg)
        return here.recv()
    except EOFError:
        process.join(ASK_SECONDS)
        msg = f"learning together failed (exit code {process.exitcode})"
        raise TogetherError(msg) from None
    finally:
        process.kill()
        process.join()
        here.close()


def _main(part: Part, seat: Seat, left: float, answer: Connection) -> None:
    """The process: learn, answer, end."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # The clock of another process may have another beginning.
    seat = seat._replace(deadline=time.monotonic() + left)
    try:
        connections = meet(seat)
    except OSError as error:
        log.error("the other pods are not there: %s", error or type(error).__name__)
        sys.exit(EXIT_LOST)
    learnt = _learnt(part, seat, Exchange(seat.rank, connections))
    answer.send(learnt if seat.rank == 0 else None)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _learnt(part: Part, seat: Seat, exchange: Exchange) -> Any:
    import lightgbm
    from lightgbm.libpath import _LIB  # the only way to LightGBM's C interface

    given = seat.ranks, seat.rank, exchange.reduce_scatter, exchange.allgather
    if _LIB.LGBM_NetworkInitWithFunctions(*given) != 0:
        msg = "LightGBM does not take the functions of its network"
        raise RuntimeError(msg)
    common = {"tree_learner": "data", "num_machines": seat.ranks, "n_jobs": part.threads}
    estimator = part.estimator.set_params(**common)
    if seat.rank > 0:
        rows = lightgbm.Dataset(part.matrix, part.target)
        rounds = estimator.get_params()["n_estimators"]
        return lightgbm.train(_native(estimator, part.classes), rows, rounds)
    estimator.fit(part.matrix, part.target)
    return estimator.set_params(tree_learner="serial", num_machines=1)


def _native(estimator: Any, classes: int) -> dict[str, Any]:
    """What scikit-learn's interface passes on for all classes: a share may lack one."""
    several = {"objective": "multiclass", "num_class": classes}
    plain = {"objective": "binary" if classes == _PAIR else "regression"}
    stated = {
        name: value
        for name, value in estimator.get_params().items()
        if value is not None and name not in _NOT_NATIVE
    }
    return (several if classes > _PAIR else plain) | stated
