"""Tables made of functions of the row, and what an intent says of their columns."""

from collections.abc import Callable
from pathlib import Path

from modelyard_runtime.data.table import Table
from modelyard_runtime.plan.evidence import Evidence, gather
from modelyard_runtime.plan.intent import read_intent
from modelyard_runtime.plan.ranking import rank
from support.tables import table_of


def table(folder: Path, header: str, *columns: Callable[[int], object], count: int = 90) -> Table:
    """A table of so many rows; each column is made of the number of its row."""
    lines = (",".join(str(column(i)) for column in columns) for i in range(count))
    return table_of(folder, "\n".join([header, *lines]))


def many(i: int) -> int:
    """A value that hardly any other row has."""
    return i * 7919 % 997


def meant(text: str, table: Table) -> str | None:
    """The column that an intent is taken to mean."""
    best = rank(read_intent(text, []), table, set()).best
    return best and best.column.name


def evidence(text: str, table: Table) -> dict[str, Evidence]:
    """What speaks for each column of a table."""
    return gather(read_intent(text, []), table)
