"""Batches without an end: rows as lines of JSON in, predictions as lines of JSON out.

A few lines are held at a time and results wait in a temporary file, so that memory does not
follow the body. They wait because most clients send a whole body before they read, and because
an error can only have its own code while nothing has been answered. Used by ``routes``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO, Final, NamedTuple, TypeAlias

from modelyard_runtime.serving.errors import (
    InvalidRowsError,
    MalformedError,
    TooLargeError,
    TooSlowError,
)
from modelyard_runtime.serving.predictor import CHUNK_ROWS, Prediction, Predictor
from modelyard_runtime.serving.requests import DisconnectedError, Receive

NDJSON: Final = b"application/x-ndjson"
#: Longest line, and so many bytes of lines are predicted at once.
MAX_LINE_BYTES: Final = 1024 * 1024
#: Names of ignored fields that are kept.
MAX_IGNORED: Final = 50
_MEMORY_BYTES: Final = 4 * 1024 * 1024
_PART_BYTES: Final = 256 * 1024

#: Runs a prediction of so many bytes, in the loop or in a thread.
Run: TypeAlias = Callable[[int, Callable[[], Prediction]], Awaitable[Prediction]]


class LineLimits(NamedTuple):
    """What a body of lines may be."""

    max_bytes: int
    seconds: float


async def body_parts(receive: Receive, limits: LineLimits) -> AsyncIterator[bytes]:
    """A body as it arrives.

    Raises TooLargeError for a body that is too long, TooSlowError where nothing arrives for some
    seconds, DisconnectedError.
    """
    size = 0
    more = True
    while more:
        try:
            async with asyncio.timeout(limits.seconds):
                message = await receive()
        except TimeoutError:
            msg = f"Nothing of the body arrived for {limits.seconds:g} s."
            raise TooSlowError(msg, suggestions=["Send the rows in several requests."]) from None
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        more = message.get("more_body", False)
        part = message.get("body", b"")
        size += len(part)
        if size > limits.max_bytes:
            raise TooLargeError(limits.max_bytes, "bytes")
        yield part


async def line_groups(receive: Receive, limits: LineLimits) -> AsyncIterator[list[bytes]]:
    """The lines of a body in groups, as they arrive; empty lines are passed over.

    Raises what ``body_parts`` raises, and TooLargeError for a line that is too long.
    """
    rest = b""
    async for part in body_parts(receive, limits):
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise TooLargeError(MAX_LINE_BYTES, "bytes a line")
        for group in _groups(lines):
            yield group
    for group in _groups([rest]):
        yield group


def _groups(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    whole = [line for line in lines if line.strip()]
    for start in range(0, len(whole), CHUNK_ROWS):
        yield whole[start : start + CHUNK_ROWS]


def predict_lines(predictor: Predictor, lines: Sequence[bytes], first_row: int) -> Prediction:
    """The answer to a group of lines, one line a row; faults count rows from the first group on."""
    body = b"[" + b",".join(lines) + b"]"
    try:
        rows, ignored = predictor.decode(body)
    except InvalidRowsError as error:
        raise error.moved(first_row) from None
    if len(rows) != len(lines):
        last = first_row + len(lines) - 1
        msg = f"Of the lines {first_row} to {last}, some hold more or less than one object."
        raise MalformedError(msg)
    return Prediction(predictor.lines(predictor.predict(rows)), len(rows), ignored)


class Spool:
    """Results that wait for the end of the body, on disk where they are many."""

    def __init__(self) -> None:
        # Closed by parts or close: the file outlives the function that fills it.
        self.file: IO[bytes] = SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115
        self.rows = 0
        self.ignored: frozenset[str] = frozenset()

    def add(self, predicted: Prediction) -> None:
        """Append the answer to a group of lines."""
        self.file.write(predicted.body)
        self.count(predicted.rows, predicted.ignored)

    def count(self, rows: int, ignored: frozenset[str]) -> None:
        """Count rows whose results were written, and the fields that were passed over."""
        self.rows += rows
        if not ignored <= self.ignored:
            # The names are the client's, and as many as it likes.
            self.ignored = frozenset(sorted(self.ignored | ignored)[:MAX_IGNORED])

    async def parts(self) -> AsyncIterator[bytes]:
        """All results; the file is gone at the end."""
        with self.file:
            self.file.seek(0)
            while part := self.file.read(_PART_BYTES):
                yield part

    def close(self) -> None:
        """Drop the results."""
        self.file.close()


async def predict_body(
    predictor: Predictor, receive: Receive, limits: LineLimits, run: Run
) -> Spool:
    """The answers to all lines of a body.

    Raises RequestError, DisconnectedError.
    """
    spool = Spool()
    try:
        async for group in line_groups(receive, limits):
            work = partial(predict_lines, predictor, group, spool.rows)
            spool.add(await run(sum(map(len, group)), work))
    except BaseException:
        spool.close()
        raise
    return spool
