"""The rows of a dataset on their way from files to typed columns, never all of them in memory.

Readers append batches; what does not fit into a buffer goes to a file beside the dataset. It is
read back one column at a time, so that the type of a column is found from all of its rows while
the others stay on disk. Called by ``reading``.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

#: Bytes that wait in memory; they are also the size of a row group in the file.
BUFFER_BYTES = 64 * 1024 * 1024


class Rows(NamedTuple):
    """All rows as the files have them: in memory where they are few, else on local disk."""

    schema: pa.Schema
    total: int
    #: Bytes in memory of the largest column.
    widest: int
    table: pa.Table | None
    path: Path

    def column(self, name: str, chosen: NDArray[np.bool_] | None = None) -> pa.ChunkedArray:
        """One column, of all rows or of those that a mask chooses."""
        if self.table is not None:
            column = self.table.column(name)
            return column if chosen is None else column.filter(pa.array(chosen))
        chunks, start = [], 0
        with pq.ParquetFile(self.path, memory_map=False) as file:
            for group in range(file.num_row_groups):
                part = file.read_row_group(group, columns=[name], use_threads=False).column(0)
                if chosen is not None:
                    part_chosen = chosen[start : start + len(part)]
                    start += len(part)
                    part = part.filter(pa.array(part_chosen))
                chunks += part.chunks
        return pa.chunked_array(chunks, self.schema.field(name).type)


class Spool:
    """Takes batches of one schema; ``rows`` ends it."""

    def __init__(self, schema: pa.Schema, path: Path, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._schema = schema
        self._path = path
        self._buffer_bytes = buffer_bytes
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._count = 0
        self._sizes = np.zeros(len(schema), dtype=np.int64)
        self._writer: pq.ParquetWriter | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._waiting.append(batch)
        self._waiting_bytes += batch.nbytes
        self._count += batch.num_rows
        self._sizes += [column.nbytes for column in batch.columns]
        if self._waiting_bytes > self._buffer_bytes:
            self._write()

    def rows(self) -> Rows:
        """All rows that were added."""
        widest = int(self._sizes.max(initial=0))
        table = None
        if self._writer is None:
            table = pa.Table.from_batches(self._waiting, self._schema)
        else:
            self._write()
            self._writer.close()
        return Rows(self._schema, self._count, widest, table, self._path)

    def _write(self) -> None:
        if not self._waiting:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path,
                self._schema,
                compression="lz4",
                use_dictionary=False,
                write_statistics=False,
            )
        table = pa.Table.from_batches(self._waiting, self._schema)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._waiting, self._waiting_bytes = [], 0
