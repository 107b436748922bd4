"""The first line of CSV text: the names of the columns, or something else that is said.

A title above the table, no header at all, two columns of one name, lines of another width. Called
by ``csv_text`` with the first rows of a file.
"""

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError

MAX_NAME_LENGTH = 253
#: A title can stand above a table of so many columns; of two, one may be without a name.
MIN_TITLED = 3

_NUMBER = re.compile(r"\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?\s*%?\s*")
_DATE = re.compile(r"\s*(\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([ T].*)?")


def names_of(name: str, rows: list[list[str]]) -> list[str]:
    """The names of the columns; one without a name gets one by its position."""
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


def expect_header(name: str, rows: list[list[str]]) -> None:
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


def expect_names(name: str, first: Sequence[str]) -> None:
    """Raise UserError where the first line names less than half of the columns."""
    filled = [cell.strip() for cell in first if cell.strip()]
    if len(first) >= MIN_TITLED and len(filled) * 2 < len(first):
        raise _titled(
            name, filled[0] if filled else "", f"names {len(filled)} of {len(first)} columns"
        )


def expect_no_title(name: str, rows: Sequence[Sequence[str]]) -> None:
    """Raise UserError where the first line has one cell and nearly all others the same, more."""
    widths = Counter(len(row) for row in rows[1:])
    usual, count = max(widths.items(), key=lambda pair: pair[1])
    if len(rows[0]) == 1 < usual and count > (len(rows) - 1) / 2:
        raise _titled(name, rows[0][0].strip(), f"has 1 field, most lines have {usual}")


def expect_even(name: str, rows: Sequence[Sequence[str]], delimiter: str) -> None:
    """Raise UserError where all lines have the same number of fields, and the header another."""
    widths = {len(row) for row in rows[1:]}
    here = len(rows[0])
    if len(rows) > MIN_TITLED and len(widths) == 1 and here not in widths:
        raise UserError(
            Reason.RAGGED_ROWS,
            f"The lines of {name} have {widths.pop()} fields, the header has {here}: give each "
            f"column a name in the header, or take a delimiter {delimiter!r} that ends each line "
            "away.",
        )


def _titled(name: str, title: str, what: str) -> UserError:
    shown = f" ({title[:60]!r})" if title else ""
    return UserError(
        Reason.NO_HEADER,
        f"The first line of {name}{shown} {what}: it looks like a title or a comment. Take away "
        "all lines above the one with the names of the columns.",
    )
