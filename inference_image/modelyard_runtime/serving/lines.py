"""Batches without an end: rows as lines of JSON in, predictions as lines of JSON out.

A few lines are held at a time and results wait in a temporary file, so that memory does not
follow the body. They wait because most clients send a whole body before they read, and because
an error can only have its own code while nothing has been answered. Used by ``routes``.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Final, NamedTuple, TypeAlias

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


async def line_groups(receive: Receive, limits: LineLimits) -> AsyncIterator[list[bytes]]:
    """The lines of a body in groups, as they arrive; empty lines are passed over.

    Raises TooLargeError for a body or line that is too long, TooSlowError where nothing arrives
    for some seconds, DisconnectedError.
    """
    rest = b""
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
        *lines, rest = (rest + part).split(b"\n")
        if not more:
            lines.append(rest)
        if len(rest) > MAX_LINE_BYTES:
            raise TooLargeError(MAX_LINE_BYTES, "bytes a line")
        whole = [line for line in lines if line.strip()]
        for start in range(0, len(whole), CHUNK_ROWS):
            yield whole[start : start + CHUNK_ROWS]


def predict_lines(predictor: Predictor, lines: Sequence[bytes], first_row: int) -> Prediction:
    """The answer to a group of lines, one line a row; faults count rows from the first group on."""
    body = b"[" + b",".join(lines) + b"]"
    try:
        rows, ignored = predictor.decode(body)
    except InvalidRowsError as error:
        raise InvalidRowsError(
            [fault._replace(row=fault.row + first_row) for fault in error.faults]
        ) from None
    if len(rows) != len(lines):
        last = first_row + len(lines) - 1
        msg = f"Of the lines {first_row} to {last}, some hold more or less than one object."
        raise MalformedError(msg)
    results = predictor.results(rows)
    answer = b"".join(b'{"prediction":%b}\n' % result for result in results)
    return Prediction(answer, len(rows), ignored)


class Spool:
    """Results that wait for the end of the body, on disk where they are many."""

    def __init__(self) -> None:
        # Closed by parts or close: the file outlives the function that fills it.
        self._file = SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115
        self.rows = 0
        self.ignored: frozenset[str] = frozenset()

    def add(self, predicted: Prediction) -> None:
        """Append the answer to a group of lines."""
        self._file.write(predicted.body)
        self.rows += predicted.rows
        if not predicted.ignored <= self.ignored:
            # The names are the client's, and as many as it likes.
            self.ignored = frozenset(sorted(self.ignored | predicted.ignored)[:MAX_IGNORED])

    async def parts(self) -> AsyncIterator[bytes]:
        """All results; the file is gone at the end."""
        with self._file:
            self._file.seek(0)
            while part := self._file.read(_PART_BYTES):
                yield part

    def close(self) -> None:
        """Drop the results."""
        self._file.close()


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
