"""A weighted mean of models, where it predicts no worse than the best of them.

Greedy selection with replacement over predictions for unseen rows (Caruana et al., Ensemble
Selection from Libraries of Models, 2004). Whether it pays is asked of rows that the weights were
not chosen by. Called by ``conversion``; ``graph`` writes the mean as one graph.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.plan import Task
from modelyard_runtime.training.candidates import FORESTS, Family
from modelyard_runtime.training.evaluation import score
from modelyard_runtime.training.problem import Indices, Problem
from modelyard_runtime.training.search import Trial

#: Every member is walked for every prediction: more of them hardly gain.
MAX_MEMBERS = 4
STEPS = 12
#: The best trials that are considered, how many of each family, and on how many rows.
LIBRARY = 12
OF_A_FAMILY = 3
MAX_ROWS = 20_000
BLOCKS = 5


class Blend(NamedTuple):
    """Trials and their weights, which add up to one; a single model is a blend of one."""

    parts: tuple[tuple[float, Trial], ...]

    @property
    def families(self) -> list[Family]:
        """The families of its members."""
        return [trial.candidate.family for _, trial in self.parts]


class Unseen(NamedTuple):
    """What the models of the folds predict for rows that they have not seen."""

    rows: Indices
    predicted: NDArray[Any]


def single(trial: Trial) -> Blend:
    """One trial as a blend."""
    return Blend(((1.0, trial),))


def unseen_of(problem: Problem, blend: Blend) -> Unseen:
    """The predictions of complete trials for the rows that the folds test."""
    folds = sorted(blend.parts[0][1].folds)
    rows = np.concatenate([problem.folds[number].test for number in folds])
    return Unseen(rows, _mixed([weight for weight, _ in blend.parts], _library(blend, folds)))


def _library(blend: Blend, folds: Sequence[int]) -> list[NDArray[Any]]:
    return [_predictions(trial, folds) for _, trial in blend.parts]


def best_blend(problem: Problem, ranked: Sequence[Trial]) -> Blend | None:
    """The blend of the best trials; None where it is worse than the best trial alone."""
    trials = library_of(ranked)
    if len(trials) < 2:  # noqa: PLR2004 - a mean needs two
        return None
    folds = sorted(trials[0].folds)
    rows = np.concatenate([problem.folds[number].test for number in folds])
    order = np.random.default_rng(problem.shape.seed).permutation(len(rows))[:MAX_ROWS]
    judge = _Judge(problem, rows[order], [_predictions(t, folds)[order] for t in trials])
    everything = np.arange(len(order))
    weights = judge.weights(everything)
    if np.count_nonzero(weights) < 2 or not pays(_gains(judge, everything)):  # noqa: PLR2004 - as above
        return None
    parts = [(float(weight), trial) for weight, trial in zip(weights, trials, strict=True)]
    return Blend(tuple((weight, trial) for weight, trial in parts if weight > 0))


def library_of(ranked: Sequence[Trial]) -> list[Trial]:
    """The best trials of each family, best first: a long search fills the first places with one.

    Models that err alike gain nothing by their mean, and a second forest costs what the first does.
    """
    seen: Counter[Family] = Counter()
    chosen: list[Trial] = []
    for trial in ranked:
        family = trial.candidate.family
        seen[family] += 1
        if seen[family] <= (1 if family in FORESTS else OF_A_FAMILY):
            chosen.append(trial)
    return chosen[:LIBRARY]


def pays(gains: NDArray[np.float64]) -> bool:
    """Whether a mean is not clearly worse than the best trial, by what it gains on some blocks.

    The best was chosen by all of the rows, those of each block included, and the weights were not:
    where both seem equal the mean is better on others.
    """
    return bool(gains.mean() + gains.std(ddof=1) / np.sqrt(len(gains)) > 0)


def _gains(judge: "_Judge", rows: Indices) -> NDArray[np.float64]:
    """What weights chosen without a block of rows gain on it over the best trial alone."""
    gains = []
    for block in np.array_split(rows, BLOCKS):
        weights = judge.weights(np.setdiff1d(rows, block))
        gains.append(judge.score(weights, block) - judge.score(judge.alone(), block))
    return np.asarray(np.nan_to_num(np.array(gains), nan=0.0))


class _Judge:
    """Scores weighted means of a library of predictions; its first one is the best trial's."""

    def __init__(self, problem: Problem, rows: Indices, library: list[NDArray[Any]]) -> None:
        self._problem, self._library = problem, library
        self._truth = problem.target[rows]

    def alone(self) -> NDArray[np.float64]:
        """The weights of the best trial by itself."""
        return np.asarray(np.eye(1, len(self._library))[0])

    def score(self, weights: NDArray[np.float64], rows: Indices) -> float:
        """How good a weighted mean is on some rows."""
        chosen = [number for number, weight in enumerate(weights) if weight > 0]
        mixed = _mixed(weights[chosen], [self._library[number][rows] for number in chosen])
        return self._value(mixed, rows)

    def weights(self, rows: Indices) -> NDArray[np.float64]:
        """Greedy selection on some rows: the best mean that any step reached."""
        library = [predicted[rows] for predicted in self._library]
        picked: Counter[int] = Counter([0])
        total = library[0].astype(np.float64)
        best, best_value = Counter(picked), self._value(total, rows)
        for step in range(1, STEPS):
            open_to = range(len(library)) if len(picked) < MAX_MEMBERS else list(picked)
            values = {n: self._value((total + library[n]) / (step + 1), rows) for n in open_to}
            winner = max(values, key=lambda n: np.nan_to_num(values[n], nan=-np.inf))
            picked[winner] += 1
            total = total + library[winner]
            if values[winner] > best_value:
                best, best_value = Counter(picked), values[winner]
        counts = np.array([best[number] for number in range(len(library))], dtype=np.float64)
        return np.asarray(counts / counts.sum())

    def _value(self, predicted: NDArray[Any], rows: Indices) -> float:
        problem = self._problem
        return score(problem.metric, self._truth[rows], predicted, problem.positive)


def _mixed(weights: Sequence[float] | NDArray[Any], parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.asarray(np.tensordot(np.asarray(weights), np.stack(parts), axes=1))


def _predictions(trial: Trial, folds: Sequence[int]) -> NDArray[Any]:
    parts = [trial.folds[number].predicted for number in folds]
    return np.concatenate([part for part in parts if part is not None])


def mean_of(task: Task, members: Sequence[tuple[float, Any]]) -> Any:
    """Fitted models as one of scikit-learn's: a weighted mean of their predictions."""
    from sklearn.ensemble import VotingClassifier, VotingRegressor
    from sklearn.preprocessing import LabelEncoder

    if len(members) == 1:
        return members[0][1]
    named = [(f"member_{number}", model) for number, (_, model) in enumerate(members)]
    weights = [weight for weight, _ in members]
    if task == "regression":
        voting = VotingRegressor(named, weights=weights)
    else:
        voting = VotingClassifier(named, voting="soft", weights=weights)
        voting.classes_ = members[0][1].classes_
        voting.le_ = LabelEncoder().fit(voting.classes_)
    voting.estimators_ = [model for _, model in members]
    return voting


def members_of(model: Any) -> list[tuple[float, Any]]:
    """The weights and models of a mean; none where a model is not one."""
    if not hasattr(model, "named_estimators") or not hasattr(model, "weights"):
        return []
    return list(zip(model.weights, model.estimators_, strict=True))
