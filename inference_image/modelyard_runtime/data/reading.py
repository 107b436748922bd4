"""From the files of a dataset to one typed table.

Called by the profiling and the training job, and by predictions by hand, with what ``source``
fetched.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_crds.dataset import DatasetFormat
from modelyard_crds.fields import FieldType
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.column_types import column_of_text, column_of_values
from modelyard_runtime.data.content import Kind, Plain, make_plain
from modelyard_runtime.data.csv_text import MAX_NAME_LENGTH, expect_distinct, read_csv
from modelyard_runtime.data.json_lines import read_json_lines
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.errors import UserError

#: A wider table is most likely one that was turned on its side.
MAX_COLUMNS = 5000
MIN_ROWS = 2


class Reading(NamedTuple):
    """A table and the format that it was found in."""

    table: Table
    format: Kind


def read_table(
    fetched: Fetched,
    stated: DatasetFormat,
    types: Mapping[str, FieldType],
    folder: Path,
) -> Reading:
    """The table in some files; ``types`` are those that schemas state, by column.

    Raises UserError with the reason and the file, row or column that does not fit.
    """
    plains = [make_plain(file, stated, folder) for file in fetched.files]
    raw = _joined(plains)
    name = plains[0].name
    _expect_shape(name, raw)
    return Reading(_typed(plains, raw, types), plains[0].kind)


def read_inputs(fetched: Fetched, types: Mapping[str, FieldType], folder: Path) -> Table:
    """The columns of ``types`` in a file of rows to predict; one row is enough.

    Raises UserError as ``read_table`` does, except that nothing need be learnt from the rows.
    """
    plain = make_plain(fetched.files[0], "auto", folder)
    raw = _raw(plain, examples=False)
    if raw.num_rows == 0:
        raise _no_rows(plain.name)
    return _typed([plain], raw.select([name for name in raw.column_names if name in types]), types)


def _typed(plains: list[Plain], raw: pa.Table, types: Mapping[str, FieldType]) -> Table:
    make_column = column_of_text if plains[0].kind == "csv" else column_of_values
    columns = tuple(
        make_column(column, raw.column(column), types.get(column)) for column in raw.column_names
    )
    return Table(columns, raw.num_rows, _warnings(plains, columns))


def _joined(plains: list[Plain]) -> pa.Table:
    first = _raw(plains[0])
    tables = [first]
    for plain in plains[1:]:
        table = _raw(plain)
        _expect_same_columns(plains[0].name, first, plain.name, table)
        tables.append(table.select(first.column_names))
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise UserError(
            Reason.NOT_TABULAR,
            f"The files {', '.join(plain.name for plain in plains)} have a column of different "
            f"types ({str(error)[:200]}): give it one type in all files.",
        ) from error


def _raw(plain: Plain, *, examples: bool = True) -> pa.Table:
    if plain.kind == "csv":
        return read_csv(plain, examples=examples)
    return read_json_lines(plain) if plain.kind == "jsonl" else _read_parquet(plain)


def _read_parquet(plain: Plain) -> pa.Table:
    try:
        table = pq.read_table(plain.path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{plain.name} is a damaged or cut Parquet file: write and upload it again.",
        ) from error
    expect_distinct(plain.name, table.column_names)
    return table


def _expect_same_columns(first: str, one: pa.Table, second: str, other: pa.Table) -> None:
    here, there = set(one.column_names), set(other.column_names)
    differences = [
        *(f"{second} lacks {name!r}" for name in sorted(here - there)),
        *(f"{first} lacks {name!r}" for name in sorted(there - here)),
    ]
    if differences:
        raise UserError(
            Reason.NOT_TABULAR,
            "The files of an upload are one table, but their columns differ: "
            f"{'; '.join(differences[:5])}. Give all files the same columns.",
        )


def _expect_shape(name: str, raw: pa.Table) -> None:
    if raw.num_rows == 0:
        raise _no_rows(name)
    if raw.num_columns == 1:
        raise UserError(
            Reason.TOO_FEW_COLUMNS,
            f"{name} has one column, {raw.column_names[0]!r}: a model needs at least one to "
            "predict and one to predict from.",
        )
    if raw.num_columns > MAX_COLUMNS:
        raise UserError(
            Reason.TOO_MANY_COLUMNS,
            f"{name} has {raw.num_columns} columns, at most {MAX_COLUMNS} are read: keep those "
            "that matter; a table of one column per example must be turned on its side.",
        )
    if raw.num_rows < MIN_ROWS:
        raise UserError(
            Reason.TOO_FEW_ROWS, f"{name} has one row: a model needs many examples to learn from."
        )
    long = next((column for column in raw.column_names if len(column) > MAX_NAME_LENGTH), None)
    if long is not None:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{name} has a column whose name has {len(long)} characters, at most "
            f"{MAX_NAME_LENGTH} are allowed: shorten it.",
        )


def _no_rows(name: str) -> UserError:
    return UserError(Reason.NO_ROWS, f"{name} has no row of data: add rows.")


def _warnings(plains: list[Plain], columns: tuple[Column, ...]) -> tuple[str, ...]:
    recoded = [
        f"{plain.name} is not UTF-8 and was read as Windows-1252: if names or categories look "
        "wrong, save it as UTF-8."
        for plain in plains
        if plain.encoding == "cp1252"
    ]
    odd = [
        f"Column {column.name!r} is numbers but for {column.unreadable} cells, the first in row "
        f"{column.unreadable_row}: they count as missing."
        for column in columns
        if column.unreadable
    ]
    unclear = [
        f"Column {column.name!r} has dates such as {column.unclear_date}, and none shows whether "
        "the day or the month comes first: they were read as month first. Write them as "
        "2020-12-31 to be sure."
        for column in columns
        if column.unclear_date is not None
    ]
    return tuple(recoded + odd + unclear)
