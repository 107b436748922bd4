"""Quantiles around a prediction: a margin for each level, learnt from what the model leaves over.

The winner of a search predicts unseen rows; boosting with the pinball loss learns which margin of
those residuals holds which share of them, so that quantiles profit from whatever model won. Then
each margin is moved by a constant until its share is right on rows that it was not learnt from
(conformalized quantile regression, Romano, Patterson and Candès 2019). Margins of skewed targets
are learnt on a logarithmic scale, those of forecasts relative to the level of their series.
Quantiles of a row are sorted: they never cross. Called by ``conversion``; ``graph`` converts it.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.features import FloatArray
from modelyard_runtime.plan.quantiles import percent_name
from modelyard_runtime.training.candidates import Candidate, candidate_of
from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.ensemble import Unseen
from modelyard_runtime.training.fitting import Fit, fit_model, run_fit
from modelyard_runtime.training.folds import make_folds
from modelyard_runtime.training.log_scale import EVEN_SHARE
from modelyard_runtime.training.problem import Fold, Indices, Problem

#: Of the time of a search the part that is left for quantiles.
SHARE_OF_BUDGET = 0.2
#: Rows that a leaf has at least, and as a share of all: its quantile is to mean something.
LEAF_ROWS, LEAF_SHARE = 40, 0.1
_DIGITS = 6


class Asked(NamedTuple):
    """Levels in ascending order, and time.monotonic() when folds are to be enough."""

    levels: tuple[float, ...]
    deadline: float


class QuantilesFound(NamedTuple):
    """A model with quantiles; truth and quantiles of rows that those were not learnt from."""

    model: "WithQuantiles"
    levels: tuple[float, ...]
    truth: FloatArray
    predicted: FloatArray


class WithQuantiles:
    """A regression that predicts a value and its quantiles: [rows, 1 + levels]."""

    def __init__(
        self,
        inner: Any,
        margins: Sequence[Any] = (),
        shifts: Sequence[float] = (),
        unit: float | None = None,
        column: int | None = None,
        floor: float | None = None,
    ) -> None:
        self.inner, self.margins, self.shifts = inner, list(margins), list(shifts)
        #: Where margins are of a logarithmic scale: below this size it is even.
        self.unit = unit
        #: Where margins are relative: the column of the matrix that they are relative to.
        self.column = column
        #: No quantile is below it.
        self.floor = floor

    def margins_of(self, truth: FloatArray, values: FloatArray, matrix: Matrix) -> FloatArray:
        """How far values are off, on the scale of the margins."""
        if self.unit is not None:
            return np.arcsinh(truth / self.unit) - np.arcsinh(values / self.unit)
        return (truth - values) / self._sizes(matrix)[:, 0]

    def quantiles_of(self, values: FloatArray, margins: FloatArray, matrix: Matrix) -> FloatArray:
        """Margins, a column a level, around values: ascending in each row."""
        around = values[:, np.newaxis]
        if self.unit is not None:
            found = self.unit * np.sinh(np.arcsinh(around / self.unit) + margins)
        else:
            found = around + margins * self._sizes(matrix)
        found = np.sort(found, axis=1)
        return found if self.floor is None else np.maximum(found, self.floor)

    def _sizes(self, matrix: Matrix) -> FloatArray:
        if self.column is None:
            return np.ones((len(matrix), 1))
        return matrix[:, [self.column]].astype(np.float64)

    def predict(self, matrix: Matrix) -> FloatArray:
        """The value and its quantiles."""
        values = np.asarray(self.inner.predict(matrix), dtype=np.float64).reshape(-1)
        margins = np.column_stack([model.predict(matrix) for model in self.margins])
        quantiles = self.quantiles_of(values, margins + np.array(self.shifts), matrix)
        return np.column_stack([values, quantiles])


def surround(
    problem: Problem, unseen: Unseen, model: Any, asked: Asked, threads: int
) -> QuantilesFound:
    """The model with quantiles, learnt and judged by the rows that its folds had not seen."""
    rows, values = unseen.rows, unseen.predicted[:, 0].astype(np.float64)
    scale = _scale_of(problem, model)
    truth = problem.target[rows].astype(np.float64)
    left = scale.margins_of(truth, values, problem.matrix[rows])
    residuals = _residual_problem(problem, rows, left)
    candidates = [_candidate(level, len(rows)) for level in asked.levels]
    found = _crossed(residuals, candidates, asked, threads)
    moved, models = found.margins.copy(), []
    for column, (level, candidate) in enumerate(zip(asked.levels, candidates, strict=True)):
        off = left[found.rows] - found.margins[:, column]
        moved[:, column] += _moves(off, found.parts, level)
        scale.shifts.append(_move(off, level))
        settings = dict(candidate.settings) | {"rounds": found.rounds[column]}
        settled = candidate_of(candidate.family, **settings)
        models.append(fit_model(residuals, settled, None, threads))
    scale.margins = models
    judged = scale.quantiles_of(values[found.rows], moved, problem.matrix[rows][found.rows])
    return QuantilesFound(scale, asked.levels, truth[found.rows], judged)


def _scale_of(problem: Problem, model: Any) -> WithQuantiles:
    """The model, and on what scale its margins are learnt."""
    truth, shape = problem.target, problem.shape
    floor = 0.0 if truth.min() >= 0 else None
    if shape.spread == "even":
        return WithQuantiles(model, column=shape.scale, floor=floor)
    sizes = np.abs(truth[truth != 0])
    return WithQuantiles(model, unit=float(np.quantile(sizes, EVEN_SHARE)), floor=floor)


def _residual_problem(problem: Problem, rows: Indices, left: FloatArray) -> Problem:
    """What is left over as a target: each fold is judged by margins learnt from the others."""
    shape = replace(problem.shape, rows=len(rows), scale=None, spread="even")
    sizes = [len(fold.test) for fold in problem.folds]
    if len(sizes) == 1 or sum(sizes) != len(rows):
        folds = make_folds(left, "regression", shape.seed)
    else:
        # A fit on some rows takes the first ones: they are to be of all folds.
        every = np.random.default_rng(shape.seed).permutation(len(rows))
        part = np.repeat(np.arange(len(sizes)), sizes)
        folds = [
            Fold(every[part[every] != number], np.flatnonzero(part == number))
            for number in range(len(sizes))
        ]
    return Problem(problem.matrix[rows], left, shape, "mae", None, folds)


def _candidate(level: float, rows: int) -> Candidate:
    """Small trees: how far a model errs is less to be known than what it predicts."""
    smallest = max(1, min(LEAF_ROWS, round(LEAF_SHARE * rows)))
    return candidate_of("boosting", leaves=6, rate=0.1, smallest=smallest, quantile=level)


class _Crossed(NamedTuple):
    """Margins of rows by models that had not seen them; ``parts`` tells the rows of a fold."""

    rows: Indices
    parts: Indices
    margins: FloatArray
    rounds: list[int]


def _crossed(
    residuals: Problem, candidates: Sequence[Candidate], asked: Asked, threads: int
) -> _Crossed:
    """The margins of each fold, of as many folds as there is time for, but at least one."""
    done: list[FloatArray] = []
    rounds: list[list[int]] = []
    for number in range(len(residuals.folds)):
        if done and time.monotonic() > asked.deadline:
            break
        fits = [run_fit(residuals, Fit(one, number), threads) for one in candidates]
        tested = len(residuals.folds[number].test)
        # A fit that failed has learnt nothing: its margin is the constant alone.
        columns = [np.zeros(tested) if f.predicted is None else f.predicted[:, 0] for f in fits]
        done.append(np.column_stack(columns).astype(np.float64))
        rounds.append([f.rounds or 1 for f in fits])
    tests = [fold.test for fold in residuals.folds[: len(done)]]
    return _Crossed(
        np.concatenate(tests),
        np.repeat(np.arange(len(tests)), [len(test) for test in tests]),
        np.vstack(done),
        [round(float(np.mean(each))) for each in zip(*rounds, strict=True)],
    )


def _moves(off: FloatArray, parts: Indices, level: float) -> FloatArray:
    """The move of each row, found without the rows of its own part."""
    count = int(parts.max()) + 1
    if count == 1:
        parts, count = np.arange(len(off)) % 2, 2
    moves = [_move(off[parts != number], level) for number in range(count)]
    return np.array(moves)[parts]


def _move(off: FloatArray, level: float) -> float:
    """What must be added so that the share of rows below is right, also for the next row."""
    ordered, count = np.sort(off), len(off)
    rank = math.ceil((count + 1) * level) if level > 0.5 else math.floor((count + 1) * level)  # noqa: PLR2004 - the middle
    return float(ordered[min(max(rank, 1), count) - 1])


def quantile_metrics(
    levels: Sequence[float], truth: FloatArray, predicted: NDArray[Any]
) -> dict[str, float]:
    """For each level its pinball loss, of which less is better, and the share of rows below."""
    found = {}
    for column, level in enumerate(levels):
        off = truth - predicted[:, column]
        name = percent_name(level)
        loss = float(np.maximum(level * off, (level - 1) * off).mean())
        found[f"pinball_{name}"] = round(loss, _DIGITS)
        found[f"coverage_{name}"] = round(float((off <= 0).mean()), _DIGITS)
    return found


def baseline_metrics(levels: Sequence[float], truth: FloatArray) -> dict[str, float]:
    """The same of quantiles that look at no row: those of all values."""
    constant = np.tile(np.quantile(truth, levels), (len(truth), 1))
    return quantile_metrics(levels, truth, constant)
