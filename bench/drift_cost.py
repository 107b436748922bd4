"""What counting rows for drift adds to the CPU time of predicting them.

One predictor in this process, which now counts and now does not: of two processes that do the
very same, one takes up to a fifth more CPU for as long as it lives, which hides what is looked for.
Called by ``inference``.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

import orjson

import report
from model import Served
from modelyard_runtime.serving.artifact import fetch_artifact
from modelyard_runtime.serving.main import open_artifact
from modelyard_runtime.serving.predictor import MAX_ROWS, Predictor
from modelyard_runtime.serving.watchers import NO_WATCHERS, Watchers, watchers_of
from modelyard_runtime.store import open_store, read_config

#: Pods count once a second; a turn is a second of CPU, as of a core that does nothing else.
TURN_SECONDS = 1.0


def drift_cost(served: Served, turns: int) -> list[report.Figure]:
    """The median of some pairs of turns, one row at a time and in batches; HTTP not included."""
    artifact = fetch_artifact(open_store(read_config(served.folder / "secret")), served.request)
    predictor = open_artifact(artifact, MAX_ROWS)
    counting = watchers_of(artifact, served.request)
    one, many = orjson.dumps(served.rows[0]), orjson.dumps(served.rows)

    def infer() -> None:
        predictor.infer(one, "req_bench", 0.0, explain=False)

    def predictions() -> None:
        predictor.predictions(many)

    return [
        report.Figure(
            f"inference.drift_cost_{rows}_percent", _added(predictor, counting, ask, turns), "%"
        )
        for rows, ask in ((1, infer), (len(served.rows), predictions))
    ]


def _added(predictor: Predictor, counting: Watchers, ask: Callable[[], None], turns: int) -> float:
    """Percent of CPU that counting adds."""
    ratios = []
    for _ in range(turns):
        each = {
            watchers.drift is not None: _cpu_each(predictor, watchers, ask)
            for watchers in random.sample([counting, NO_WATCHERS], 2)
        }
        ratios.append(each[True] / each[False])
    return round(100 * (statistics.median(ratios) - 1), 2)


def _cpu_each(predictor: Predictor, watchers: Watchers, ask: Callable[[], None]) -> float:
    """Seconds of CPU a request, with the count that comes once a second."""
    predictor.watchers = watchers
    began, asked = time.thread_time(), 0
    while time.thread_time() - began < TURN_SECONDS:
        ask()
        asked += 1
    if watchers.drift is not None:
        watchers.drift.count()
    return (time.thread_time() - began) / asked
