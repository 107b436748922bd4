"""Categories of many levels as the mean of the target over each level, learnt within every fit.

The columns hold codes; a model of this kind puts the means before them. It learns from means of
which none knows its own row (cross-fitting: each fifth of the rows is encoded by the others), and
predicts with those of all rows that it was fitted on. As that happens within ``fit``, no fold of
a search sees targets that it is judged by. ``pipelines`` builds it, ``graph`` converts it.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.training.encoding import Matrix

#: Up to this many levels a column of codes, or one column a level, says as much.
FEW_LEVELS = 40
#: Of more classes there would be too many columns.
MAX_CLASSES = 10
FOLDS = 5

Means = NDArray[np.float32]
Values = NDArray[np.float64]


class TargetEncoded:
    """A model of means of the target by level, and of the matrix as it was.

    ``levels`` has the number of levels by the column that holds their codes, ``classes`` is 0 for
    a regression.
    """

    def __init__(self, inner: Any, levels: dict[int, int], classes: int, seed: int) -> None:
        self.inner = inner
        self.columns = list(levels)
        self.sizes = list(levels.values())
        self.classes = classes
        self.seed = seed
        #: A line for each code of a column, that of the unseen first.
        self.means: list[Means] = []

    def fit(
        self,
        matrix: Matrix,
        target: NDArray[Any],
        eval_set: Sequence[tuple[Matrix, NDArray[Any]]] | None = None,
        **watched: Any,
    ) -> "TargetEncoded":
        """Learn the means, and the model from cross-fitted ones."""
        learnt = self.prepared(matrix, target)
        if eval_set is not None:
            watched["eval_set"] = [self.given(rows, truth) for rows, truth in eval_set]
        self.inner.fit(*learnt, **watched)
        return self

    def prepared(self, matrix: Matrix, target: NDArray[Any]) -> tuple[Matrix, NDArray[Any]]:
        """Learn the means; what the inner model is to be fitted on, with cross-fitted ones."""
        values = self._values(target)
        overall = values.mean(axis=0)
        self.means = self._learnt(matrix, values, overall)
        return self._cross_fitted(matrix, values, overall), target

    def given(self, matrix: Matrix, target: NDArray[Any]) -> tuple[Matrix, NDArray[Any]]:
        """Rows that the means were not learnt from, as the inner model takes them."""
        return self.encoded(matrix), target

    def _values(self, target: NDArray[Any]) -> Values:
        """What is averaged: the value, whether it is the second class, or which class it is."""
        if self.classes == 0:
            return np.asarray(target, dtype=np.float64).reshape(-1, 1)
        shown = target[:, None] == shown_classes(self.classes)
        return np.asarray(shown, dtype=np.float64)

    def _learnt(self, matrix: Matrix, values: Values, overall: Values) -> list[Means]:
        return [
            shrunk_means(matrix[:, column].astype(np.int64), values, overall, size)
            for column, size in zip(self.columns, self.sizes, strict=True)
        ]

    def _cross_fitted(self, matrix: Matrix, values: Values, overall: Values) -> Matrix:
        part = np.random.default_rng(self.seed).permutation(len(matrix)) % FOLDS
        width = matrix.shape[1] + added_columns(self.columns, self.classes)
        result = np.empty((len(matrix), width), dtype=np.float32)
        for number in range(min(FOLDS, len(matrix))):
            own = part == number
            others = self._learnt(matrix[~own], values[~own], overall)
            result[own] = _encoded(matrix[own], self.columns, others)
        return result

    def encoded(self, matrix: Matrix) -> Matrix:
        """The means of all rows that were learnt from, before the columns as they are."""
        return _encoded(matrix, self.columns, self.means)

    @property
    def classes_(self) -> Any:
        """The classes, as scikit-learn tells them."""
        return self.inner.classes_

    @property
    def best_iteration_(self) -> int | None:
        """Rounds of boosting that a watched fit found best, as LightGBM tells them."""
        return getattr(self.inner, "best_iteration_", None)

    def predict(self, matrix: Matrix) -> Any:
        """What the model predicts."""
        return self.inner.predict(self.encoded(matrix))

    def predict_proba(self, matrix: Matrix) -> Any:
        """The probabilities of all classes."""
        return self.inner.predict_proba(self.encoded(matrix))


def many_levels(first: int, categories: Sequence[int], classes: int) -> dict[int, int]:
    """The levels of the columns that means are made for; the first code is in column ``first``."""
    if classes > MAX_CLASSES:
        return {}
    return {first + at: size for at, size in enumerate(categories) if size > FEW_LEVELS}


def added_columns(levels: Collection[int], classes: int) -> int:
    """How many columns of means come before the matrix: some for each column of codes."""
    return len(levels) * max(1, len(shown_classes(classes)))


def shown_classes(classes: int) -> NDArray[np.int64]:
    """The classes that have a column of means: of two the second says it all."""
    return np.arange(1 if classes == 2 else 0, classes)  # noqa: PLR2004 - a pair


def shrunk_means(codes: NDArray[np.int64], values: Values, overall: Values, levels: int) -> Means:
    """The mean of each level, drawn to ``overall`` the more the fewer rows it has.

    By how much is estimated from the variances within and between levels (Searle 1971): where
    levels differ no more than chance would have it, all are ``overall``. So is that of the code
    0, which is missing, rare or unseen.
    """
    result = np.tile(overall, (levels + 1, 1))
    coded = codes > 0
    rows, own = codes[coded], values[coded]
    counts = np.bincount(rows, minlength=levels + 1)[:, None].astype(np.float64)
    seen = int(np.count_nonzero(counts))
    free = len(rows) - seen
    if seen < 2 or free < 1:  # noqa: PLR2004 - one level differs from no other
        return result.astype(np.float32)
    sums = np.column_stack([np.bincount(rows, column, levels + 1) for column in own.T])
    means = sums / np.maximum(counts, 1)
    within = ((own - means[rows]) ** 2).sum(axis=0) / free
    spread = (counts * (means - own.mean(axis=0)) ** 2).sum(axis=0) - (seen - 1) * within
    between = spread / (len(rows) - (counts**2).sum() / len(rows))
    held = np.maximum(between, 0)
    total = held * counts + within
    share = np.divide(held * counts, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(result + share * (means - overall), dtype=np.float32)


def _encoded(matrix: Matrix, columns: Sequence[int], means: Sequence[Means]) -> Matrix:
    found = [
        line[matrix[:, column].astype(np.int64)]
        for column, line in zip(columns, means, strict=True)
    ]
    return np.ascontiguousarray(np.hstack([*found, matrix]), dtype=np.float32)
