"""Why a row is predicted as it is: the share of each field in the difference to a typical row.

Shapley values by permutation sampling, with the manifest's example as the one reference: fields
of the typical row are replaced by those of the row at hand, one after the other, in several
orders; what each replacement changes is its contribution, averaged over the orders. The changes
of one order add up to the whole difference, so that the contributions do too, up to float32.
Orders come in pairs, each with its reverse, which takes out most of the noise; they are the same
for every request, so that equal rows get equal answers. Called by ``predictor``.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.serving.values import Row

#: Rows that one explanation may cost; orders are as many as fit, at least one pair.
MAX_ROWS: Final = 2_000
MAX_PAIRS: Final = 32
_SEED: Final = 0


class Path(NamedTuple):
    """One order of the differing fields, and where its rows begin among all rows."""

    order: list[int]
    start: int


class Plan(NamedTuple):
    """The rows that an explanation needs, and how to read their scores."""

    rows: list[Row]
    paths: list[Path]


def plan(row: Row, reference: Row) -> Plan:
    """What to predict to explain a row; fields that do not differ contribute nothing."""
    differing = [index for index, value in enumerate(row) if value != reference[index]]
    rows: list[Row] = []
    paths: list[Path] = []
    for order in _orders(differing):
        paths.append(Path(order, len(rows)))
        changed = list(reference)
        rows.append(reference)
        for index in order:
            changed[index] = row[index]
            rows.append(tuple(changed))
    return Plan(rows, paths)


def contributions(
    paths: Sequence[Path], scores: NDArray[np.float32], fields: int
) -> NDArray[np.float64]:
    """The contribution of each field, from the score of each row of the plan."""
    total = np.zeros(fields)
    for order, start in paths:
        steps = np.diff(scores[start : start + len(order) + 1].astype(np.float64))
        total[order] += steps
    return total / len(paths)


def _orders(differing: list[int]) -> list[list[int]]:
    pairs = max(1, min(MAX_PAIRS, MAX_ROWS // (2 * (len(differing) + 1))))
    random = np.random.default_rng(_SEED)
    orders: list[list[int]] = []
    for _ in range(pairs):
        order = [differing[index] for index in random.permutation(len(differing))]
        orders += [order, order[::-1]]
    return orders
