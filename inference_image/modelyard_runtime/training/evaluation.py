"""How good predictions are: the metrics of each task, and one score to search by.

Predictions come as the graph gives them: probabilities of all classes, or values.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.fields import Metric
from modelyard_crds.plan import Task

Truth = NDArray[Any]
Predicted = NDArray[Any]

#: Metrics of which less is better.
ERRORS: frozenset[Metric] = frozenset({"rmse", "mae", "mape", "log_loss"})
_DIGITS = 6
_PROBABILITY_FLOOR = 1e-15


def measure(
    task: Task, truth: Truth, predicted: Predicted, positive: int | None
) -> dict[str, float]:
    """All metrics of a task; one that is not defined on these rows is left out."""
    names = _REGRESSION if task == "regression" else _CLASSIFICATION
    values = {name: metric(name, truth, predicted, positive) for name in names}
    return {name: round(value, _DIGITS) for name, value in values.items() if np.isfinite(value)}


def score(metric_name: Metric, truth: Truth, predicted: Predicted, positive: int | None) -> float:
    """One number to search by: greater is better, and of equals the surer one is greater."""
    value = metric(metric_name, truth, predicted, positive)
    if metric_name in ERRORS:
        return -value
    if predicted.shape[1] > 1 and metric_name not in {"roc_auc"}:
        # Many models get every small fold right; how sure they are tells them apart.
        return value - 1e-3 * metric("log_loss", truth, predicted, positive)
    return value


def metric(name: Metric, truth: Truth, predicted: Predicted, positive: int | None) -> float:
    """One metric; NaN where it is not defined on these rows."""
    try:
        if name in _REGRESSION:
            return float(_REGRESSION[name](truth, predicted[:, 0].astype(np.float64)))
        return float(_CLASSIFICATION[name](truth, predicted.astype(np.float64), positive))
    except ValueError:
        return float("nan")


def difference(task: Task, expected: Predicted, found: Predicted) -> float:
    """The greatest difference between two predictions; of values, relative to their size."""
    delta = np.abs(expected.astype(np.float64) - found.astype(np.float64))
    if task == "regression":
        delta = delta / np.maximum(np.maximum(1.0, np.abs(expected)), np.std(expected))
    return float(delta.max(initial=0.0)) if np.isfinite(delta).all() else float("inf")


def _accuracy(truth: Truth, chances: Predicted, _positive: int | None) -> float:
    return float((truth == chances.argmax(axis=1)).mean())


def _balanced_accuracy(truth: Truth, chances: Predicted, _positive: int | None) -> float:
    from sklearn.metrics import recall_score

    chosen, present = chances.argmax(axis=1), np.unique(truth)
    recalls = recall_score(truth, chosen, labels=present, average=None, zero_division=0)
    return float(np.mean(recalls))


def _averaged(function: str) -> Callable[[Truth, Predicted, int | None], float]:
    def average(truth: Truth, chances: Predicted, positive: int | None) -> float:
        from sklearn import metrics

        chosen = chances.argmax(axis=1)
        options: dict[str, Any] = (
            {"average": "macro"} if positive is None else {"pos_label": positive}
        )
        return float(getattr(metrics, function)(truth, chosen, zero_division=0, **options))

    return average


def _roc_auc(truth: Truth, chances: Predicted, positive: int | None) -> float:
    present = np.unique(truth)
    if len(present) < 2:  # noqa: PLR2004 - a curve needs both outcomes
        return float("nan")
    if positive is not None:
        return _area(truth == positive, chances[:, positive])
    return float(np.mean([_area(truth == label, chances[:, label]) for label in present]))


def _area(outcome: NDArray[np.bool_], chances: NDArray[Any]) -> float:
    """Mann and Whitney's statistic, which the area is: scikit-learn's value, ten times as fast.

    A search asks for it thousands of times.
    """
    _, place, counts = np.unique(chances, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    yes = int(np.count_nonzero(outcome))
    no = len(outcome) - yes
    return float((rank[outcome].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes * no else np.nan


def _log_loss(truth: Truth, chances: Predicted, _positive: int | None) -> float:
    rows = np.arange(len(truth))
    share = chances[rows, truth] / np.maximum(chances.sum(axis=1), _PROBABILITY_FLOOR)
    return float(-np.log(np.clip(share, _PROBABILITY_FLOOR, 1.0)).mean())


def _r2(truth: Truth, values: Predicted) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1.0 - float(((truth - values) ** 2).sum()) / spread if spread > 0 else float("nan")


def _mape(truth: Truth, values: Predicted) -> float:
    """Relative to the true value; rows where that is zero have no such error."""
    known = truth != 0
    if not known.any():
        return float("nan")
    return float(np.abs((truth[known] - values[known]) / truth[known]).mean())


_CLASSIFICATION: dict[Metric, Callable[[Truth, Predicted, int | None], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "precision": _averaged("precision_score"),
    "recall": _averaged("recall_score"),
    "f1_score": _averaged("f1_score"),
    "roc_auc": _roc_auc,
    "log_loss": _log_loss,
}
_REGRESSION: dict[Metric, Callable[[Truth, Predicted], float]] = {
    "r2": _r2,
    "rmse": lambda truth, values: float(np.sqrt(((truth - values) ** 2).mean())),
    "mae": lambda truth, values: float(np.abs(truth - values).mean()),
    "mape": _mape,
}


def baseline(task: Task, truth: Truth, classes: Sequence[str]) -> Predicted:
    """What one would predict without looking at a row: class shares, or the mean."""
    if task == "regression":
        return np.full((len(truth), 1), truth.mean())
    shares = np.bincount(truth, minlength=len(classes)) / len(truth)
    return np.tile(shares, (len(truth), 1))
