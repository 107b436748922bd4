"""Probabilities that come true: corrected where unseen rows say that it helps.

Of two classes the log-odds are scaled and shifted (Platt 1999, on log-odds), of more they are
divided by a temperature (Guo et al., On Calibration of Modern Neural Networks, 2017). Both keep
the order of rows, so that ranking metrics stay; isotonic regression would tie rows, and amplifies
what float32 rounds off. Called by ``conversion``; ``graph`` writes a correction as five nodes.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.ensemble import Unseen
from modelyard_runtime.training.evaluation import metric, score
from modelyard_runtime.training.problem import Indices, Problem

#: Probabilities below are taken for it: a logarithm shows there what float32 rounded off.
FLOOR = 1e-5
MIN_ROWS = 100
BLOCKS = 5
#: Blocks of rows that must gain, and how much log loss in the mean.
GAINING_BLOCKS = 4
MIN_GAIN = 1e-3
#: What a correction may change of the area under the curve, by rounding alone.
SAME_AREA = 1e-4
#: Numbers that a correction is learnt from at most.
MAX_CELLS = 1_000_000
_STEPS = 25
_RIDGE = 1e-3
_CLOSE = 1e-8
_PAIR = 2

Array = NDArray[np.float64]


class Correction(NamedTuple):
    """A scale of logarithms of probabilities, and what is added to that of each class."""

    slope: float
    shift: tuple[float, ...]

    def __call__(self, chances: NDArray[Any]) -> Array:
        """Corrected probabilities."""
        scores = self.slope * _logs(chances) + np.array(self.shift)
        return _softmax(scores)


class Calibrated:
    """A classifier whose probabilities are corrected."""

    def __init__(self, inner: Any, correction: Correction) -> None:
        self.inner = inner
        self.slope, self.shift = correction.slope, list(correction.shift)

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes, in the order of their probabilities."""
        return np.asarray(self.inner.classes_)

    def predict_proba(self, matrix: Matrix) -> Array:
        """Corrected probabilities of all classes."""
        correction = Correction(self.slope, tuple(self.shift))
        return correction(np.asarray(self.inner.predict_proba(matrix)))

    def predict(self, matrix: Matrix) -> NDArray[Any]:
        """The class of the greatest probability."""
        return np.asarray(self.classes_[self.predict_proba(matrix).argmax(axis=1)])


class Calibration(NamedTuple):
    """A correction, and the unseen rows corrected by what the others taught."""

    correction: Correction
    unseen: Unseen


def calibrate(problem: Problem, unseen: Unseen) -> Calibration | None:
    """The correction of a model; None where unseen rows are predicted no better with it."""
    truth, chances = problem.target[unseen.rows], unseen.predicted.astype(np.float64)
    if problem.shape.task == "regression" or len(truth) < MIN_ROWS:
        return None
    order = np.random.default_rng(problem.shape.seed).permutation(len(truth))
    corrected, gains = chances.copy(), []
    for block in np.array_split(order, BLOCKS):
        others = np.setdiff1d(order, block, assume_unique=True)
        corrected[block] = fit_correction(truth[others], chances[others])(chances[block])
        gains.append(_loss(truth, chances, block) - _loss(truth, corrected, block))
    if np.mean(gains) < MIN_GAIN or np.count_nonzero(np.array(gains) > 0) < GAINING_BLOCKS:
        return None
    correction = fit_correction(truth, chances)
    if not _ranks_as_well(problem, truth, chances, correction(chances)):
        return None
    return Calibration(correction, Unseen(unseen.rows, corrected))


def _ranks_as_well(problem: Problem, truth: Indices, before: Array, after: Array) -> bool:
    """Whether neither the order of rows nor what the search optimised has become worse."""
    areas = [metric("roc_auc", truth, chances, problem.positive) for chances in (before, after)]
    scores = [score(problem.metric, truth, c, problem.positive) for c in (before, after)]
    loses = SAME_AREA if problem.metric == "roc_auc" else 0.0
    return not (areas[1] < areas[0] - SAME_AREA or scores[1] < scores[0] - loses)


def fit_correction(truth: Indices, chances: NDArray[Any]) -> Correction:
    """The correction of least log loss, by Newton's method on a convex loss.

    A little weight pulls it to no correction, where classes are told apart without an error.
    """
    rows = max(MIN_ROWS, MAX_CELLS // chances.shape[1])
    truth, logs = truth[:rows], _logs(chances[:rows])
    binary = logs.shape[1] == _PAIR
    parts = [logs, np.broadcast_to(np.array([0.0, 1.0]), logs.shape)] if binary else [logs]
    features = np.stack(parts, axis=-1)
    plain = np.eye(1, features.shape[-1])[0]
    weights = plain
    for _ in range(_STEPS):
        step = _newton_step(truth, features, weights, plain)
        weights = weights - step
        if np.abs(step).max() < _CLOSE:
            break
    slope = float(np.clip(weights[0], 0.05, 20.0))
    return Correction(slope, (0.0, float(weights[1])) if binary else (0.0,) * logs.shape[1])


def _newton_step(truth: Indices, features: Array, weights: Array, plain: Array) -> Array:
    chances = _softmax(features @ weights)
    own = features[np.arange(len(truth)), truth]
    means = np.einsum("nk,nkm->nm", chances, features)
    squares = np.einsum("nk,nkm,nkl->ml", chances, features, features) / len(truth)
    curvature = squares - means.T @ means / len(truth) + _RIDGE * np.eye(len(weights))
    gradient = (means - own).mean(axis=0) + _RIDGE * (weights - plain)
    step = np.linalg.solve(curvature, gradient)
    # Newton's first steps may go too far where most rows are certain.
    return np.asarray(step / max(1.0, float(np.abs(step).max())))


def _logs(chances: NDArray[Any]) -> Array:
    return np.log(np.clip(chances.astype(np.float64), FLOOR, 1.0))


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _loss(truth: Indices, chances: Array, rows: Indices) -> float:
    return metric("log_loss", truth[rows], chances[rows], None)
