"""Find the best candidates: rounds of trials on shared folds, until time, count or luck runs out.

Candidates go through rungs (successive halving, Jamieson and Talwalkar 2016): few folds or rows
first, and only those that keep up go on. A round is decided upon only when all its fits are
there, so that a search is the same for a seed and a number of candidates, however many
processors or machines run the fits; only a time budget that ends first may change it.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.training.candidates import Candidate, candidate_of, portfolio, variations
from modelyard_runtime.training.fitting import Fit, Fitted, agreed
from modelyard_runtime.training.problem import Problem
from modelyard_runtime.training.runner import Runner

#: Candidates that are tried side by side, by each pod that has fits to make.
ROUND = 3
#: Rounds without an improvement, after the portfolio, until a search of a set count stops.
PATIENCE = 4
IMPROVEMENT = 1e-3
#: Up to so many rows the default effort also tries what is near the best of the portfolio.
FEW_ROWS = 500
#: By how much a candidate must be behind the best one on each of the same fits to be given up.
BEHIND = 0.02
FIRST_FOLDS = 2
TIME_OVER = "the time budget ended"
#: Rows of the rungs of a large table, before all of them.
RUNG_ROWS = (10_000, 40_000)


@dataclass(frozen=True)
class Limits:
    """When a search ends; ``deadline`` is in time.monotonic's seconds.

    A deadline that is used up was chosen: only it or the count ends the search. One that is not is
    a net, and the answer is to come soon.
    """

    deadline: float
    max_candidates: int | None = None
    used_up: bool = False
    #: Candidates of a round: more pods need more of them.
    width: int = ROUND


def most_candidates(problem: Problem, limits: Limits) -> float:
    """How many candidates a search tries at most.

    Where nobody asks for more these are the portfolio, and of few rows one round near what was best
    in it: with more that takes a quarter of the time, or minutes, and gains nothing.
    """
    if limits.max_candidates is not None:
        return limits.max_candidates
    if limits.used_up:
        return math.inf
    more = limits.width if problem.shape.rows <= FEW_ROWS else 0
    return len(portfolio(problem.shape)) + more


class Rung(NamedTuple):
    """The fits of one step that candidates must pass to go on."""

    folds: tuple[int, ...]
    rows: int | None


@dataclass
class Trial:
    """A candidate and what its fits gave."""

    candidate: Candidate
    fitted: dict[Fit, Fitted] = field(default_factory=dict)
    #: How many rungs it has passed.
    passed: int = 0

    def scores_at(self, fits: Sequence[Fit]) -> NDArray[np.float64]:
        """The scores of some of its fits, which are there; NaN where one failed."""
        return np.array([fitted.score for fitted in agreed([self.fitted[fit] for fit in fits])])

    def complete(self) -> None:
        """Keep of its fits what they gave after the rounds that suit all of them."""
        fits = sorted(self.fitted, key=lambda fit: (fit.fold, fit.rows or math.inf))
        self.fitted = dict(zip(fits, agreed([self.fitted[fit] for fit in fits]), strict=True))

    @property
    def folds(self) -> dict[int, Fitted]:
        """The fits on all rows, in the order of folds: rounding depends on the order of a sum."""
        whole = {fit.fold: fitted for fit, fitted in self.fitted.items() if fit.rows is None}
        return dict(sorted(whole.items()))

    @property
    def settled(self) -> Candidate:
        """The candidate as it is fitted in the end: with the rounds that its folds agreed on."""
        rounds = [fitted.rounds for fitted in self.folds.values() if fitted.rounds]
        if not rounds:
            return self.candidate
        settings = dict(self.candidate.settings) | {"rounds": round(float(np.mean(rounds)))}
        return candidate_of(self.candidate.family, **settings)

    @property
    def score(self) -> float:
        """The mean over the fits on all rows."""
        return float(np.mean([fitted.score for fitted in self.folds.values()]))


class Outcome(NamedTuple):
    """Complete trials, the best one first, how many candidates were tried, and what ended it."""

    ranked: list[Trial]
    tried: int
    stopped: str

    @property
    def too_short(self) -> bool:
        """Whether the time was over before there was anything to choose from."""
        return self.stopped == TIME_OVER and len(self.ranked) == 1


#: Told before each candidate: its number, itself, and the best score so far.
Watcher = Callable[[int, Candidate, float | None], None]


def rungs(problem: Problem) -> list[Rung]:
    """What a candidate goes through: of several folds the first ones, of one fold some rows."""
    numbers = tuple(range(len(problem.folds)))
    if len(numbers) > 1:
        steps = (numbers[:FIRST_FOLDS], numbers[FIRST_FOLDS:])
        return [Rung(folds, None) for folds in steps if folds]
    rows = len(problem.folds[0].train)
    return [*(Rung(numbers, some) for some in RUNG_ROWS if 2 * some < rows), Rung(numbers, None)]


def search(problem: Problem, limits: Limits, runner: Runner, watch: Watcher) -> Outcome:
    """Try candidates until a limit is reached or nothing improves."""
    state = _Search(problem, limits, runner, watch)
    stopped = "all candidates were tried"
    for candidates in _rounds(state):
        before = state.best
        state.try_all(candidates)
        if state.best is not None and time.monotonic() >= limits.deadline:
            stopped = TIME_OVER
            break
        state.idle = 0 if _improved(before, state.best) else state.idle + 1
        if state.varying and state.idle >= PATIENCE and not limits.used_up:
            stopped = "nothing improved"
            break
    return Outcome(state.ranked, state.tried, stopped)


def _rounds(state: "_Search") -> Iterator[list[Candidate]]:
    """The portfolio in rounds, then variations of what is best by then."""
    most = most_candidates(state.problem, state.limits)
    first = portfolio(state.problem.shape)
    if len(first) > most:
        del first[state.limits.max_candidates :]
    seen = set(first)
    # The first result is there soon: a search of little time has something to give.
    yield first[:1]
    width = state.limits.width
    for start in range(1, len(first), width):
        yield first[start : start + width]
    state.varying, state.idle = True, 0
    while len(seen) < most:
        best = [trial.candidate for trial in state.ranked]
        fresh = (
            one for one in variations(best, state.problem.shape.seed + len(seen)) if one not in seen
        )
        chosen = list(islice(fresh, int(min(width, most - len(seen)))))
        seen.update(chosen)
        yield chosen


class _Search:
    """The state of one search."""

    def __init__(self, problem: Problem, limits: Limits, runner: Runner, watch: Watcher) -> None:
        self.problem, self.limits = problem, limits
        self.ranked: list[Trial] = []
        self.tried, self.idle, self.varying = 0, 0, False
        self._runner, self._watch = runner, watch
        self._rungs = rungs(problem)

    @property
    def best(self) -> Trial | None:
        """The best complete trial so far."""
        return self.ranked[0] if self.ranked else None

    def try_all(self, candidates: Sequence[Candidate]) -> None:
        """Take some candidates through the rungs; the complete ones are ranked."""
        trials = [Trial(candidate) for candidate in candidates]
        for candidate in candidates:
            self.tried += 1
            self._watch(self.tried, candidate, self.best.score if self.best else None)
        self._fit(trials)
        complete = [trial for trial in trials if trial.passed == len(self._rungs)]
        for trial in complete:
            trial.complete()
        self.ranked = sorted([*self.ranked, *complete], key=lambda trial: -trial.score)

    def _fit(self, trials: Sequence[Trial]) -> None:
        """Take each trial from rung to rung, as far as it keeps up with the best.

        That is the best of earlier rounds, so that it does not matter which fit ends first. Fits
        that the deadline finds waiting are not made, and boosting and forests stop at it.
        """
        running: dict[Future[Fitted], tuple[Trial, Fit]] = {}
        for trial in trials:
            running |= self._begin(trial)
        over = False
        while running:
            done, rest = wait(running, None if over else self._left(), FIRST_COMPLETED)
            if not done:
                over = True
                running = {future: running[future] for future in rest if not future.cancel()}
            for future in done:
                trial, fit = running.pop(future)
                trial.fitted[fit] = future.result()
                if self._passes(trial) and not over:
                    running |= self._begin(trial)

    def _left(self) -> float | None:
        """Seconds to the deadline, which does not hold before there is a first result."""
        return None if self.best is None else max(0.0, self.limits.deadline - time.monotonic())

    def _begin(self, trial: Trial) -> dict[Future[Fitted], tuple[Trial, Fit]]:
        """The fits of a trial's next rung, begun; none where it has passed all."""
        rungs = self._rungs[trial.passed : trial.passed + 1]
        left = self._left()
        until = math.inf if left is None else time.time() + left
        fits = [fit for rung in rungs for fit in _fits(trial.candidate, rung)]
        return {self._runner.submit(replace(fit, until=until)): (trial, fit) for fit in fits}

    def _passes(self, trial: Trial) -> bool:
        """Count a rung as passed once all its fits are there, and it keeps up on them."""
        rung = self._rungs[trial.passed]
        fits = _fits(trial.candidate, rung)
        if any(fit not in trial.fitted for fit in fits):
            return False
        scores = trial.scores_at(fits)
        if not np.isfinite(scores).all() or not self._keeps_up(scores, rung):
            return False
        trial.passed += 1
        return True

    def _keeps_up(self, scores: NDArray[np.float64], rung: Rung) -> bool:
        """Whether it is worth more fits; after the last rung a mean of models may still want it."""
        if self.best is None or rung == self._rungs[-1]:
            return True
        return keeps_up(scores, self.best.scores_at(_fits(self.best.candidate, rung)))


def keeps_up(scores: NDArray[np.float64], best: NDArray[np.float64]) -> bool:
    """Whether a candidate is not behind the best one on each of the same fits.

    On some hundred rows folds differ more than candidates do: their mean would tell little.
    """
    return bool((scores >= best - BEHIND * max(abs(best.mean()), 0.05)).any())


def _fits(candidate: Candidate, rung: Rung) -> list[Fit]:
    return [Fit(candidate, fold, rung.rows) for fold in rung.folds]


def _improved(before: Trial | None, now: Trial | None) -> bool:
    if before is None or now is None:
        return now is not None
    return now.score > before.score + IMPROVEMENT * max(abs(before.score), 0.05)
