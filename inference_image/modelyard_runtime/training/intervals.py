"""How sure metrics are: confidence intervals by the bootstrap over unseen rows.

Every metric is a function of sums over rows, so that all draws are one product of matrices: how
often each block of rows was drawn, times the sums of each block (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993). The area under the ROC curve is none; near its value it is a
sum of placements (DeLong et al. 1988), which is drawn instead. Called by ``evidence``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.plan import Task

DRAWS = 500
CONFIDENCE = 0.95
#: More rows than this are drawn in random blocks, which costs nothing but time.
MAX_BLOCKS = 2_000
#: The areas of many classes take longer than they tell.
MAX_AREAS = 30
_FLOOR = 1e-15

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Judged:
    """Rows, what was predicted for them, and which of them depend on each other."""

    task: Task
    truth: NDArray[Any]
    predicted: NDArray[Any]
    positive: int | None
    seed: int
    in_order: bool = False
    #: The number of what each row is of, where rows of one are alike.
    entities: Indices | None = None


def intervals(judged: Judged, values: Mapping[str, float]) -> dict[str, Interval]:
    """The interval of each metric among ``values``; none for one that draws leave undefined.

    Percentiles of the draws, widened where the value itself lies outside.
    """
    if len(judged.truth) == 0:
        return {}
    blocks = _blocks(judged)
    count = int(blocks.max()) + 1
    sums = _regression_sums if judged.task == "regression" else _classification_sums
    totals = _drawn(sums(judged, blocks, count), count, judged.seed)
    with np.errstate(all="ignore"):
        metrics = _regression(totals) if judged.task == "regression" else _classes(judged, totals)
    found = {name: _ends(drawn, values[name]) for name, drawn in metrics.items() if name in values}
    return {name: interval for name, interval in found.items() if interval is not None}


def blocks_said(judged: Judged) -> str:
    """What is drawn, for people."""
    rows = len(judged.truth)
    if judged.in_order:
        return f"blocks of {_length(rows)} neighbouring rows"
    if judged.entities is not None:
        return "entities, each with all of its rows"
    return "rows" if rows <= MAX_BLOCKS else f"{MAX_BLOCKS} random blocks of rows"


def _blocks(judged: Judged) -> Indices:
    rows = len(judged.truth)
    if judged.in_order:
        return np.arange(rows) // _length(rows)
    if judged.entities is not None:
        return np.unique(judged.entities, return_inverse=True)[1] % MAX_BLOCKS
    if rows <= MAX_BLOCKS:
        return np.arange(rows)
    return np.asarray(np.random.default_rng(judged.seed).permutation(rows) % MAX_BLOCKS)


def _length(rows: int) -> int:
    return max(1, int(np.ceil(np.sqrt(rows))))


def _drawn(sums: Mapping[str, Array], count: int, seed: int) -> dict[str, Array]:
    """The sums of each draw: [draws, columns]."""
    random = np.random.default_rng(seed)
    picks = random.integers(0, count, (DRAWS, count)) + np.arange(DRAWS)[:, None] * count
    times = np.bincount(picks.ravel(), minlength=DRAWS * count).reshape(DRAWS, count)
    drawn = times.astype(np.float64) @ np.hstack(list(sums.values()))
    edges = np.cumsum([part.shape[1] for part in sums.values()])[:-1]
    return dict(zip(sums, np.hsplit(drawn, edges), strict=True))


def _ends(drawn: Array, value: float) -> Interval | None:
    known = drawn[np.isfinite(drawn)]
    if len(known) < DRAWS / 2:
        return None
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(known, [outside, 1 - outside]).tolist()
    return Interval(min(low, value), max(high, value))


def _regression_sums(judged: Judged, blocks: Indices, count: int) -> dict[str, Array]:
    truth = judged.truth.astype(np.float64)
    error = truth - judged.predicted[:, 0]
    centred, known = truth - truth.mean(), truth != 0
    relative = np.divide(np.abs(error), np.abs(truth), out=np.zeros_like(truth), where=known)
    rows = {
        "rows": np.ones(len(truth)),
        "truth": centred,
        "squares": centred**2,
        "errors": np.abs(error),
        "squared_errors": error**2,
        "relative": relative,
        "known": known,
    }
    return {name: _by_block(blocks, count, values) for name, values in rows.items()}


def _regression(totals: Mapping[str, Array]) -> dict[str, Array]:
    t = {name: values[:, 0] for name, values in totals.items()}
    spread = t["squares"] - t["truth"] ** 2 / t["rows"]
    return {
        "r2": 1 - t["squared_errors"] / spread,
        "rmse": np.sqrt(t["squared_errors"] / t["rows"]),
        "mae": t["errors"] / t["rows"],
        "mape": t["relative"] / t["known"],
    }


def _classification_sums(judged: Judged, blocks: Indices, count: int) -> dict[str, Array]:
    truth, chances = judged.truth, judged.predicted.astype(np.float64)
    classes, chosen = chances.shape[1], chances.argmax(axis=1)
    hit = chosen == truth
    share = chances[np.arange(len(truth)), truth] / np.maximum(chances.sum(axis=1), _FLOOR)
    sums = {
        "rows": _by_block(blocks, count, np.ones(len(truth))),
        "loss": _by_block(blocks, count, -np.log(np.clip(share, _FLOOR, 1.0))),
        "actual": _by_class(blocks, count, truth, classes),
        "chosen": _by_class(blocks, count, chosen, classes),
        "hits": _by_class(blocks[hit], count, truth[hit], classes),
    }
    if classes > MAX_AREAS:
        return sums
    placed = [_placements(truth == label, chances[:, label]) for label in range(classes)]
    for name, outcome in (("above", True), ("below", False)):
        parts = [
            _by_block(blocks, count, np.where((truth == label) == outcome, values, 0.0))
            for label, values in enumerate(placed)
        ]
        sums[name] = np.hstack(parts)
    return sums


def _classes(judged: Judged, totals: Mapping[str, Array]) -> dict[str, Array]:
    rows = totals["rows"][:, 0]
    actual, chosen, hits = totals["actual"], totals["chosen"], totals["hits"]
    recall = hits / actual
    average = _macro if judged.positive is None else _of_class(judged.positive)
    metrics = {
        "accuracy": hits.sum(axis=1) / rows,
        "balanced_accuracy": _mean_where(recall, actual > 0),
        "precision": average(np.where(chosen > 0, hits / chosen, 0.0), actual + chosen),
        "recall": average(np.where(actual > 0, recall, 0.0), actual + chosen),
        "f1_score": average(np.nan_to_num(2 * hits / (actual + chosen)), actual + chosen),
        "log_loss": totals["loss"][:, 0] / rows,
    }
    if "above" not in totals:
        return metrics
    others = rows[:, None] - actual
    area = np.clip(totals["above"] / actual + totals["below"] / others, 0.0, 1.0)
    there = (actual > 0) & (others > 0)
    if judged.positive is not None:
        there &= np.arange(actual.shape[1]) == judged.positive
    return {**metrics, "roc_auc": _mean_where(area, there)}


def _placements(outcome: NDArray[np.bool_], chances: Array) -> Array:
    """For each row the share of rows of the other outcome that it is rightly ranked against.

    Less half of the area: the means over the rows of either outcome then add up to it.
    """
    yes, no = np.sort(chances[outcome]), np.sort(chances[~outcome])
    if len(yes) == 0 or len(no) == 0:
        return np.zeros(len(chances))
    placed = np.where(outcome, _rank(no, chances), 1 - _rank(yes, chances))
    return np.asarray(placed - placed[outcome].mean() / 2)


def _rank(among: Array, values: Array) -> Array:
    """The share of sorted values below each of some others; equals count half."""
    both = np.searchsorted(among, values) + np.searchsorted(among, values, "right")
    return np.asarray(both / (2 * len(among)))


def _by_block(blocks: Indices, count: int, values: NDArray[Any]) -> Array:
    sums = np.bincount(blocks, weights=values, minlength=count)
    return np.asarray(sums.reshape(count, 1), dtype=np.float64)


def _by_class(blocks: Indices, count: int, labels: NDArray[Any], classes: int) -> Array:
    places = blocks * classes + labels
    counts = np.bincount(places, minlength=count * classes).astype(np.float64)
    return np.asarray(counts.reshape(count, classes))


def _macro(values: Array, present: Array) -> Array:
    return _mean_where(values, present > 0)


def _of_class(label: int) -> Callable[[Array, Array], Array]:
    return lambda values, _present: np.asarray(values[:, label])


def _mean_where(values: Array, where: NDArray[np.bool_]) -> Array:
    return np.asarray(np.where(where, values, 0.0).sum(axis=1) / where.sum(axis=1))
