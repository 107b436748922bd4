"""From one goal of a plan to the model that is published for it: search, choice, importance.

Called by ``build``, once a target.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from modelyard_crds.fields import Training
from modelyard_runtime.artifacts.progress import Reporter
from modelyard_runtime.data.table import Column, Rows, Table
from modelyard_runtime.plan.goal import Goal
from modelyard_runtime.plan.plan import Plan
from modelyard_runtime.plan.series import Series
from modelyard_runtime.plan.split import ANY_ROWS, Split
from modelyard_runtime.training.candidates import FAMILY_NAMES, Candidate, name_of
from modelyard_runtime.training.conversion import Winner, choose
from modelyard_runtime.training.encoding import Encoding, Inputs, InputsOf
from modelyard_runtime.training.folds import entities_of, planned_folds
from modelyard_runtime.training.importance import importance
from modelyard_runtime.training.problem import Problem, Shape, spread_of, truth_of
from modelyard_runtime.training.quantiles import SHARE_OF_BUDGET, Asked
from modelyard_runtime.training.records import Records, recording
from modelyard_runtime.training.resources import trim_memory
from modelyard_runtime.training.runner import Began, Runner
from modelyard_runtime.training.search import (
    ROUND,
    Limits,
    Outcome,
    Watcher,
    most_candidates,
    search,
)
from modelyard_runtime.training.series import backtest
from modelyard_runtime.training.widening import (
    SHARE_OF_TIME,
    Together,
    Widened,
    Work,
    fits,
    widen,
)

#: Of the work for a goal the parts at which judging, learning from more rows, and explaining begin.
_JUDGE, _WIDEN, _EXPLAIN = 0.82, 0.85, 0.92


#: The finished fits of earlier tries at a problem.
RecordsOf = Callable[[Problem], Records]
#: Where the fits of a problem run; what it gets as well is told of each that begins.
RunnerOf = Callable[[Problem, Began], AbstractContextManager[Runner]]


class Data(NamedTuple):
    """The rows of a goal, encoded; the target by the type of its labels."""

    table: Table
    target: Column
    encoding: Encoding
    inputs: InputsOf


class Learnt(NamedTuple):
    """What came of one goal."""

    goal: Goal
    data: Data
    problem: Problem
    outcome: Outcome
    widened: Widened
    shares: dict[str, float]
    #: From the table to the model.
    seconds: float

    @property
    def winner(self) -> Winner:
        """What is published."""
        return self.widened.winner

    @property
    def rows(self) -> int:
        """How many rows taught it."""
        return self.widened.rows or self.data.table.rows

    @property
    def warnings(self) -> list[str]:
        """What a person should know of how the model was found."""
        if not self.outcome.too_short:
            return [*self.widened.warnings]
        return [
            *self.widened.warnings,
            f"The time budget ended with the first candidate for {self.goal.target!r}: this is a "
            "baseline, give the search more time (training.timeBudget).",
        ]


@dataclass(frozen=True)
class Stage:
    """The part of a build that is a goal's: its time, its percentages, and its name in steps."""

    training: Training
    cpus: int
    reporter: Reporter
    records_of: RecordsOf
    runner_of: RunnerOf
    together: Together | None
    budget: float
    first: float
    last: float
    said: str

    def step(self, share: float, text: str) -> None:
        """Report how far this part is."""
        self.reporter.step(round(self.first + (self.last - self.first) * share), text + self.said)


def stages(
    goals: list[Goal],
    training: Training,
    cpus: int,
    reporter: Reporter,
    records_of: RecordsOf,
    where: tuple[RunnerOf, Together | None],
    span: tuple[int, int],
) -> list[Stage]:
    """Equal parts of the time and the percentages of a build.

    ``where`` fits run, and how pods learn together where that may pay.
    """
    count = len(goals)
    edges = np.linspace(*span, count + 1).tolist()
    budget = training.budget_seconds / count
    return [
        Stage(
            training,
            cpus,
            reporter,
            records_of,
            *where,
            budget,
            first,
            last,
            f" for {goal.target!r}" if count > 1 else "",
        )
        for goal, first, last in zip(goals, edges[:-1], edges[1:], strict=True)
    ]


def learn(goal: Goal, table: Table, encoding: Encoding, stage: Stage, plan: Plan) -> Learnt:
    """Search, choose and explain the model of a goal of a plan.

    Raises UserError where no candidate can be trained and converted.
    """
    began = time.monotonic()
    seed, series = stage.training.seed, plan.series
    data, problem = (
        _independent(goal, table, encoding, seed, plan.split)
        if series is None
        else _over_time(goal, table, encoding, seed, series)
    )
    encoding = data.encoding
    outcome = _search(goal, problem, stage, _share_of_search(goal, problem, stage, plan))
    trim_memory()
    stage.step(_JUDGE, "Converting and measuring the best model")
    deadline = began + stage.budget
    asked = Asked(goal.quantiles, deadline) if goal.quantiles else None
    winner = choose(problem, encoding, data.inputs, outcome.ranked, stage.cpus, asked)
    trim_memory()
    stage.reporter.log(_said(winner, outcome, stage))
    widened = Widened(winner)
    if stage.together and fits(problem, plan):
        work = Work(goal, problem, encoding, data.inputs, stage.cpus, asked)
        records, say = stage.records_of(problem), stage.reporter.log
        stage.step(_WIDEN, "Learning from the rows of all pods")
        widened = widen(work, outcome.ranked, winner, stage.together, deadline, records, say)
        winner = widened.winner
    seconds = time.monotonic() - began
    stage.step(_EXPLAIN, "Measuring the importance of inputs")
    # The graph of a forecast continues the history: on rows within it importance means nothing.
    shares = (
        importance(problem, encoding, data.inputs, winner.judged, problem.shape.seed)
        if series is None
        else {}
    )
    return Learnt(goal, data, problem, outcome, widened, shares, seconds)


def _independent(
    goal: Goal, table: Table, encoding: Encoding, seed: int, split: Split | None
) -> tuple[Data, Problem]:
    data = _data(goal, table, encoding)
    return data, _problem(goal, data, seed, split or ANY_ROWS)


def _over_time(
    goal: Goal, table: Table, encoding: Encoding, seed: int, series: Series
) -> tuple[Data, Problem]:
    known = _data(goal, table, encoding)
    past = backtest(known.table, known.target, encoding, series, seed)
    target = past.table.by_name[goal.target].as_type(goal.target_type)
    encoded = past.encoding
    shape = Shape(
        task=goal.task,
        rows=past.table.rows,
        numeric=encoded.numeric_width,
        categories=tuple(len(encoded.categories[name]) for name in encoded.text),
        classes=0,
        seed=seed,
        scale=len(encoded.kept),
    )
    truth = np.asarray(target.values, dtype=np.float64)
    problem = Problem(past.matrix, truth, shape, goal.metric, None, past.folds, over_time=True)
    return Data(past.table, target, encoded, partial(_rows_of, past.inputs)), problem


def _data(goal: Goal, table: Table, encoding: Encoding) -> Data:
    target = table.by_name[goal.target].as_type(goal.target_type)
    known = ~target.missing
    if not known.all():
        table, target = table.take(known), target.take(known)
    return Data(table, target, encoding, partial(encoding.inputs, table))


def _rows_of(inputs: Inputs, rows: Rows) -> Inputs:
    return {name: values[rows] for name, values in inputs.items()}


def _problem(goal: Goal, data: Data, seed: int, split: Split) -> Problem:
    encoding, truth = data.encoding, truth_of(goal, data.target)
    shape = Shape(
        task=goal.task,
        rows=data.table.rows,
        numeric=encoding.width - len(encoding.coded),
        categories=tuple(len(encoding.categories[name]) for name in encoding.coded),
        classes=len(goal.classes),
        seed=seed,
        spread=spread_of(truth) if goal.task == "regression" else "even",
    )
    positive = goal.positive_class
    column = None if split.column is None else data.table.by_name[split.column]
    return Problem(
        matrix=encoding.matrix_of(data.table),
        target=truth,
        shape=shape,
        metric=goal.metric,
        positive=None if positive is None else goal.classes.index(positive),
        folds=planned_folds(truth, goal.task, seed, split, column),
        over_time=split.by == "time",
        entities=entities_of(column) if column and split.by == "group" else None,
    )


def _share_of_search(goal: Goal, problem: Problem, stage: Stage, plan: Plan) -> float:
    """The part of the budget that is for the search; the rest is for what comes after it."""
    quantiles = SHARE_OF_BUDGET if goal.quantiles else 0.0
    return 1 - quantiles - (SHARE_OF_TIME if stage.together and fits(problem, plan) else 0.0)


def _search(goal: Goal, problem: Problem, stage: Stage, share: float) -> Outcome:
    stage.step(0.0, "Preparing the search")
    began = time.monotonic()
    training = stage.training
    limits = Limits(
        began + stage.budget * share,
        training.max_iterations,
        used_up=training.time_budget is not None,
        width=ROUND * training.parallelism,
    )
    watch = _watcher(goal, stage, began, most_candidates(problem, limits))
    records = stage.records_of(problem)
    if records.found:
        stage.reporter.log(f"{records.found} fits of an earlier try are used again.")
    with (
        stage.runner_of(problem, records.begin) as runner,
        recording(runner, records) as recorded,
    ):
        outcome = search(problem, limits, recorded, watch)
    stage.reporter.log(
        f"The search{stage.said} ended after {outcome.tried} candidates: {outcome.stopped}."
    )
    return outcome


def _watcher(goal: Goal, stage: Stage, began: float, expected: float) -> Watcher:
    say: Callable[[str], None] = stage.reporter.log

    def watch(number: int, candidate: Candidate, best: float | None) -> None:
        spent = (time.monotonic() - began) / max(stage.budget, 1.0)
        share = max((number - 1) / expected, spent)
        so_far = "" if best is None else f", best so far {goal.metric} {abs(best):.3f}"
        step = f"Trying {name_of(candidate)}, candidate {number}{so_far}"
        stage.step(_JUDGE * min(share, 0.97), step)
        say(f"{step}{stage.said}.")

    return watch


def _said(winner: Winner, outcome: Outcome, stage: Stage) -> str:
    figures = ", ".join(f"{name} {value:.3f}" for name, value in winner.metrics.items())
    return (
        f"The best of {outcome.tried} candidates{stage.said} is "
        f"{_named(winner)}: {figures}. Its graph differs from scikit-learn "
        f"by at most {winner.difference:.1e}."
    )


def _named(winner: Winner) -> str:
    return " with ".join(dict.fromkeys(FAMILY_NAMES[name] for name in winner.blend.families))
