"""What a search works on: a matrix, a target, how it is judged, and the folds all share.

Made once by ``build``; every fit is a pure function of it and of a ``fitting.Fit``.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.fields import Metric
from modelyard_crds.plan import Task
from modelyard_runtime.data.table import Column
from modelyard_runtime.plan.goal import Goal
from modelyard_runtime.training.encoding import Matrix

#: Above this many rows one held-out part judges as well as five folds.
MANY_ROWS = 20_000

#: Values this unevenly spread may be learnt better on another scale (Fisher's skewness).
SKEWED, SKEWED_COUNTS = 1.0, 0.5

Indices = NDArray[np.int64]
#: How the values of a target are spread.
Spread = Literal["even", "skewed", "positive", "counts"]


class Fold(NamedTuple):
    """Rows to fit on and rows to judge by."""

    train: Indices
    test: Indices


@dataclass(frozen=True)
class Shape:
    """What a pipeline must know of the matrix and the task."""

    task: Task
    rows: int
    numeric: int
    categories: tuple[int, ...]
    classes: int
    seed: int
    #: The column that values are relative to, where they are.
    scale: int | None = None
    spread: Spread = "even"

    @property
    def columns(self) -> int:
        """Width of the matrix."""
        return self.numeric + len(self.categories)


@dataclass(frozen=True)
class Problem:
    """What is learnt: a matrix, a target, how it is judged."""

    matrix: Matrix
    target: NDArray[Any]
    shape: Shape
    metric: Metric
    positive: int | None
    folds: list[Fold]
    #: Whether folds are windows of time.
    over_time: bool = False
    #: The number of each row's entity, where those that judge are none that was learnt from.
    entities: Indices | None = None


def spread_of(values: NDArray[np.float64]) -> Spread:
    """How the values of a regression are spread: by what scale or loss suits them.

    ``counts`` are whole numbers from zero, ``positive`` is skewed and never below zero.
    """
    spread = values.std()
    if spread == 0:
        return "even"
    skewness = float((((values - values.mean()) / spread) ** 3).mean())
    least = values.min()
    if least >= 0 and skewness > SKEWED_COUNTS and bool((values == np.round(values)).all()):
        return "counts"
    if abs(skewness) <= SKEWED:
        return "even"
    return "positive" if least >= 0 else "skewed"


def truth_of(goal: Goal, target: Column) -> NDArray[Any]:
    """The target as numbers: values, or the position of each row's class."""
    if goal.task == "regression":
        return np.asarray(target.values, dtype=np.float64)
    position = {label: number for number, label in enumerate(goal.classes)}
    values, where = np.unique(target.values, return_inverse=True)
    return np.array([position[target.label_of(value)] for value in values.tolist()])[where]
