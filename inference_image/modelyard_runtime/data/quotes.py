"""Quotation marks of CSV that are opened and never closed, which swallow the rows after them.

Readers take such a file without a word, as a few rows of which one is huge. Called by
``csv_text``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.content import CHUNK_BYTES, Plain
from modelyard_runtime.errors import UserError


def expect_closed(plain: Plain, delimiter: str) -> None:
    """Raise UserError naming the line of a quotation mark that is never closed.

    Only a file with an odd number of marks is gone through line by line.
    """
    if _marks(plain.path) % 2 == 0:
        return
    line = unclosed_line(plain.path, delimiter)
    if line is not None:
        raise UserError(
            Reason.NOT_TABULAR,
            f"Line {line} of {plain.name} opens a quotation mark that is never closed: close it, "
            "or, where it belongs to the text, quote the field and write the mark twice.",
        )


def unclosed_line(path: Path, delimiter: str) -> int | None:
    """Where a mark was opened that the end of the file, or none of its own, closes."""
    opening = re.compile(rf'(?:^|{re.escape(delimiter)})"')
    closing = re.compile(r'(?:[^"]|"")*"(?!")')
    ended = re.compile(rf"{re.escape(delimiter)}|\r?\n?$")
    opened: int | None = None
    for number, line in _lines(path):
        position = 0
        while True:
            if opened is None:
                start = opening.search(line, position)
                if start is None:
                    break
                opened, position = number, start.end()
            end = closing.match(line, position)
            if end is None:
                break
            position = end.end()
            if opened < number and not ended.match(line, position):
                # The mark that opens another field closed this one.
                return opened
            opened = None
    return opened


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from enumerate(file, 1)


def _marks(path: Path) -> int:
    with path.open("rb") as file:
        return sum(chunk.count(b'"') for chunk in iter(lambda: file.read(CHUNK_BYTES), b""))
