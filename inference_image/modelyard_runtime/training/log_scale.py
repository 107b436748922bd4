"""Skewed targets learnt on a scale on which their sizes matter less, and predicted in their own.

The inverse hyperbolic sine is a logarithm for large values, takes zero and negative ones, and has
an inverse that ONNX knows (Burbidge, Magee and Robb 1988). Candidates with and without it compete
by the metric, in the target's units. ``pipelines`` builds it, ``graph`` converts it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelyard_runtime.features import FloatArray
from modelyard_runtime.training.encoding import Matrix

#: Below this share of the sizes the scale is even, above it is a logarithm.
EVEN_SHARE = 0.05
#: How far beyond what was learnt from a prediction may lie, on the scale: a factor of 1.6.
BEYOND = 0.5


class OnLogScale:
    """A regression of the inverse hyperbolic sine of the target."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.unit, self.low, self.high = 1.0, 0.0, 0.0

    def fit(
        self,
        matrix: Matrix,
        target: FloatArray,
        eval_set: Sequence[tuple[Matrix, FloatArray]] | None = None,
        **watched: Any,
    ) -> "OnLogScale":
        """Learn on the scale; what watches a fit sees values on it too."""
        learnt = self.prepared(matrix, target)
        if eval_set is not None:
            watched["eval_set"] = [self.given(rows, truth) for rows, truth in eval_set]
        self.inner.fit(*learnt, **watched)
        return self

    def prepared(self, matrix: Matrix, target: FloatArray) -> tuple[Matrix, FloatArray]:
        """Learn the scale; what the inner model is to be fitted on."""
        sizes = np.abs(target[target != 0])
        self.unit = float(np.quantile(sizes, EVEN_SHARE)) if len(sizes) else 1.0
        _, scaled = self.given(matrix, target)
        self.low, self.high = float(scaled.min()) - BEYOND, float(scaled.max()) + BEYOND
        return matrix, scaled

    def given(self, matrix: Matrix, target: FloatArray) -> tuple[Matrix, FloatArray]:
        """Rows that the scale was not learnt from, as the inner model takes them."""
        return matrix, np.arcsinh(target / self.unit)

    @property
    def best_iteration_(self) -> int | None:
        """Rounds of boosting that a watched fit found best, as LightGBM tells them."""
        return getattr(self.inner, "best_iteration_", None)

    def predict(self, matrix: Matrix) -> FloatArray:
        """Values in the target's units."""
        scaled = np.asarray(self.inner.predict(matrix)).reshape(-1)
        return np.asarray(self.unit * np.sinh(np.clip(scaled, self.low, self.high)))
