"""Stream CSV text as columns of strings: find the delimiter, name bad lines.

Types are given afterwards (``column_types``), so that no value is lost to a wrong guess.
"""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.content import Plain
from modelyard_runtime.data.header import (
    MIN_TITLED,
    expect_distinct,
    expect_even,
    expect_header,
    expect_names,
    expect_no_title,
    names_of,
)
from modelyard_runtime.data.quotes import expect_closed
from modelyard_runtime.data.streams import Stream
from modelyard_runtime.errors import UserError

SAMPLE_LINES = 200
BLOCK_BYTES = 8 * 1024 * 1024
#: Common ones first: where two split a file equally well, the earlier one is meant.
DELIMITERS = (",", ";", "\t", "|", "\x01", "^", "~", ":", " ")
_RARE = frozenset({":", " ", "^", "~"})
#: What Excel writes above a table to say which delimiter it has.
_TOLD = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
#: Less than this is no delimiter, or not all that the lines have is the table.
EVEN = 0.5


def stream_csv(plain: Plain, *, examples: bool = True) -> Stream:
    """All columns as strings; a cell without content is null.

    ``examples`` says that a model is to learn from it, which takes more than one column.
    Raises UserError naming the line that does not fit.
    """
    rows, delimiter, skipped = _sample(plain)
    expect_closed(plain, delimiter)
    expect_names(plain.name, rows[0])
    header = names_of(plain.name, rows)
    if len(rows) == 1:
        raise UserError(
            Reason.NO_ROWS, f"{plain.name} has a header and no row of data: add rows below it."
        )
    if examples:
        _expect_examples(plain.name, header, rows)
    expect_distinct(plain.name, header)
    expect_even(plain.name, rows, delimiter)
    schema = pa.schema([(name, pa.large_string()) for name in header])
    return Stream(schema, _batches(plain, header, delimiter, skipped))


def _expect_examples(name: str, header: list[str], rows: list[list[str]]) -> None:
    if len(header) == 1:
        raise UserError(
            Reason.TOO_FEW_COLUMNS,
            f"{name} has one column, {header[0]!r}: a model needs at least one to predict "
            "and one to predict from. If there are more, separate them with commas.",
        )
    expect_header(name, rows)


class _Sample(NamedTuple):
    """The first rows, the delimiter that splits them best, and how many lines are above them."""

    rows: list[list[str]]
    delimiter: str
    skipped: int


def _sample(plain: Plain) -> _Sample:
    with plain.path.open(encoding="utf-8", newline="") as file:
        lines = [line for line in itertools.islice(file, SAMPLE_LINES) if line.strip()]
    told = _TOLD.fullmatch(lines[0])
    if told is not None and len(lines) > 1:
        return _Sample(_split(lines[1:], told[1]), told[1], 1)
    split = {delimiter: rows for delimiter in DELIMITERS if (rows := _split(lines, delimiter))}
    if not split:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{plain.name} cannot be split into rows: check its quotation marks.",
        )
    best = max(split, key=lambda delimiter: _evenness(split[delimiter]) * _weight(delimiter))
    if _evenness(split[best]) < EVEN and len(lines) > MIN_TITLED:
        below = max(split, key=lambda each: _evenness(split[each][2:]) * _weight(each))
        expect_no_title(plain.name, split[below])
    return _Sample(split[best], best, 0)


def _weight(delimiter: str) -> float:
    return 0.5 if delimiter in _RARE else 1.0


def _split(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _evenness(rows: list[list[str]]) -> float:
    """How well the rows agree on their width, with a little for width itself; 0 for one column."""
    if not rows or len(rows[0]) == 1:
        return 0.0
    widths = Counter(map(len, rows))
    width = len(rows[0])
    # One bad line must not make another delimiter look better.
    return widths[width] / len(rows) + min(width, 50) / 1000.0


def _batches(
    plain: Plain, header: list[str], delimiter: str, skipped: int
) -> Iterator[pa.RecordBatch]:
    try:
        yield from arrow_csv.open_csv(
            plain.path,
            read_options=arrow_csv.ReadOptions(
                column_names=header,
                skip_rows=skipped,
                skip_rows_after_names=1,
                block_size=BLOCK_BYTES,
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        fault = _bad_line(plain, header, delimiter, skipped)
        raise fault or _not_csv(plain.name, str(error)) from error


def _bad_line(plain: Plain, header: list[str], delimiter: str, skipped: int) -> UserError | None:
    """Which line has another width than the header; the fast reader does not say."""
    for line, row in itertools.islice(_numbered_rows(plain.path, delimiter), skipped, None):
        if len(row) != len(header):
            return UserError(
                Reason.RAGGED_ROWS,
                f"Line {line} of {plain.name} has {len(row)} fields, the header has "
                f"{len(header)}: quote fields that hold the delimiter {delimiter!r}, or mend "
                "the line.",
            )
    return None


def _numbered_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line; it ends where quotation marks break."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        try:
            yield from ((reader.line_num, row) for row in reader if row)
        except csv.Error:
            return


def _not_csv(name: str, cause: str) -> UserError:
    return UserError(
        Reason.NOT_TABULAR,
        f"{name} cannot be read as CSV ({cause[:200]}): check its quotation marks.",
    )
