"""A first look at what is uploaded: refuses at once what no reader of tables takes."""

from collections.abc import AsyncIterator

from modelyard_api.errors import UnsupportedMediaTypeError

#: How much of a file is looked at.
SNIFFED_BYTES = 4096

_TABLES = (b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_KNOWN = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x7fELF": "a program",
    b"SQLite format 3": "a SQLite database",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
}


def refusal(start: bytes) -> str | None:
    """What a file is, by its first bytes, where it cannot be a table; else None."""
    if start.startswith(_TABLES + _UTF16):
        return None
    for magic, kind in _KNOWN.items():
        if start.startswith(magic):
            return kind
    return "binary" if b"\0" in start else None


async def checked(chunks: AsyncIterator[bytes], filename: str) -> AsyncIterator[bytes]:
    """The chunks of a file whose beginning may be a table.

    Raises UnsupportedMediaTypeError before the first chunk where it cannot be one.
    """
    first = True
    async for chunk in chunks:
        if first and chunk:
            check_start(chunk, filename)
        first = first and not chunk
        yield chunk


def check_start(start: bytes, filename: str) -> None:
    """Raise UnsupportedMediaTypeError where a file begins as no table does."""
    if kind := refusal(start[:SNIFFED_BYTES]):
        raise UnsupportedMediaTypeError(
            f"The file '{filename}' is {kind}, not a table.",
            details={"filename": filename},
            suggestions=["Send CSV, Parquet or JSON Lines; gzip and zstd are read as well."],
        )
