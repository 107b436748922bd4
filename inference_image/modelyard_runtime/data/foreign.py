"""Files that are no table, told by how they begin: a spreadsheet, a web page, an error message.

People are told what they have sent, and what to send instead. Called by ``content``.
"""

import codecs
from typing import Any

import msgspec

from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError

SAVE_AS = "Save the table as CSV (UTF-8), Parquet or JSON Lines."

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (xls)"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3", "an SQLite database"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x93NUMPY", "a numpy file"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
)
#: Where an archive of ``tar`` says what it is.
_TAR, _TAR_AT = b"ustar", 257
_GIT_LFS = b"version https://git-lfs"
_MARKUP = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")
#: Names that answers with an error are made of, whoever the server is.
_ERROR_NAMES = frozenset(
    {"error", "errors", "message", "code", "status", "statuscode", "detail", "details", "reason"}
    | {"type", "title", "requestid", "request_id", "hostid", "timestamp", "path", "success"}
    | {"documentation_url", "error_description", "kind", "apiversion", "metadata"}
)


def refuse_foreign(name: str, head: bytes) -> None:
    """Raise UserError saying what a file is, where its first bytes show that it is no table."""
    start = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")
    what = _format(head)
    if what is not None:
        raise UserError(Reason.NOT_TABULAR, f"{name} is {what}, not a table. {SAVE_AS}")
    if start.lower().startswith(_MARKUP):
        raise UserError(
            Reason.NOT_TABULAR,
            f"{name} is a web page (HTML or XML), not a table: the address may need a login, or "
            f"leads to a page about the file. Give the address of the file itself. {SAVE_AS}",
        )
    if start.startswith(_GIT_LFS):
        raise UserError(
            Reason.NOT_TABULAR,
            f"{name} is a Git LFS pointer, not the file that it stands for: run git lfs pull and "
            "upload the file itself.",
        )
    if start.startswith(b"{"):
        _refuse_answer(name, start)


def _format(head: bytes) -> str | None:
    if head[_TAR_AT:].startswith(_TAR):
        return "a tar archive"
    return next((what for magic, what in _MAGIC if head.startswith(magic)), None)


def _refuse_answer(name: str, start: bytes) -> None:
    """Raise UserError where one JSON object is all that the file holds, unless it can be a row."""
    try:
        value = msgspec.json.decode(start)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if _is_error(value):
        raise UserError(
            Reason.NOT_TABULAR,
            f"{name} is the error message of a server ({', '.join(list(value)[:3])}), not a table: "
            "check the address and its credentials.",
        )
    of_columns = bool(value) and all(isinstance(cells, dict | list) for cells in value.values())
    if of_columns or b"\n" in start.strip():
        what = "one JSON object" + (" of whole columns" if of_columns else "")
        raise UserError(
            Reason.NOT_TABULAR,
            f"{name} is {what}, not a table: write one object a row, each on a line of its own, "
            'such as {"a": 1}.',
        )


def _is_error(value: dict[str, Any]) -> bool:
    names = {name.lower() for name in value}
    speaks = names & {"error", "errors"} or ("message" in names and len(names) > 1)
    return bool(speaks) and names <= _ERROR_NAMES
