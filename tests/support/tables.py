"""Tables for tests of the runtime: from text, from rows, from what the image ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from modelyard_crds.dataset import DatasetFormat
from modelyard_crds.fields import FieldSchema, FieldType
from modelyard_runtime.data import examples
from modelyard_runtime.data.reading import Reading, read_table
from modelyard_runtime.data.source import LocalFile, save
from modelyard_runtime.data.table import Table


def read_bytes(
    folder: Path,
    content: bytes | str,
    *,
    name: str = "table.csv",
    types: Mapping[str, FieldType] | None = None,
    stated: DatasetFormat = "auto",
) -> Reading:
    """What a dataset of one file with this content is read as."""
    raw = content.encode() if isinstance(content, str) else content
    fetched = save([(LocalFile(folder / "content", name), [raw])])
    return read_table(fetched, stated, types or {}, folder)


def table_of(
    folder: Path, content: bytes | str, types: Mapping[str, FieldType] | None = None
) -> Table:
    """The table in some CSV text."""
    return read_bytes(folder, content, types=types).table


def example_table(folder: Path, name: str) -> Table:
    """A table that the image ships."""
    return table_of(folder, examples.read(name))


def fields(**types: FieldType) -> list[FieldSchema]:
    """A schema."""
    return [FieldSchema(name=name, type=type_) for name, type_ in types.items()]


def rule_of_cells(rows: int, columns: int) -> str:
    """A table as CSV whose last column, ``gone``, follows a rule of 1,600 cells of the first two.

    One row in ten breaks it. More rows show more of the rule.
    """
    random = np.random.default_rng(0)
    cells = random.integers(0, 40, size=(rows, columns - 1))
    rule = random.random((40, 40)) < 0.5
    gone = rule[cells[:, 0], cells[:, 1]] ^ (random.random(rows) < 0.1)
    names = ",".join([*(f"n{number}" for number in range(columns - 1)), "gone"])
    lines = (",".join(map(str, [*row, int(y)])) for row, y in zip(cells, gone, strict=True))
    return "\n".join([names, *lines])
