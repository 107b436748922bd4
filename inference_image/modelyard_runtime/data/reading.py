"""From the files of a dataset to one typed table.

Called by the training job, and by predictions by hand, with what ``source`` fetched.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from modelyard_crds.dataset import DatasetFormat
from modelyard_crds.fields import FieldSchema, FieldType
from modelyard_runtime.data.column_types import Positions, column_of_text, column_of_values
from modelyard_runtime.data.content import Kind, Plain, make_plain
from modelyard_runtime.data.files import open_file, spool_files, without_rows
from modelyard_runtime.data.sampling import WITHOUT_LIMIT, Place, Room, Sample, draw, share
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.spool import Rows
from modelyard_runtime.data.table import Column, Table

_MakeColumn = Callable[[str, pa.ChunkedArray, FieldType | None, Positions | None], Column]


class Reading(NamedTuple):
    """A table, the format that it was found in, and how many rows the files have."""

    table: Table
    format: Kind
    rows: int
    #: What the table's warnings say of rows that were left out.
    left_out: tuple[str, ...] = ()


def stated_types(*schemas: Sequence[FieldSchema] | None) -> dict[str, FieldType]:
    """The types that schemas state, by column; those of the last one where several do."""
    return {field.name: field.type for schema in schemas for field in schema or ()}


def read_table(
    fetched: Fetched,
    stated: DatasetFormat,
    types: Mapping[str, FieldType],
    folder: Path,
    room: Room = WITHOUT_LIMIT,
) -> Reading:
    """The table in some files; ``types`` are those that schemas state, by column.

    Of more rows than ``room`` has place for, some are drawn at random, which the table's
    warnings say; types are found from all rows.

    Raises UserError with the reason and the file, row or column that does not fit.
    """
    plains, rows = spool_files(fetched, stated, folder)
    sample = draw(rows, room)
    columns = tuple(typed_columns(plains[0].kind, rows, types, sample))
    warnings = (*sample.warnings, *_warnings(plains, columns))
    table = Table(columns, len(columns[0].values), warnings)
    return Reading(table, plains[0].kind, rows.total, sample.warnings)


def read_share(
    fetched: Fetched,
    stated: DatasetFormat,
    types: Mapping[str, FieldType],
    folder: Path,
    place: Place,
    names: Collection[str],
) -> Table:
    """Some columns of the rows that are a pod's share, typed as ``read_table`` types them.

    Raises UserError as ``read_table`` does.
    """
    plains, rows = spool_files(fetched, stated, folder)
    columns = tuple(typed_columns(plains[0].kind, rows, types, share(rows, place), names))
    return Table(columns, len(columns[0].values))


def read_inputs(fetched: Fetched, types: Mapping[str, FieldType], folder: Path) -> Table:
    """The columns of ``types`` in a file of rows to predict; one row is enough.

    Raises UserError as ``read_table`` does, except that nothing need be learnt from the rows.
    """
    plain = make_plain(fetched.files[0], "auto", folder)
    stream = open_file(plain, examples=False)
    raw = pa.Table.from_batches(stream.batches, stream.schema)
    if raw.num_rows == 0:
        raise without_rows(plain.name)
    make_column = _maker(plain.kind)
    columns = tuple(
        make_column(name, raw.column(name), types[name], None)
        for name in raw.column_names
        if name in types
    )
    return Table(columns, raw.num_rows, _warnings([plain], columns))


def typed_columns(
    kind: Kind,
    rows: Rows,
    types: Mapping[str, FieldType],
    sample: Sample,
    names: Collection[str] | None = None,
) -> Iterator[Column]:
    """The columns of all rows one after the other, or some, each with the rows that are kept."""
    make_column = _maker(kind)
    for name in rows.schema.names if names is None else names:
        yield make_column(name, rows.column(name, sample.seen), types.get(name), sample.kept)


def _maker(kind: Kind) -> _MakeColumn:
    return column_of_text if kind == "csv" else column_of_values


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
    infinite = [
        f"Column {column.name!r} has {column.infinite} infinite values: they count as missing."
        for column in columns
        if column.infinite
    ]
    unclear = [
        f"Column {column.name!r} has dates such as {column.unclear_date}, and none shows whether "
        "the day or the month comes first: they were read as month first. Write them as "
        "2020-12-31 to be sure."
        for column in columns
        if column.unclear_date is not None
    ]
    return tuple(recoded + odd + infinite + unclear)
