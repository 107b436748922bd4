"""Fits how much each kind of evidence counts: ``python bench/intent_weights.py [--check]``.

A conditional logit over the columns of each table of ``intents.toml``, beside the choice of none,
with penalised weights whose signs are fixed by what they mean. That an intent may be about none of
the columns is learnt from the same wordings over their tables without the target. Prints the
weights for ``plan/weights.py``; ``--check`` fits on some tables and judges the wordings of others.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from intents import as_dataset
from matching import BLIND
from modelyard_runtime.data.table import Table
from modelyard_runtime.plan.evidence import gather
from modelyard_runtime.plan.intent import read_intent
from modelyard_runtime.plan.ranking import ENOUGH
from modelyard_runtime.plan.weights import WEIGHTS
from tables import BenchTable, Intent, read_tables

FOLDS, SEED = 8, 0
PENALTY = 0.3
#: How much a table without its target counts.
WITHOUT_TARGET = 0.15
#: Wordings as users have them count more than the terse ones for tables of statistics.
WEIGHTS_OF_BATCHES = {9: 3.0, 11: 2.0, 14: 2.0, 15: 2.0, 16: 2.0, 18: 2.0, 19: 2.0, 20: 2.0}
#: Where a column stands is a hint and no more.
MOST_BY_POSITION = 0.7
#: What holds however few wordings tell: how much of something is answered by a quantity, and who
#: names a column or all of its values means it.
AT_LEAST = {
    "quantity_measured": 0.8,
    "quoted": 0.5,
    "stated": 1.0,
    "values_named": 3.5,
    "whole": 0.3,
}
KINDS = sorted(WEIGHTS)
AGAINST = frozenset(
    {
        *("whole_given", "beside_head", "label", "known_before", "other_number"),
        *("number_of_text", "whether_measured", "unlearnable"),
    }
)

FloatArray = NDArray[np.float64]


class Choice(NamedTuple):
    """The evidence of the columns of a table for a wording, and which of them is meant."""

    table: str
    batch: int
    names: list[str]
    evidence: FloatArray
    #: Its position, behind the last column for none.
    meant: int
    weight: float
    #: Whether the table has what is meant, so that the wording has a right answer.
    judged: bool


def choices(tables: list[BenchTable]) -> list[Choice]:
    """All wordings, and as many over the same table without its target."""
    return [
        _choice(table, read, intent, has_target=has_target)
        for table in tables
        for read in [as_dataset(table)]
        for intent in table.intents
        for has_target in (True, False)
    ]


def _choice(table: BenchTable, read: Table, intent: Intent, *, has_target: bool) -> Choice:
    target = table.target.strip()
    columns = tuple(c for c in read.columns if has_target or c.name != target)
    speaking = gather(
        read_intent(intent.text, list(intent.output_schema or {})), Table(columns, read.rows)
    )
    names = list(speaking)
    evidence = np.array([[speaking[n].get(kind, 0.0) for kind in KINDS] for n in names])
    found = target in names
    weight = WEIGHTS_OF_BATCHES.get(table.batch, 1.0) * (1.0 if found else WITHOUT_TARGET)
    meant = names.index(target) if found else len(names)
    shaped = evidence.reshape(len(names), len(KINDS))
    return Choice(table.name, table.batch, names, shaped, meant, weight, has_target)


def fit(given: list[Choice]) -> FloatArray:
    """The weights of the kinds, and that of none of the columns."""

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        total = PENALTY * float(weights[:-1] @ weights[:-1]) / 2
        slope = np.append(PENALTY * weights[:-1], 0.0)
        for choice in given:
            chances = probabilities(weights, choice.evidence)
            total -= choice.weight * float(np.log(chances[choice.meant] + 1e-300))
            chances[choice.meant] -= 1
            slope[:-1] += choice.weight * (choice.evidence.T @ chances[:-1])
            slope[-1] += choice.weight * chances[-1]
        return total, slope

    bounds = [_bounds(kind) for kind in KINDS]
    start = np.zeros(len(KINDS) + 1)
    found: FloatArray = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)]
    ).x
    return found


def _bounds(kind: str) -> tuple[float | None, float | None]:
    if kind.endswith("_column"):
        return 0.0, MOST_BY_POSITION
    if kind in AGAINST:
        return None, 0.0
    return AT_LEAST.get(kind, 0.0), None


def probabilities(weights: FloatArray, evidence: FloatArray) -> FloatArray:
    """Of each column, and of none."""
    points = np.append(evidence @ weights[:-1], weights[-1])
    shares = np.exp(points - points.max())
    return np.asarray(shares / shares.sum())


def check(given: list[Choice]) -> dict[int, Counter[str]]:
    """How wordings are resolved by weights that were fitted without their tables."""
    tables = sorted({choice.table for choice in given})
    folds = dict(
        zip(tables, np.random.default_rng(SEED).permutation(len(tables)) % FOLDS, strict=True)
    )
    found: dict[int, Counter[str]] = defaultdict(Counter)
    for fold in range(FOLDS):
        weights = fit([choice for choice in given if folds[choice.table] != fold])
        for choice in given:
            if folds[choice.table] == fold and choice.judged:
                found[choice.batch][_said(probabilities(weights, choice.evidence), choice)] += 1
    return found


def _said(chances: FloatArray, choice: Choice) -> str:
    best = int(chances.argmax())
    if best == len(choice.names) or chances[best] < ENOUGH:
        return "refused"
    return "right" if best == choice.meant else "wrong"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="judge tables that were left out")
    given = choices([table for table in read_tables() if table.batch not in BLIND])
    if parser.parse_args().check:
        found = check(given)
        for batch in sorted(found):
            print(batch, dict(found[batch]))
        print("all", dict(sum(found.values(), Counter())))
        return
    weights = fit(given)
    for kind, weight in zip(KINDS, weights, strict=False):
        print(f'    "{kind}": {weight:.2f},')
    print(f"NONE = {weights[-1]:.2f}")


if __name__ == "__main__":
    main()
