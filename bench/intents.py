"""Whether the plan of each intent is right: ``python bench/intents.py [--batch N]``.

Reads each table as a dataset is read, from CSV, and asks the code of ``modelyard-train``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import report
from modelyard_crds.fields import FieldSchema
from modelyard_runtime.data.reading import read_table
from modelyard_runtime.data.source import fetch_local
from modelyard_runtime.data.table import Table
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from tables import BenchTable, Intent, load, read_tables


class Planned(NamedTuple):
    """What became of one intent."""

    table: BenchTable
    intent: Intent
    #: Target and task, or the reason why there is no plan.
    found: str

    @property
    def right(self) -> bool:
        """Whether the plan is the one that a person meant."""
        return self.found == f"{self.table.target.strip()} ({self.table.task})"


def plan_all(tables: list[BenchTable]) -> Iterator[Planned]:
    """The plan of every intent of every table."""
    for table in tables:
        read = as_dataset(table)
        for intent in table.intents:
            yield Planned(table, intent, _plan(read, intent))


def as_dataset(table: BenchTable) -> Table:
    """The table, read from CSV as a dataset is."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "table.csv"
        load(table).to_csv(path, index=False)
        return read_table(fetch_local(path), "auto", {}, Path(name)).table


def _plan(table: Table, intent: Intent) -> str:
    schema = None
    if intent.output_schema is not None:
        schema = [
            FieldSchema.model_validate({"name": name, "type": kind})
            for name, kind in intent.output_schema.items()
        ]
    try:
        plan = make_plan(intent.text, table, output_schema=schema)
    except UserError as error:
        return f"{error.reason.value}: {error.message}"
    return f"{plan.target} ({plan.task})"


def figures(planned: list[Planned]) -> list[report.Figure]:
    """The share of right plans, by batch: the wordings of each are older than what it judges."""
    found = []
    for batch in sorted({item.table.batch for item in planned}):
        rights = [item.right for item in planned if item.table.batch == batch]
        share = sum(rights) / len(rights)
        found.append(report.Figure(f"training.intents_right_{batch}", round(share, 4), "share"))
    return found


def misses(planned: list[Planned]) -> str:
    """The wordings whose plan is wrong."""
    rows = [
        [item.table.name, item.intent.text[:70], item.table.target, item.found[:60]]
        for item in planned
        if not item.right
    ]
    return report.table(["table", "intent", "meant", "found"], rows)


def main() -> None:
    arguments = _arguments()
    tables = [table for table in read_tables() if arguments.batch in {None, table.batch}]
    planned = list(plan_all(tables))
    report.merge(figures(planned))
    print(misses(planned))
    for item in figures(planned):
        print(f"{item.name}: {item.value:.1%}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, help="only the tables of one batch")
    return parser.parse_args()


if __name__ == "__main__":
    main()
