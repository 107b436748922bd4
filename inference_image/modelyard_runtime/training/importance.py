"""How much each input matters: by how much the score falls when its values are shuffled.

Measured through the graph of one fold, on rows that it has not seen.
"""

import time
from typing import NamedTuple

import numpy as np

from modelyard_crds.model_version import MAX_FEATURE_IMPORTANCE
from modelyard_runtime.features import NUMERIC_INPUT, TEXT_INPUT
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.encoding import Encoding, Inputs, InputsOf
from modelyard_runtime.training.evaluation import score
from modelyard_runtime.training.problem import Indices, Problem

MAX_ROWS = 2_000
#: Importance is a courtesy: it must not double the time of a build over a wide table.
MAX_SECONDS = 20.0
_DIGITS = 4


class Judged(NamedTuple):
    """The graph of one fold and the rows that it had not seen."""

    session: Session
    rows: Indices


def importance(
    problem: Problem, encoding: Encoding, inputs_of: InputsOf, judged: Judged, seed: int
) -> dict[str, float]:
    """The share of each column in what the model knows, the greatest first."""
    random = np.random.default_rng(seed)
    fold = Judged(judged.session, random.permutation(judged.rows)[:MAX_ROWS])
    inputs = inputs_of(fold.rows)
    whole = _score(problem, fold, inputs)
    started = time.monotonic()
    drops: dict[str, float] = {}
    for column in dict.fromkeys(encoding.columns):
        shuffled = _shuffled(encoding, inputs, column, random)
        drop = whole - _score(problem, fold, shuffled)
        drops[column] = max(0.0, drop) if np.isfinite(drop) else 0.0
        if time.monotonic() - started > MAX_SECONDS:
            break
    total = sum(drops.values())
    shares = {name: round(drop / total, _DIGITS) if total else 0.0 for name, drop in drops.items()}
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return dict(ranked[:MAX_FEATURE_IMPORTANCE])


def _score(problem: Problem, fold: Judged, inputs: Inputs) -> float:
    predicted = fold.session.run(inputs)
    return score(problem.metric, problem.target[fold.rows], predicted, problem.positive)


def _shuffled(
    encoding: Encoding, inputs: Inputs, column: str, random: np.random.Generator
) -> Inputs:
    """The inputs with one column's values dealt out anew; the parts of a date stay together."""
    result = {name: values.copy() for name, values in inputs.items()}
    order = random.permutation(len(next(iter(inputs.values()))))
    parts = [i for i, feature in enumerate(encoding.numeric) if feature.column == column]
    if parts:
        result[NUMERIC_INPUT][:, parts] = result[NUMERIC_INPUT][order][:, parts]
    if column in encoding.text:
        position = encoding.text.index(column)
        result[TEXT_INPUT][:, position] = result[TEXT_INPUT][order, position]
    return result
