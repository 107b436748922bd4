"""What can be sent as a table: a path, bytes, a data frame, or rows."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, runtime_checkable


@runtime_checkable
class FrameLike(Protocol):
    """A data frame of pandas or what behaves like one."""

    def to_csv(self, *, index: bool) -> str:
        """The table as CSV."""


@runtime_checkable
class ColumnarLike(Protocol):
    """A data frame of polars or what behaves like one."""

    def write_csv(self) -> str:
        """The table as CSV."""


Rows = Sequence[Mapping[str, Any]]
Table = str | PathLike[str] | bytes | FrameLike | ColumnarLike | Rows


class Content(NamedTuple):
    """A file to send; opened anew for each try."""

    filename: str
    open: Callable[[], IO[bytes]]


def content_of(table: Table) -> Content:
    """The file that a table is sent as.

    Raises FileNotFoundError for a path where there is no file, TypeError for what is no table.
    """
    if isinstance(table, str | PathLike):
        path = Path(table)
        if not path.is_file():
            msg = f"there is no file {path}"
            raise FileNotFoundError(msg)
        return Content(path.name, lambda: path.open("rb"))
    content = table if isinstance(table, bytes) else csv_of(table)
    return Content("table.csv", lambda: io.BytesIO(content))


def csv_of(table: FrameLike | ColumnarLike | Rows) -> bytes:
    """A table in memory as CSV, with a header.

    Raises TypeError for what is no table.
    """
    match table:
        case FrameLike():
            return table.to_csv(index=False).encode()
        case ColumnarLike():
            return table.write_csv().encode()
        case [Mapping(), *_]:
            out = io.StringIO()
            names = dict.fromkeys(name for row in table for name in row)
            writer = csv.DictWriter(out, list(names), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
            return out.getvalue().encode()
        case _:
            msg = f"{type(table).__name__} is no table: give a path, bytes, a data frame or rows"
            raise TypeError(msg)
