"""From ranked trials to the one that is published: converted, compared, judged.

The best trial whose graph equals scikit-learn's predictions wins; one that does not convert or
differs gives way to the next. Graphs are compared twice: the one that is served over all rows,
and one of the first fold over the rows that it has not seen.
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
from modelyard_runtime.training.fitting import fit_model, predict
from modelyard_runtime.training.graph import output_name, to_graph
from modelyard_runtime.training.importance import Judged
from modelyard_runtime.training.problem import Indices, Problem
from modelyard_runtime.training.runner import bounded_threads
from modelyard_runtime.training.search import Trial

log = logging.getLogger(__name__)

MAX_DIFFERENCE = 1e-4


class Unseen(NamedTuple):
    """What the models of the folds predict for rows that they have not seen."""

    rows: Indices
    predicted: NDArray[Any]


class Winner(NamedTuple):
    """What will be published, and the evidence for it."""

    candidate: Candidate
    model: Any
    graph: bytes
    judged: Judged
    unseen: Unseen
    metrics: dict[str, float]
    difference: float


class ParityError(Exception):
    """A graph predicts something else than the model it was made from."""


def choose(
    problem: Problem, encoding: Encoding, inputs: Inputs, ranked: list[Trial], cpus: int
) -> Winner:
    """The best trial that converts faithfully.

    Raises UserError NoCandidate where none does.
    """
    for trial in ranked:
        try:
            with bounded_threads(cpus):
                return _winner(problem, encoding, inputs, trial, cpus)
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


def unseen_of(problem: Problem, trial: Trial) -> Unseen:
    """The predictions of a complete trial, side by side."""
    found = {n: fitted.predicted for n, fitted in trial.folds.items()}
    parts = {n: predicted for n, predicted in found.items() if predicted is not None}
    rows = np.concatenate([problem.folds[n].test for n in parts])
    return Unseen(rows, np.concatenate(list(parts.values())))


def _winner(
    problem: Problem, encoding: Encoding, inputs: Inputs, trial: Trial, cpus: int
) -> Winner:
    unseen = unseen_of(problem, trial)
    metrics = measure(
        problem.shape.task, problem.target[unseen.rows], unseen.predicted, problem.positive
    )
    first = problem.folds[0]
    fitted = fit_model(problem, trial.candidate, first.train, cpus)
    graph = to_graph(fitted, encoding, problem.shape.task)
    session, before = _compare(problem, encoding, inputs, fitted, graph, first.test)
    model = fit_model(problem, trial.candidate, None, cpus)
    graph = to_graph(model, encoding, problem.shape.task)
    _, after = _compare(problem, encoding, inputs, model, graph, np.arange(len(problem.target)))
    judged = Judged(session, first.test)
    return Winner(trial.candidate, model, graph, judged, unseen, metrics, max(before, after))


def _compare(
    problem: Problem,
    encoding: Encoding,
    inputs: Inputs,
    model: Any,
    graph: bytes,
    rows: Indices,
) -> tuple[Session, float]:
    session = Session(graph, output_name(problem.shape.task))
    feed = {name: values[rows] for name, values in inputs.items()}
    expected = predict(model, encoding.matrix(feed), problem.shape.task)
    delta = difference(problem.shape.task, expected, session.run(feed))
    if not delta <= MAX_DIFFERENCE:
        msg = f"its graph differs from scikit-learn by {delta:.3g}, at most {MAX_DIFFERENCE:g} may"
        raise ParityError(msg)
    return session, delta


def _cause(error: Exception) -> str:
    text = str(error) if isinstance(error, ParityError) else type(error).__name__
    return text[:200]
