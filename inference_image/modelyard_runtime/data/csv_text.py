"""Stream CSV text as columns of strings: find the delimiter, check the header, name bad lines.

Types are given afterwards (``column_types``), so that no value is lost to a wrong guess.
"""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.content import Plain
from modelyard_runtime.data.quotes import expect_closed
from modelyard_runtime.data.streams import Stream
from modelyard_runtime.errors import UserError

SAMPLE_LINES = 200
BLOCK_BYTES = 8 * 1024 * 1024
MAX_NAME_LENGTH = 253
#: Common ones first: where two split a file equally well, the earlier one is meant.
DELIMITERS = (",", ";", "\t", "|", "\x01", "^", "~", ":", " ")
_RARE = frozenset({":", " ", "^", "~"})

_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*%?\s*")
_DATE = re.compile(r"\s*(\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([ T].*)?")


def stream_csv(plain: Plain, *, examples: bool = True) -> Stream:
    """All columns as strings; a cell without content is null.

    ``examples`` says that a model is to learn from it, which takes more than one column.
    Raises UserError naming the line that does not fit.
    """
    rows, delimiter = _sample(plain)
    expect_closed(plain, delimiter)
    header = _header(plain.name, rows)
    if len(rows) == 1:
        raise UserError(
            Reason.NO_ROWS, f"{plain.name} has a header and no row of data: add rows below it."
        )
    if examples:
        _expect_examples(plain.name, header, rows)
    expect_distinct(plain.name, header)
    schema = pa.schema([(name, pa.large_string()) for name in header])
    return Stream(schema, _batches(plain, header, delimiter))


def _expect_examples(name: str, header: list[str], rows: list[list[str]]) -> None:
    if len(header) == 1:
        raise UserError(
            Reason.TOO_FEW_COLUMNS,
            f"{name} has one column, {header[0]!r}: a model needs at least one to predict "
            "and one to predict from. If there are more, separate them with commas.",
        )
    _expect_header(name, rows)


def _sample(plain: Plain) -> tuple[list[list[str]], str]:
    """The first rows, split by the delimiter that splits them best."""
    with plain.path.open(encoding="utf-8", newline="") as file:
        lines = [line for line in itertools.islice(file, SAMPLE_LINES) if line.strip()]
    best: tuple[float, list[list[str]], str] | None = None
    for delimiter in DELIMITERS:
        rows = _split(lines, delimiter)
        score = _evenness(rows) * (0.5 if delimiter in _RARE else 1.0)
        if rows and (best is None or score > best[0]):
            best = score, rows, delimiter
    if best is None:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{plain.name} cannot be split into rows: check its quotation marks.",
        )
    return best[1], best[2]


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


def _header(name: str, rows: list[list[str]]) -> list[str]:
    header = [cell.strip() for cell in rows[0]]
    header = [cell or f"column_{number}" for number, cell in enumerate(header, 1)]
    long = next((cell for cell in header if len(cell) > MAX_NAME_LENGTH), None)
    if long is not None:
        raise UserError(
            Reason.NOT_TABULAR,
            f"The first line of {name} has a cell of {len(long)} characters where a column name "
            f"of at most {MAX_NAME_LENGTH} is expected: put column names into the first line.",
        )
    return header


def expect_distinct(name: str, header: Sequence[str]) -> None:
    """Raise UserError where two columns have the same name."""
    twice = next((cell for cell, count in Counter(header).items() if count > 1), None)
    if twice is None:
        return
    positions = [str(number) for number, cell in enumerate(header, 1) if cell == twice]
    raise UserError(
        Reason.DUPLICATE_COLUMNS,
        f"{name} has the column {twice!r} {len(positions)} times (positions "
        f"{', '.join(positions)}): give each column a name of its own.",
    )


def _expect_header(name: str, rows: list[list[str]]) -> None:
    """Refuse a first line that looks like the lines below it.

    A cell looks like data when it is a number or a date, or is found again below itself.
    Names that count up (0, 1, 2 or years) are names.
    """
    cells = [cell.strip() for cell in rows[0]]
    if _counts_up([cell for cell in cells if _is_value(cell)]):
        return
    below = [
        {row[number].strip() for row in rows[1:] if number < len(row)}
        for number in range(len(cells))
    ]
    alike = sum(
        bool(cell) and (_is_value(cell) or cell in column)
        for cell, column in zip(cells, below, strict=True)
    )
    if alike * 2 >= len(cells):
        raise UserError(
            Reason.NO_HEADER,
            f"The first line of {name} looks like data, not like column names "
            f"({alike} of {len(cells)} cells are values): put a line with the names of the "
            "columns above it.",
        )


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))


def _counts_up(cells: list[str]) -> bool:
    if len(cells) < 2 or not all(cell.isdigit() for cell in cells):  # noqa: PLR2004 - a sequence
        return False
    numbers = [int(cell) for cell in cells]
    return all(after - before == 1 for before, after in itertools.pairwise(numbers))


def _batches(plain: Plain, header: list[str], delimiter: str) -> Iterator[pa.RecordBatch]:
    try:
        yield from arrow_csv.open_csv(
            plain.path,
            read_options=arrow_csv.ReadOptions(
                column_names=header, skip_rows_after_names=1, block_size=BLOCK_BYTES
            ),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _bad_line(plain, header, delimiter) or _not_csv(plain.name, str(error)) from error


def _bad_line(plain: Plain, header: list[str], delimiter: str) -> UserError | None:
    """Which line has another width than the header; the fast reader does not say."""
    for line, row in _numbered_rows(plain.path, delimiter):
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
