"""From ranked trials to the one that is published: converted, compared, judged.

The best trial whose graph equals scikit-learn's predictions wins; one that does not convert or
differs gives way to the next. Graphs are compared twice: the one that is served over all rows,
and one of the first fold over the rows that it has not seen.
"""

import logging
import timeit
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.calibration import Calibrated, Correction, calibrate
from modelyard_runtime.training.encoding import Encoding, InputsOf, parts_of
from modelyard_runtime.training.ensemble import (
    Blend,
    Unseen,
    best_blend,
    mean_of,
    single,
    unseen_of,
)
from modelyard_runtime.training.evaluation import difference, measure
from modelyard_runtime.training.fitting import predict
from modelyard_runtime.training.graph import output_name, to_graph
from modelyard_runtime.training.importance import Judged
from modelyard_runtime.training.problem import Indices, Problem
from modelyard_runtime.training.quantiles import Asked, QuantilesFound, quantile_metrics, surround
from modelyard_runtime.training.runner import bounded_threads, fit_models, is_large
from modelyard_runtime.training.search import Trial

log = logging.getLogger(__name__)

MAX_DIFFERENCE = 1e-4
#: What one row may take of a mean of models, in the graph alone; the least of some runs.
MAX_LATENCY_SECONDS = 250e-6
LATENCY_RUNS = 50


class Winner(NamedTuple):
    """What will be published, and the evidence for it."""

    blend: Blend
    model: Any
    graph: bytes
    judged: Judged
    unseen: Unseen
    metrics: dict[str, float]
    difference: float
    #: How its probabilities are corrected, and the unseen ones as they were before.
    correction: Correction | None
    uncorrected: Unseen
    #: The quantiles of unseen rows, where they are asked for.
    quantiles: QuantilesFound | None


class ParityError(Exception):
    """A graph predicts something else than the model it was made from."""


class TooSlowError(Exception):
    """A mean of models takes too long for one row."""


def choose(
    problem: Problem,
    encoding: Encoding,
    inputs_of: InputsOf,
    ranked: list[Trial],
    cpus: int,
    asked: Asked | None = None,
) -> Winner:
    """The best trial that converts faithfully, with the quantiles that are asked for.

    Raises UserError NoCandidate where none does.
    """
    for blend in _contenders(problem, ranked):
        try:
            with bounded_threads(cpus):
                return _winner(problem, encoding, inputs_of, blend, cpus, asked)
        except Exception as error:
            # Converters raise whatever they like; each cause only costs this one its place.
            if isinstance(error, MemoryError):
                raise
            name = " with ".join(blend.families)
            log.warning("%s gives way to the next best: %s", name, _cause(error))
            log.debug("why it was not converted", exc_info=error)
    raise UserError(
        Reason.NO_CANDIDATE,
        "No candidate could be trained and converted: give the search more time "
        "(training.timeBudget), or look at the log for what failed.",
    )


def _contenders(problem: Problem, ranked: list[Trial]) -> Iterator[Blend]:
    blend = best_blend(problem, ranked)
    if blend is not None:
        yield blend
    yield from map(single, ranked)


def _winner(
    problem: Problem,
    encoding: Encoding,
    inputs_of: InputsOf,
    blend: Blend,
    cpus: int,
    asked: Asked | None,
) -> Winner:
    first, task = problem.folds[0], problem.shape.task
    uncorrected = unseen_of(problem, blend)
    found = calibrate(problem, uncorrected)
    correction, unseen = found or (None, uncorrected)
    fits = _fits(problem, blend, cpus, correction)
    fitted = next(fits)
    session, before = _compare(
        problem, encoding, inputs_of, fitted, to_graph(fitted, encoding, task), first.test
    )
    if len(blend.parts) > 1:
        _expect_quick(session, inputs_of)
    model = next(fits)
    best = _Found(blend, model, unseen, uncorrected, correction)
    winner = _measured(problem, encoding, inputs_of, best, cpus, asked)
    differs = max(before, winner.difference)
    return winner._replace(judged=Judged(session, first.test), difference=differs)


def prove(
    problem: Problem,
    encoding: Encoding,
    inputs_of: InputsOf,
    trial: Trial,
    model: Any,
    cpus: int,
    asked: Asked | None,
) -> Winner:
    """A model that has learnt elsewhere, but not from the rows that the first fold tests.

    Raises ParityError, and whatever converters raise.
    """
    test = problem.folds[0].test
    uncorrected = Unseen(test, predict(model, problem.matrix[test], problem.shape.task))
    found = calibrate(problem, uncorrected)
    correction, unseen = found or (None, uncorrected)
    fitted = Calibrated(model, correction) if correction else model
    proven = _Found(single(trial), fitted, unseen, uncorrected, correction)
    with bounded_threads(cpus):
        return _measured(problem, encoding, inputs_of, proven, cpus, asked)


class _Found(NamedTuple):
    """A fitted model, and what is known of rows that it, or its like, has not seen."""

    blend: Blend
    model: Any
    unseen: Unseen
    uncorrected: Unseen
    correction: Correction | None


def _measured(
    problem: Problem,
    encoding: Encoding,
    inputs_of: InputsOf,
    found: _Found,
    cpus: int,
    asked: Asked | None,
) -> Winner:
    """The model as it is served, compared over all rows and judged by those it has not seen."""
    blend, model, unseen, uncorrected, correction = found
    task = problem.shape.task
    quantiles = surround(problem, unseen, model, asked, cpus) if asked else None
    model = quantiles.model if quantiles else model
    graph = to_graph(model, encoding, task)
    every = np.arange(len(problem.target))
    session, differs = _compare(problem, encoding, inputs_of, model, graph, every)
    metrics = measure(task, problem.target[unseen.rows], unseen.predicted, problem.positive)
    if quantiles:
        metrics |= quantile_metrics(quantiles.levels, quantiles.truth, quantiles.predicted)
    judged = Judged(session, problem.folds[0].test)
    return Winner(
        *(blend, model, graph, judged, unseen, metrics, differs, correction, uncorrected),
        quantiles=quantiles,
    )


def _fits(
    problem: Problem, blend: Blend, cpus: int, correction: Correction | None
) -> Iterator[Any]:
    """The blend fitted on what the first fold learns from, then on all rows.

    Of a large table the second is not begun before it is asked for: the first may not convert.
    """
    rows = [problem.folds[0].train, None]
    for part in [rows[:1], rows[1:]] if is_large(problem) else [rows]:
        settled = [(trial.settled, some) for some in part for _, trial in blend.parts]
        models = iter(fit_models(problem, settled, cpus))
        for _ in part:
            members = [(weight, next(models)) for weight, _ in blend.parts]
            model = mean_of(problem.shape.task, members)
            yield Calibrated(model, correction) if correction else model


def _expect_quick(session: Session, inputs_of: InputsOf) -> None:
    """A mean of models must not cost what predictions are praised for."""
    feed = inputs_of(slice(1))
    seconds = min(timeit.repeat(lambda: session.run(feed), number=1, repeat=LATENCY_RUNS))
    if seconds > MAX_LATENCY_SECONDS:
        msg = f"one row takes {seconds * 1e6:.0f} µs, at most {MAX_LATENCY_SECONDS * 1e6:.0f} may"
        raise TooSlowError(msg)


def _compare(
    problem: Problem,
    encoding: Encoding,
    inputs_of: InputsOf,
    model: Any,
    graph: bytes,
    rows: Indices,
) -> tuple[Session, float]:
    session, task = Session(graph, output_name(problem.shape.task)), problem.shape.task
    expected, found = [], []
    for part in parts_of(len(rows)):
        feed = inputs_of(rows[part])
        expected.append(predict(model, encoding.matrix(feed), task))
        found.append(session.run(feed))
    delta = difference(task, np.concatenate(expected), np.concatenate(found))
    if not delta <= MAX_DIFFERENCE:
        msg = f"its graph differs from scikit-learn by {delta:.3g}, at most {MAX_DIFFERENCE:g} may"
        raise ParityError(msg)
    return session, delta


def _cause(error: Exception) -> str:
    text = str(error) if isinstance(error, ParityError | TooSlowError) else type(error).__name__
    return text[:200]
