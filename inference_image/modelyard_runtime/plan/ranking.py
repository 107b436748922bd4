"""Which column is meant, from the evidence for each: a choice among them and none, as chances.

Called by ``target``.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.plan.evidence import BY_POSITION, Evidence, gather
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.weights import GIVEN, NONE, WEIGHTS

#: A column is meant where it is the likeliest and at least so likely.
ENOUGH = 0.4
#: ... and may be meant where it is so much less likely than the best.
NEARLY = 0.25
#: Columns whose odds are so close, but for where they stand, are told apart by nothing.
TIED = 0.22


class Ranked(NamedTuple):
    """A column and the chance that it is meant."""

    column: Column
    chance: float


class Ranking(NamedTuple):
    """The columns for which something speaks, the likeliest first, and the chance of none."""

    columns: list[Ranked]
    none: float
    #: Whether another column is spoken for as much as the best, but for where it stands.
    tied: bool

    @property
    def best(self) -> Ranked | None:
        """The column that is meant, if one is likely enough."""
        found = self.columns and self.columns[0].chance >= ENOUGH and not self.tied
        return self.columns[0] if found else None

    @property
    def rivals(self) -> list[str]:
        """Several columns that may be meant, where none of them is likely enough."""
        if not self.columns or self.columns[0].chance < self.none:
            return []
        least = NEARLY * self.columns[0].chance
        found = [item.column.name for item in self.columns if item.chance >= least]
        return found if len(found) > 1 else []


def rank(intent: Intent, table: Table, inputs: set[str]) -> Ranking:
    """How likely each column is meant; those that a request gives are hardly."""
    found = gather(intent, table)
    points = {
        name: _points(evidence) - GIVEN * (name in inputs) for name, evidence in found.items()
    }
    top = max([NONE, *points.values()])
    shares = {name: math.exp(value - top) for name, value in points.items()}
    none = math.exp(NONE - top)
    total = none + sum(shares.values())
    order = sorted(shares, key=lambda name: -shares[name])
    return Ranking(
        [Ranked(table.by_name[name], shares[name] / total) for name in order],
        none / total,
        _is_tied([points[name] - _by_position(found[name]) for name in order]),
    )


def _points(evidence: Evidence) -> float:
    return sum(WEIGHTS[kind] * value for kind, value in evidence.items())


def _by_position(evidence: Evidence) -> float:
    return sum(WEIGHTS[kind] * evidence.get(kind, 0.0) for kind in BY_POSITION)


def _is_tied(points: Sequence[float]) -> bool:
    return any(points[0] - other < TIED for other in points[1:])
