"""How much each input matters: by how much the score falls when its values are shuffled.

Measured through the graphs of the folds, on rows that these had not seen.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.model_version import MAX_FEATURE_IMPORTANCE
from modelyard_runtime.features import NUMERIC_INPUT, TEXT_INPUT
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.encoding import Encoding, Inputs
from modelyard_runtime.training.evaluation import score
from modelyard_runtime.training.search import Problem

MAX_ROWS = 2_000
#: Importance is a courtesy: it must not double the time of a build over a wide table.
MAX_SECONDS = 20.0
_DIGITS = 4


class Judged(NamedTuple):
    """The graph of one fold and the rows that it had not seen."""

    session: Session
    rows: NDArray[np.int64]


def importance(
    problem: Problem, encoding: Encoding, inputs: Inputs, folds: Sequence[Judged], seed: int
) -> dict[str, float]:
    """The share of each column in what the model knows, the greatest first."""
    random = np.random.default_rng(seed)
    limit = max(1, MAX_ROWS // len(folds))
    chosen = [Judged(fold.session, random.permutation(fold.rows)[:limit]) for fold in folds]
    whole = [_score(problem, fold, _rows(inputs, fold.rows)) for fold in chosen]
    started = time.monotonic()
    drops: dict[str, float] = {}
    for column in dict.fromkeys(encoding.columns):
        losses = [
            before - _score(problem, fold, _shuffled(encoding, inputs, fold.rows, column, random))
            for fold, before in zip(chosen, whole, strict=True)
        ]
        drops[column] = max(0.0, float(np.nanmean(losses)))
        if time.monotonic() - started > MAX_SECONDS:
            break
    total = sum(drops.values())
    shares = {name: round(drop / total, _DIGITS) if total else 0.0 for name, drop in drops.items()}
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return dict(ranked[:MAX_FEATURE_IMPORTANCE])


def _score(problem: Problem, fold: Judged, inputs: Inputs) -> float:
    predicted = fold.session.run(inputs)
    return score(problem.metric, problem.target[fold.rows], predicted, problem.positive)


def _rows(inputs: Inputs, rows: NDArray[np.int64]) -> Inputs:
    return {name: values[rows] for name, values in inputs.items()}


def _shuffled(
    encoding: Encoding,
    inputs: Inputs,
    rows: NDArray[np.int64],
    column: str,
    random: np.random.Generator,
) -> Inputs:
    """The inputs with one column's values dealt out anew; the parts of a date stay together."""
    result = {name: values.copy() for name, values in _rows(inputs, rows).items()}
    order = random.permutation(len(rows))
    parts = [i for i, feature in enumerate(encoding.numeric) if feature.column == column]
    if parts:
        result[NUMERIC_INPUT][:, parts] = result[NUMERIC_INPUT][order][:, parts]
    if column in encoding.text:
        position = encoding.text.index(column)
        result[TEXT_INPUT][:, position] = result[TEXT_INPUT][order, position]
    return result
