"""Tables and what people ask of them, which the matcher learns from: ``matching/*.txt``.

Called by ``matcher_training`` and ``intent_weights``; ``matching/README.md`` tells their form.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.matcher import MOST_VALUES, Described
from modelyard_runtime.plan.values import says_yes_or_no

HERE = Path(__file__).parent
FOLDER = HERE / "matching"
#: Batches of ``published.toml`` that nothing is learnt from: what a new table can expect.
BLIND = frozenset({10, 13, 17, 21})
#: Two tables that share more of the names of the smaller are the same one.
_SHARED = 0.4
_TABLE = re.compile(r"^# ", re.MULTILINE)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_KINDS = {"id": "id", "name": "text", "text": "text", "int": "count", "float": "number"}


class Ask(NamedTuple):
    """A wording, and the column that it asks for: by position, None where none answers it."""

    words: list[str]
    wanted: int | None


class Asked(NamedTuple):
    """A table and what is asked of it."""

    names: list[str]
    columns: list[Described]
    asks: list[Ask]


def read(folder: Path = FOLDER) -> list[Asked]:
    """All tables, in the order of the files."""
    return [table for path in sorted(folder.glob("*.txt")) for table in parse(path.read_text())]


def without_blind(tables: Sequence[Asked]) -> list[Asked]:
    """The tables that are none of a blind batch under another name."""
    records = tomllib.loads((HERE / "published.toml").read_text())["table"]
    blind = [_names(record["columns"]) for record in records if record["batch"] in BLIND]
    return [
        table
        for table in tables
        for names in [_names(table.names)]
        if not any(len(names & other) > _SHARED * min(len(names), len(other)) for other in blind)
    ]


def _names(columns: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in columns)


def parse(text: str) -> Iterator[Asked]:
    """The tables of one file. Raises ValueError for what is asked and no column."""
    for block in _TABLE.split(text)[1:]:
        yield _table([line.strip() for line in block.splitlines()[1:] if line.strip()])


def _table(lines: Sequence[str]) -> Asked:
    split = next(i for i, line in enumerate(lines) if line.startswith(">"))
    cells = [line.rsplit(" | ", 2) for line in lines[:split]]
    names = [cell[0] for cell in cells]
    columns = [_described(*cell) for cell in cells]
    asks: list[Ask] = []
    wanted: int | None = None
    for line in lines[split:]:
        if line.startswith(">"):
            name = line[1:].rsplit(" | ", 1)[0].strip()
            wanted = None if name == "NONE" else names.index(name)
        else:
            asks.append(Ask(lexicon.words(line), wanted))
    return Asked(names, columns, asks)


def _described(name: str, kind: str, values: str) -> Described:
    words = lexicon.words(name)
    if kind not in {"cat", "bool"}:
        return Described(words, _KINDS.get(kind, "date"), [])
    labels = [value.strip() for value in values.split(";")]
    two = len(labels) <= 2  # noqa: PLR2004 - yes and no
    if two and says_yes_or_no(labels):
        return Described(words, "flag", [])
    if all(map(_NUMBER.fullmatch, labels)):
        return Described(words, "count", [])
    return Described(words, "kind", [lexicon.words(label) for label in labels[:MOST_VALUES]])
