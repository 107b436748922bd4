"""Tables as bodies: Arrow IPC streams and Parquet files in, the same or JSON lines out.

A body waits in a file and is read some rows at a time, and so do the results: memory does not
follow either. pyarrow is imported when the first table comes, which adds about 60 MB to the pod
for good; pods that never see one do without. Used by ``routes``.
"""

import struct
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar

import numpy as np

from modelyard_runtime.serving.errors import (
    InvalidRowsError,
    MalformedError,
    TooLargeError,
    UnsupportedMediaError,
)
from modelyard_runtime.serving.lines import NDJSON, LineLimits, Spool, body_parts
from modelyard_runtime.serving.open_inference import output_tensors
from modelyard_runtime.serving.predictor import CHUNK_ROWS, Predictor
from modelyard_runtime.serving.requests import Receive
from modelyard_runtime.serving.results import Scores

if TYPE_CHECKING:
    import pyarrow as pa

ARROW: Final = b"application/vnd.apache.arrow.stream"
PARQUET: Final = b"application/vnd.apache.parquet"
TABLES: Final = (ARROW, PARQUET)
#: Bytes that the columns of one row group may have once they are unpacked.
MAX_GROUP_BYTES: Final = 256 * 1024 * 1024

T = TypeVar("T")
#: Runs blocking work in a thread.
InThread = Callable[[Callable[[], T]], Awaitable[T]]


class _Predicted(NamedTuple):
    scores: Scores
    ignored: frozenset[str]


class _Writer(Protocol):
    def add(self, scores: Scores) -> None: ...
    def close(self) -> None: ...


def answer_media(body: bytes, accept: bytes) -> bytes:
    """The media type of the answer: what is accepted, or else that of the body."""
    return next((media for media in (*TABLES, NDJSON) if media in accept.lower()), body)


async def predict_table(
    predictor: Predictor,
    receive: Receive,
    limits: LineLimits,
    media: tuple[bytes, bytes],
    in_thread: InThread[Any],
) -> Spool:
    """The answers to all rows of a body; ``media`` are the types of the body and of the answer.

    Raises RequestError, DisconnectedError.
    """
    spool = Spool()
    try:
        with NamedTemporaryFile() as file:
            async for part in body_parts(receive, limits):
                file.write(part)
            file.flush()
            with closing(_work(predictor, file, media, spool)) as work:
                # One chunk at a time, so that health probes and other requests get their turn.
                while await in_thread(partial(next, work, None)) is not None:
                    pass
    except BaseException:
        spool.close()
        raise
    return spool


def _work(
    predictor: Predictor, file: IO[bytes], media: tuple[bytes, bytes], spool: Spool
) -> Generator[int]:
    """Predict chunk by chunk; answers how many rows there were so far."""
    pa = _pyarrow()
    try:
        with closing(_writer(predictor, media[1], spool)) as writer:
            for batch in _chunks(file, media[0], min(CHUNK_ROWS, predictor.max_rows)):
                predicted = _predict(predictor, batch, spool.rows)
                writer.add(predicted.scores)
                spool.count(batch.num_rows, predicted.ignored)
                yield spool.rows
    except (pa.ArrowException, OSError) as error:
        words = "an Arrow IPC stream" if media[0] == ARROW else "a Parquet file"
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise MalformedError(f"The body is not {words}: {reason}.") from None


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        raise UnsupportedMediaError(
            "Tables are not read here: pyarrow is not installed.",
            suggestions=["Send JSON, JSON lines or CSV."],
        ) from None
    # Predictions have threads of their own, and memory goes back to where it came from.
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    pa.set_memory_pool(pa.system_memory_pool())
    return pa


def _chunks(file: IO[bytes], media: bytes, rows: int) -> "Iterator[pa.RecordBatch]":
    batches = _arrow_batches(file) if media == ARROW else _parquet_batches(file)
    for batch in batches:
        # What offsets and indices point at is looked at before anything follows them.
        batch.validate(full=True)
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _arrow_batches(file: IO[bytes]) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    file.seek(0)
    expect_uncompressed(file)
    with pa.memory_map(file.name) as source, pa.ipc.open_stream(source) as reader:
        yield from reader


def _parquet_batches(file: IO[bytes]) -> "Iterator[pa.RecordBatch]":
    from pyarrow import parquet

    file.seek(0)
    with parquet.ParquetFile(file, pre_buffer=False) as source:
        groups = (source.metadata.row_group(n) for n in range(source.metadata.num_row_groups))
        if any(group.total_byte_size > MAX_GROUP_BYTES for group in groups):
            raise TooLargeError(MAX_GROUP_BYTES, "bytes a row group")
        yield from source.iter_batches(batch_size=CHUNK_ROWS, use_threads=False)


def _predict(predictor: Predictor, batch: "pa.RecordBatch", first_row: int) -> _Predicted:
    from modelyard_runtime.serving.table_columns import ColumnRows, objects_of, plain_columns

    schema = predictor.schema
    columns = plain_columns(batch, schema)
    if columns is not None:
        rows = ColumnRows([columns[field.name] for field in schema], batch.num_rows)
        known = {field.name for field in schema}
        ignored = frozenset(name for name in batch.schema.names if name not in known)
        return _Predicted(predictor.predict_columns(columns, rows), ignored)
    try:
        decoded = predictor.rows_of(objects_of(batch))
    except InvalidRowsError as error:
        raise error.moved(first_row) from None
    return _Predicted(predictor.predict(decoded.rows), decoded.ignored)


def _writer(predictor: Predictor, media: bytes, spool: Spool) -> _Writer:
    return _Lines(predictor, spool) if media == NDJSON else _Table(predictor, media, spool)


class _Lines:
    """Results as lines of JSON."""

    def __init__(self, predictor: Predictor, spool: Spool) -> None:
        self._predictor = predictor
        self._spool = spool

    def add(self, scores: Scores) -> None:
        self._spool.file.write(self._predictor.lines(scores))

    def close(self) -> None:
        """Nothing is left to write."""


class _Table:
    """Results as a table: a column for each output."""

    def __init__(self, predictor: Predictor, media: bytes, spool: Spool) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._manifest = predictor.manifest
        schema = self._batch(predictor.no_scores()).schema
        self._writer = (
            pa.ipc.new_stream(spool.file, schema)
            if media == ARROW
            else parquet.ParquetWriter(spool.file, schema)
        )

    def add(self, scores: Scores) -> None:
        self._writer.write_batch(self._batch(scores))

    def close(self) -> None:
        self._writer.close()

    def _batch(self, scores: Scores) -> "pa.RecordBatch":
        import pyarrow as pa

        columns = {}
        for tensor in output_tensors(self._manifest, scores):
            if tensor.width is None:
                columns[tensor.name] = pa.array(tensor.values, _arrow_type(tensor.datatype))
            else:
                parts = [pa.array(part) for part in np.asarray(tensor.values).T]
                columns[tensor.name] = pa.StructArray.from_arrays(parts, list(tensor.labels))
        return pa.RecordBatch.from_pydict(columns)


def _arrow_type(datatype: str) -> "pa.DataType":
    import pyarrow as pa

    return {
        "BYTES": pa.string(),
        "INT64": pa.int64(),
        "FP64": pa.float64(),
        "FP32": pa.float32(),
        "BOOL": pa.bool_(),
    }[datatype]


def expect_uncompressed(file: IO[bytes]) -> None:
    """Walk over the messages of an Arrow IPC stream without reading their data.

    Raises UnsupportedMediaError where one is compressed, since a few bytes can stand for many
    gigabytes, and MalformedError where the framing is broken.
    """
    try:
        while metadata := _next_metadata(file):
            message = _root(metadata)
            header = _field(metadata, message, 2)
            # A dictionary batch (2) holds a record batch (3), which may name a compression.
            kind = metadata[where] if (where := _field(metadata, message, 1)) else 0
            batch = _follow(metadata, header) if header else 0
            if kind == 2 and (data := _field(metadata, batch, 1)):  # noqa: PLR2004 - see above
                batch, kind = _follow(metadata, data), 3
            if kind == 3 and _field(metadata, batch, 3):  # noqa: PLR2004 - see above
                raise UnsupportedMediaError(
                    "The Arrow stream is compressed.", suggestions=["Write it uncompressed."]
                )
            length = _field(metadata, message, 3)
            file.seek(struct.unpack_from("<q", metadata, length)[0] if length else 0, 1)
    except (struct.error, IndexError, OSError, ValueError) as error:
        raise MalformedError(f"The body is not an Arrow IPC stream: {error}.") from None


def _next_metadata(file: IO[bytes]) -> bytes:
    """The metadata of the next message, a flatbuffer; empty at the end of the stream."""
    head = file.read(8)
    if not head:
        return b""
    mark, size = struct.unpack("<Ii", head)
    if mark != 0xFFFFFFFF:  # noqa: PLR2004 - the format's mark
        msg = "a message does not begin as messages do"
        raise ValueError(msg)
    return file.read(size) if size > 0 else b""


def _root(buffer: bytes) -> int:
    return int(struct.unpack_from("<I", buffer, 0)[0])


def _follow(buffer: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", buffer, place)[0])


def _field(buffer: bytes, table: int, number: int) -> int:
    """Where a field of a flatbuffer's table is; 0 where it is not set."""
    vtable = table - struct.unpack_from("<i", buffer, table)[0]
    size = struct.unpack_from("<H", buffer, vtable)[0]
    slot = 4 + 2 * number
    offset = struct.unpack_from("<H", buffer, vtable + slot)[0] if slot < size else 0
    return table + offset if offset else 0
