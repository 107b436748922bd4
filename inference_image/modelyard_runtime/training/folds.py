"""Which rows each candidate learns from and is judged by: a plan's split carried out.

Called by ``learning``. A large table has one fold, which is enough there.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.plan import Task
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.table import Column
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.split import Split
from modelyard_runtime.training.problem import MANY_ROWS, Fold, Indices

MAX_FOLDS = 5
HELD_OUT = 0.2
MAX_HELD_OUT_ROWS = 50_000
#: The newest part of a small table that is judged, in as many windows as there are folds.
NEWEST = 0.4

Truth = NDArray[Any]


def make_folds(target: Truth, task: Task, seed: int) -> list[Fold]:
    """Folds by chance, which all candidates share."""
    from sklearn import model_selection

    classes = task != "regression"
    rows = np.arange(len(target))
    splitter: Any
    if len(target) > MANY_ROWS:
        kind = model_selection.StratifiedShuffleSplit if classes else model_selection.ShuffleSplit
        splitter = kind(1, test_size=_held_out(len(target)), random_state=seed)
    else:
        rarest = int(np.unique(target, return_counts=True)[1].min()) if classes else MAX_FOLDS
        kind = model_selection.StratifiedKFold if classes else model_selection.KFold
        splitter = kind(min(MAX_FOLDS, rarest), shuffle=True, random_state=seed)
    return [Fold(train, test) for train, test in splitter.split(rows, target)]


def folds_by_entity(target: Truth, task: Task, seed: int, entities: Indices) -> list[Fold]:
    """Folds of which no two have rows of one entity."""
    from sklearn import model_selection

    count = len(np.unique(entities))
    splitter: Any
    if len(target) > MANY_ROWS:
        share = _held_out(len(target)) / len(target)
        splitter = model_selection.GroupShuffleSplit(1, test_size=share, random_state=seed)
    else:
        kind = (
            model_selection.GroupKFold
            if task == "regression"
            else model_selection.StratifiedGroupKFold
        )
        splitter = kind(min(MAX_FOLDS, count), shuffle=True, random_state=seed)
    found = splitter.split(np.arange(len(target)), target, entities)
    return [Fold(_mixed(train, seed), test) for train, test in found]


def folds_by_time(moments: NDArray[np.float64], seed: int) -> list[Fold]:
    """The newest windows, each judged by what came before it; the newest of them comes first.

    Rows of one moment are in one window. Those without a moment are learnt from and judge nothing.
    """
    order = np.argsort(np.where(np.isnan(moments), -np.inf, moments), kind="stable")
    ordered, rows = moments[order], len(moments)
    many = rows > MANY_ROWS
    first = rows - _held_out(rows) if many else int(rows * (1 - NEWEST))
    wanted = np.linspace(first, rows, 2 if many else MAX_FOLDS + 1)[:-1].astype(np.int64)
    undated = int(np.count_nonzero(np.isnan(moments)))
    begins = undated + np.searchsorted(ordered[undated:], ordered[np.maximum(wanted, undated)])
    edges = [*np.unique(begins[begins > 0]).tolist(), rows]
    return [Fold(_mixed(order[:a], seed), order[a:b]) for a, b in [*pairwise(edges)][::-1]]


def planned_folds(
    target: Truth, task: Task, seed: int, split: Split, column: Column | None
) -> list[Fold]:
    """The folds of a plan; ``column`` is the one that its split names.

    Raises UserError where none of them can be judged.
    """
    if column is None:
        return make_folds(target, task, seed)
    found = (
        folds_by_time(column.values, seed)
        if split.by == "time"
        else folds_by_entity(target, task, seed, entities_of(column))
    )
    usable = list(_usable(found, target, task))
    if not usable:
        raise UserError(
            Reason.UNSUPPORTED_TASK,
            f"Rows cannot be split by {split.by} of {column.name!r}: on either side a class of the "
            "target is missing. Set spec.plan.split to {by: random}, or to another column.",
        )
    return usable


def entities_of(column: Column) -> Indices:
    """The number of each row's entity; a row without one is an entity of its own."""
    _, numbers = np.unique(column.values, return_inverse=True)
    numbers = numbers.astype(np.int64)
    missing = column.missing
    numbers[missing] = numbers.max() + 1 + np.arange(np.count_nonzero(missing))
    return numbers


def _usable(folds: list[Fold], target: Truth, task: Task) -> Iterator[Fold]:
    """The folds that learn of every class and are judged by more than one."""
    classes = 0 if task == "regression" else len(np.unique(target))
    for fold in folds:
        learnt, judged = np.unique(target[fold.train]), np.unique(target[fold.test])
        if task == "regression" or (len(learnt) == classes and len(judged) > 1):
            yield fold


def _held_out(rows: int) -> int:
    return min(int(rows * HELD_OUT), MAX_HELD_OUT_ROWS)


def _mixed(rows: Indices, seed: int) -> Indices:
    """A fit on some rows takes the first ones: they are to be of all entities and times."""
    return np.random.default_rng(seed).permutation(rows)
