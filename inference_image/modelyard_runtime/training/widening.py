"""Whether the best boosting of a search is better when the rows of all pods teach it.

A search over a sample knows which settings suit; more rows may make more of them. What comes of
it is judged by the rows that judged the search's winner and that no pod learnt from, and is the
winner only where it is better. Whatever goes wrong here costs time and not the version. Called
by ``learning``.
"""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from modelyard_runtime.errors import PodError
from modelyard_runtime.plan.goal import Goal
from modelyard_runtime.plan.plan import Plan
from modelyard_runtime.training.conversion import Winner, prove
from modelyard_runtime.training.encoding import Encoding, InputsOf
from modelyard_runtime.training.evaluation import score
from modelyard_runtime.training.fitting import Fit
from modelyard_runtime.training.problem import Problem
from modelyard_runtime.training.quantiles import Asked
from modelyard_runtime.training.records import Records
from modelyard_runtime.training.runner import Taught, TogetherError
from modelyard_runtime.training.search import Trial

log = logging.getLogger(__name__)

#: What a search leaves of its time for reading the other rows and learning from them.
SHARE_OF_TIME = 0.3
#: No fold has this number: under it the common fit is marked, lest it cost a third pod its life.
_NO_FOLD = -1


class Together(Protocol):
    """Fits a candidate on the rows of all pods, but for those that the first fold tests."""

    def __call__(
        self, goal: Goal, encoding: Encoding, problem: Problem, trial: Trial, deadline: float
    ) -> Taught:
        """Raise TogetherError, or what reading raises; the deadline is of time.monotonic."""
        ...


class Work(NamedTuple):
    """What is predicted from what, and with what."""

    goal: Goal
    problem: Problem
    encoding: Encoding
    inputs_of: InputsOf
    cpus: int
    asked: Asked | None


class Widened(NamedTuple):
    """The winner, how many rows taught it where that is more than the search saw, and warnings."""

    winner: Winner
    rows: int | None = None
    warnings: tuple[str, ...] = ()


def fits(problem: Problem, plan: Plan) -> bool:
    """Whether rows that other pods read may teach: nothing ties them to those that judge."""
    random = plan.series is None and (plan.split is None or plan.split.by == "random")
    return random and len(problem.folds) == 1


def widen(
    work: Work,
    ranked: Sequence[Trial],
    winner: Winner,
    together: Together,
    deadline: float,
    records: Records,
    say: Callable[[str], None],
) -> Widened:
    """The better of the search's winner and its best boosting on the rows of all pods."""
    trial = next((one for one in ranked if one.candidate.family == "boosting"), None)
    if trial is None:
        return Widened(winner)
    mark = Fit(trial.settled, _NO_FOLD)
    lost = records.get(mark)
    if lost is not None:
        return _stays(winner, lost.failure or "it failed before")
    records.begin(mark)
    problem, metric = work.problem, work.problem.metric
    try:
        taught = together(work.goal, work.encoding, problem, trial, deadline)
        given = (work.encoding, work.inputs_of, trial, taught.model, work.cpus, work.asked)
        wide = prove(problem, *given)
    except Exception as error:
        # Of pods, sockets and converters anything may come; the search's winner is there.
        log.debug("why the rows of all pods did not teach", exc_info=error)
        told = isinstance(error, PodError | TogetherError)
        return _stays(winner, str(error) if told else type(error).__name__)
    before, now = _score(problem, winner), _score(problem, wide)
    compared = f"{metric} {abs(now):.4f}, the search's winner {abs(before):.4f}"
    if not now > before:
        say(f"Boosting on the rows of all pods is not better: {compared} on the same unseen rows.")
        return Widened(winner)
    say(f"Boosting on the rows of all pods is the winner: {compared} on the same unseen rows.")
    return Widened(wide, taught.rows)


def _stays(winner: Winner, why: str) -> Widened:
    said = f"Boosting did not learn from the rows of all pods: {why}. The search's winner stays."
    return Widened(winner, None, (said,))


def _score(problem: Problem, winner: Winner) -> float:
    """How good a winner is on the rows that the one fold tests, before any correction."""
    rows, predicted = winner.uncorrected
    return score(problem.metric, problem.target[rows], predicted, problem.positive)
