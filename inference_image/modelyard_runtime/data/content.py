"""Find out what a file is, from its bytes and not from its name, and make it plain UTF-8.

Compression is undone and text is recoded into files of their own, in a stream. What is no table
is refused with the help of ``foreign``.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal, NamedTuple

import pyarrow as pa

from modelyard_crds.dataset import DatasetFormat
from modelyard_crds.reasons import Reason
from modelyard_runtime.data.foreign import SAVE_AS, refuse_foreign
from modelyard_runtime.data.source import LocalFile
from modelyard_runtime.errors import UserError

#: White space and the mark of UTF-8: a file of nothing else is empty.
_BLANK = b" \t\r\n" + codecs.BOM_UTF8

Kind = Literal["csv", "parquet", "jsonl"]

CHUNK_BYTES = 1024 * 1024
HEAD_BYTES = 4096

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PARQUET = b"PAR1"
_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Plain(NamedTuple):
    """A file that a reader can take as it is: Parquet, or UTF-8 text without a mark."""

    path: Path
    name: str
    kind: Kind
    encoding: str | None = None


def make_plain(file: LocalFile, stated: DatasetFormat, folder: Path) -> Plain:
    """The file, uncompressed and in UTF-8, and what kind of table it holds.

    Raises UserError where it is empty, damaged, not in the stated format or no table at all.
    """
    path = _uncompressed(file, folder)
    head = _head(path)
    if not head.strip(_BLANK):
        raise UserError(Reason.EMPTY_FILE, f"{file.name} is empty: upload a file with a table.")
    if head.startswith(_PARQUET):
        _expect_format(file.name, stated, "parquet")
        return Plain(path, file.name, "parquet")
    refuse_foreign(file.name, head)
    encoding = _encoding(file.name, path, head)
    if encoding != "utf-8":
        path = _recoded(path, encoding, folder, file.name)
    kind: Kind = "jsonl" if _head(path).lstrip()[:1] in {b"{", b"["} else "csv"
    _expect_format(file.name, stated, kind)
    return Plain(path, file.name, kind, encoding)


def _expect_format(name: str, stated: DatasetFormat, found: Kind) -> None:
    if stated not in {"auto", found}:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{name} is not {stated}: its content looks like {found}. "
            "Set spec.format to what it is, or leave it at auto.",
        )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _encoding(name: str, path: Path, head: bytes) -> str:
    """The encoding of a text; the whole file is looked at."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    if b"\x00" in head:
        return _utf16_without_mark(name, head)
    first = _first_invalid(path, "utf-8")
    if first is None:
        return "utf-8"
    if first.multibyte_before or _first_invalid(path, "cp1252") is not None:
        raise UserError(
            Reason.BAD_ENCODING,
            f"{name} is not in a known encoding: line {first.line} has the byte "
            f"0x{first.byte:02x}, which is not UTF-8. Save the file as UTF-8.",
        )
    return "cp1252"


def _utf16_without_mark(name: str, head: bytes) -> str:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.1:
        return "utf-16-be"
    raise UserError(
        Reason.NOT_TABULAR, f"{name} is a binary file (it has zero bytes), not a table. {SAVE_AS}"
    )


class _Invalid(NamedTuple):
    line: int
    byte: int
    multibyte_before: bool


def _first_invalid(path: Path, encoding: str) -> _Invalid | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, multibyte = 1, False
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK_BYTES)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start]
                return _Invalid(
                    lines + before.count(b"\n"),
                    error.object[error.start],
                    multibyte or not before.isascii(),
                )
            if not chunk:
                return None
            lines += chunk.count(b"\n")
            multibyte = multibyte or not text.isascii()


def _recoded(path: Path, encoding: str, folder: Path, name: str) -> Path:
    target = folder / f"{path.name}.utf8"
    try:
        with (
            path.open(encoding=encoding, newline="") as reader,
            target.open("w", encoding="utf-8", newline="") as writer,
        ):
            while text := reader.read(CHUNK_BYTES):
                writer.write(text)
    except UnicodeDecodeError as error:
        raise UserError(
            Reason.BAD_ENCODING,
            f"{name} begins as {encoding} but is not {encoding} to its end: {error.reason}. "
            "Save the file as UTF-8.",
        ) from error
    return target


def _uncompressed(file: LocalFile, folder: Path) -> Path:
    head = _head(file.path)
    if head.startswith(_GZIP):
        return _unpacked(file, folder, "gzip")
    if head.startswith(_ZSTD):
        return _unpacked(file, folder, "zstd")
    return file.path


def _unpacked(file: LocalFile, folder: Path, codec: Literal["gzip", "zstd"]) -> Path:
    target = folder / f"{file.path.name}.plain"
    try:
        with target.open("wb") as writer:
            for chunk in _decompress(file.path, codec):
                writer.write(chunk)
    except (
        EOFError,
        gzip.BadGzipFile,
        zlib.error,
        pa.ArrowInvalid,
        pa.ArrowException,
        OSError,
    ) as error:
        raise UserError(
            Reason.NOT_TABULAR,
            f"{file.name} is a damaged or cut {codec} file: its content ends in the middle. "
            "Upload it again, whole.",
        ) from error
    return target


def _decompress(path: Path, codec: Literal["gzip", "zstd"]) -> Iterator[bytes]:
    if codec == "gzip":
        with gzip.open(path) as reader:
            yield from _chunks(reader)
    else:
        with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), codec) as reader:
            yield from _chunks(reader)


def _chunks(reader: IO[bytes] | pa.NativeFile) -> Iterator[bytes]:
    while chunk := reader.read(CHUNK_BYTES):
        yield chunk
