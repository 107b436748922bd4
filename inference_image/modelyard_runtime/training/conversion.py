"""From ranked trials to the one that is published: converted, compared, judged.

The best trial whose graphs equal scikit-learn's predictions wins; one that does not convert or
differs gives way to the next. Metrics come from the graphs of its folds, on their unseen rows.
"""

import logging
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.candidates import Candidate
from modelyard_runtime.training.encoding import Encoding, Inputs
from modelyard_runtime.training.evaluation import difference, measure
from modelyard_runtime.training.graph import output_name, to_graph
from modelyard_runtime.training.importance import Judged
from modelyard_runtime.training.search import (
    Problem,
    Trial,
    fit_all,
    predict,
    try_candidate,
)

log = logging.getLogger(__name__)

MAX_DIFFERENCE = 1e-4


class Winner(NamedTuple):
    """What will be published, and the evidence for it."""

    candidate: Candidate
    model: Any
    graph: bytes
    judged: list[Judged]
    metrics: dict[str, float]
    difference: float


class ParityError(Exception):
    """A graph predicts something else than the model it was made from."""


def choose(problem: Problem, encoding: Encoding, inputs: Inputs, ranked: list[Trial]) -> Winner:
    """The best trial that converts faithfully.

    Raises UserError NoCandidate where none does.
    """
    for trial in ranked:
        try:
            return _winner(problem, encoding, inputs, trial)
        except Exception as error:
            # Converters raise whatever they like; each cause only costs this candidate its place.
            if isinstance(error, MemoryError):
                raise
            name = trial.candidate.family
            log.warning("%s gives way to the next best: %s", name, _cause(error))
            log.debug("why it was not converted", exc_info=error)
    raise UserError(
        Reason.NO_CANDIDATE,
        "No candidate could be trained and converted: give the search more time "
        "(training.timeBudget), or look at the log for what failed.",
    )


def _winner(problem: Problem, encoding: Encoding, inputs: Inputs, trial: Trial) -> Winner:
    complete = trial if trial.models else try_candidate(problem, trial.candidate, None, np.inf)
    if complete is None:
        msg = "it could not be fitted again"
        raise ParityError(msg)
    judged, predicted, worst = _judge(problem, encoding, inputs, complete)
    rows = np.concatenate([fold.rows for fold in judged])
    metrics = measure(problem.shape.task, problem.target[rows], predicted, problem.positive)
    model = fit_all(problem, trial.candidate)
    graph = to_graph(model, encoding, problem.shape.task)
    every = np.arange(len(problem.target))
    _, _, final = _compare(problem, encoding, inputs, model, graph, every)
    return Winner(trial.candidate, model, graph, judged, metrics, max(worst, final))


def _judge(
    problem: Problem, encoding: Encoding, inputs: Inputs, trial: Trial
) -> tuple[list[Judged], NDArray[Any], float]:
    """The graphs of the folds, what they predict for unseen rows, and the greatest difference."""
    judged, parts, worst = [], [], 0.0
    for model, fold in zip(trial.models, problem.folds, strict=False):
        graph = to_graph(model, encoding, problem.shape.task)
        session, found, delta = _compare(problem, encoding, inputs, model, graph, fold.test)
        judged.append(Judged(session, fold.test))
        parts.append(found)
        worst = max(worst, delta)
    return judged, np.concatenate(parts), worst


def _compare(
    problem: Problem,
    encoding: Encoding,
    inputs: Inputs,
    model: Any,
    graph: bytes,
    rows: NDArray[np.int64],
) -> tuple[Session, NDArray[np.float32], float]:
    session = Session(graph, output_name(problem.shape.task))
    feed = {name: values[rows] for name, values in inputs.items()}
    found = session.run(feed)
    expected = predict(model, encoding.matrix(feed), problem.shape.task)
    delta = difference(problem.shape.task, expected, found)
    if not delta <= MAX_DIFFERENCE:
        msg = f"its graph differs from scikit-learn by {delta:.3g}, at most {MAX_DIFFERENCE:g} may"
        raise ParityError(msg)
    return session, found, delta


def _cause(error: Exception) -> str:
    text = str(error) if isinstance(error, ParityError) else type(error).__name__
    return text[:200]
