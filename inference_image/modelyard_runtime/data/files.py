"""The files of a dataset as one set of rows, checked for what every table must have.

Called by ``reading`` and ``profile``.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from modelyard_crds.dataset import DatasetFormat
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.content import Plain, make_plain
from modelyard_runtime.data.csv_text import stream_csv
from modelyard_runtime.data.header import MAX_NAME_LENGTH, expect_distinct
from modelyard_runtime.data.json_lines import BATCH_ROWS, stream_json_lines
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.spool import Rows, Spool
from modelyard_runtime.data.streams import Stream
from modelyard_runtime.errors import UserError

#: A wider table is most likely one that was turned on its side.
MAX_COLUMNS = 5000
MIN_ROWS = 2


class Spooled(NamedTuple):
    """The files as readers took them, and their rows."""

    plains: list[Plain]
    rows: Rows


def spool_files(fetched: Fetched, stated: DatasetFormat, folder: Path) -> Spooled:
    """All rows of some files, in memory or in a file of the folder.

    Raises UserError with the reason and the file, row or column that does not fit.
    """
    plains = [make_plain(file, stated, folder) for file in fetched.files]
    streams = [open_file(plain) for plain in plains]
    schema = _joined_schema(streams, plains)
    _expect_columns(plains[0].name, schema)
    spool = Spool(schema, folder / "rows.parquet")
    for stream in streams:
        for batch in stream.batches:
            spool.append(_as(schema, batch))
    rows = spool.rows()
    _expect_rows(plains[0].name, rows.total)
    return Spooled(plains, rows)


def _joined_schema(streams: Sequence[Stream], plains: Sequence[Plain]) -> pa.Schema:
    first = streams[0].schema
    for plain, stream in zip(plains[1:], streams[1:], strict=True):
        _expect_same_columns(plains[0].name, first, plain.name, stream.schema)
    plain_types = [
        pa.schema([(field.name, _plain_type(field.type)) for field in stream.schema])
        for stream in streams
    ]
    try:
        return pa.unify_schemas(plain_types, promote_options="permissive")
    except pa.ArrowException as error:
        raise UserError(
            Reason.NOT_TABULAR,
            f"The files {', '.join(plain.name for plain in plains)} have a column of different "
            f"types ({str(error)[:200]}): give it one type in all files.",
        ) from error


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _as(schema: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The columns of a batch in the order and types of the whole."""
    if batch.schema == schema:
        return batch
    columns = [batch.column(field.name).cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def open_file(plain: Plain, *, examples: bool = True) -> Stream:
    """One file as a stream of rows; ``examples`` says that a model is to learn from them."""
    if plain.kind == "csv":
        return stream_csv(plain, examples=examples)
    return stream_json_lines(plain) if plain.kind == "jsonl" else _stream_parquet(plain)


def _stream_parquet(plain: Plain) -> Stream:
    try:
        schema = pq.read_schema(plain.path)
    except (pa.ArrowException, OSError) as error:
        raise _damaged_parquet(plain) from error
    expect_distinct(plain.name, schema.names)
    return Stream(schema, _parquet_batches(plain))


def _parquet_batches(plain: Plain) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(plain.path) as file:
            yield from file.iter_batches(BATCH_ROWS)
    except (pa.ArrowException, OSError) as error:
        raise _damaged_parquet(plain) from error


def _damaged_parquet(plain: Plain) -> UserError:
    return UserError(
        Reason.NOT_TABULAR,
        f"{plain.name} is a damaged or cut Parquet file: write and upload it again.",
    )


def _expect_same_columns(first: str, one: pa.Schema, second: str, other: pa.Schema) -> None:
    here, there = set(one.names), set(other.names)
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


def _expect_columns(name: str, schema: pa.Schema) -> None:
    if len(schema) == 1:
        raise UserError(
            Reason.TOO_FEW_COLUMNS,
            f"{name} has one column, {schema.names[0]!r}: a model needs at least one to "
            "predict and one to predict from.",
        )
    if len(schema) > MAX_COLUMNS:
        raise UserError(
            Reason.TOO_MANY_COLUMNS,
            f"{name} has {len(schema)} columns, at most {MAX_COLUMNS} are read: keep those "
            "that matter; a table of one column per example must be turned on its side.",
        )
    long = next((column for column in schema.names if len(column) > MAX_NAME_LENGTH), None)
    if long is not None:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{name} has a column whose name has {len(long)} characters, at most "
            f"{MAX_NAME_LENGTH} are allowed: shorten it.",
        )


def _expect_rows(name: str, count: int) -> None:
    if count == 0:
        raise without_rows(name)
    if count < MIN_ROWS:
        raise UserError(
            Reason.TOO_FEW_ROWS, f"{name} has one row: a model needs many examples to learn from."
        )


def without_rows(name: str) -> UserError:
    """What a table that is empty is refused with."""
    return UserError(Reason.NO_ROWS, f"{name} has no row of data: add rows.")
