"""Files that are no table, or a broken one: each its reason, and a message one can act on."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.reading import read_table
from modelyard_runtime.data.source import LocalFile, fetch_local, save
from modelyard_runtime.errors import UserError
from support.tables import read_bytes

GOOD = "age,plan,churned\n" + "".join(f"{20 + i},{'ab'[i % 2]},{'xy'[i % 2]}\n" for i in range(40))


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


PARQUET = parquet(pa.table({"a": range(1000), "b": range(1000)}))
NESTED = parquet(pa.table({"a": [1, 2], "b": [[1], [2, 3]]}))

CASES = [
    ("empty", "", Reason.EMPTY_FILE, "is empty"),
    ("only blank lines", " \n\n\t\n", Reason.EMPTY_FILE, "is empty"),
    ("header only", "a,b,c\n", Reason.NO_ROWS, "header and no row"),
    ("one row", "a,b\n1,2\n", Reason.TOO_FEW_ROWS, "one row"),
    ("one column", "a\n1\n2\n3\n", Reason.TOO_FEW_COLUMNS, "one column, 'a'"),
    ("no header, numbers", "5.1,3.5,s\n4.9,3.0,s\n4.7,3.2,v\n", Reason.NO_HEADER, "first line"),
    ("no header, words", "red,s,yes\nblue,s,no\nred,b,yes\n", Reason.NO_HEADER, "looks like data"),
    ("long row", "a,b\n1,2\n3,4,5\n" + "1,2\n" * 9, Reason.RAGGED_ROWS, "Line 3"),
    ("short row", "a,b,c\n1,2,3\n" + "1,2,3\n" * 9 + "1,2\n", Reason.RAGGED_ROWS, "Line 12"),
    ("duplicate columns", "a,b,a\n1,2,3\n4,5,6\n", Reason.DUPLICATE_COLUMNS, "positions 1, 3"),
    ("10,000 columns", ",".join(f"c{i}" for i in range(10_000)) + "\n" + ("1," * 9999 + "2\n") * 2,
     Reason.TOO_MANY_COLUMNS, "10000 columns"),
    ("a very long name", f"a,{'b' * 300}\n1,x\n2,y\n", Reason.NOT_TABULAR, "300 characters"),
    ("web page", "<!DOCTYPE html>\n<html>Login</html>", Reason.NOT_TABULAR, "web page"),
    ("XML error", "\n<?xml version='1.0'?><Error/>", Reason.NOT_TABULAR, "web page"),
    ("Excel as csv", b"PK\x03\x04" + bytes(200), Reason.NOT_TABULAR, "Excel"),
    ("old Excel", b"\xd0\xcf\x11\xe0" + bytes(200), Reason.NOT_TABULAR, "Excel"),
    ("PDF", b"%PDF-1.7 ...", Reason.NOT_TABULAR, "PDF"),
    ("picture", b"\x89PNG\r\n\x1a\n" + bytes(200), Reason.NOT_TABULAR, "picture"),
    ("binary", bytes(range(256)) * 20, Reason.NOT_TABULAR, "binary"),
    ("broken UTF-8", GOOD.replace("a", "é").encode() + "20,é,x\n".encode("latin-1"),
     Reason.BAD_ENCODING, "line 42"),
    ("no single-byte text", b"a,b\n1,\x81\x8d\n2,x\n", Reason.BAD_ENCODING, "0x81"),
    ("cut UTF-16", GOOD.encode("utf-16")[:-1], Reason.BAD_ENCODING, "utf-16"),
    ("cut gzip", gzip.compress(GOOD.encode())[:60], Reason.NOT_TABULAR, "damaged or cut gzip"),
    ("no gzip after all", b"\x1f\x8b\x00nonsense", Reason.NOT_TABULAR, "gzip"),
    ("cut zstd", zstd(GOOD.encode())[:40], Reason.NOT_TABULAR, "damaged or cut zstd"),
    ("cut Parquet", PARQUET[: len(PARQUET) // 2], Reason.NOT_TABULAR, "damaged or cut Parquet"),
    ("lists in Parquet", NESTED, Reason.NOT_TABULAR, "Column 'b'"),
    ("broken JSON line", '{"a": 1, "b": 2}\n{"a": 1,\n', Reason.NOT_TABULAR, "Line 2"),
    ("JSON line of another kind", '{"a": 1, "b": 2}\n[1]\n', Reason.NOT_TABULAR, "Line 2"),
    ("objects in JSON", '{"a": 1, "b": {"c": 1}}\n', Reason.NOT_TABULAR, "an object in 'b'"),
    ("JSON without rows", "[]", Reason.NO_ROWS, "no row"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_each_fault_has_its_reason_and_says_where(tmp_path, content, reason, words):
    with pytest.raises(UserError) as caught:
        read_bytes(tmp_path, content)
    assert caught.value.reason is reason
    assert words in caught.value.message
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize(
    ("stated", "content"), [("csv", PARQUET), ("parquet", GOOD), ("jsonl", GOOD)]
)
def test_another_format_than_stated_is_named(tmp_path, stated, content):
    with pytest.raises(UserError, match=f"not {stated}") as caught:
        read_bytes(tmp_path, content, stated=stated)
    assert caught.value.reason is Reason.NOT_TABULAR


@pytest.mark.parametrize(
    ("type_", "row"), [("integer", 1), ("float", 1), ("boolean", 1), ("datetime", 1)]
)
def test_a_column_that_is_not_of_the_stated_type_is_named_with_its_row(tmp_path, type_, row):
    with pytest.raises(UserError, match=f"'plan' .* {type_}: row {row}") as caught:
        read_bytes(tmp_path, GOOD, types={"plan": type_})
    assert caught.value.reason is Reason.TYPE_MISMATCH


def test_files_of_one_upload_must_have_the_same_columns(tmp_path):
    one, other = LocalFile(tmp_path / "1", "one.csv"), LocalFile(tmp_path / "2", "two.csv")
    fetched = save([(one, [b"a,b\n1,2\n3,4\n"]), (other, [b"b,c\n1,2\n3,4\n"])])
    with pytest.raises(UserError, match=r"two.csv lacks 'a'; one.csv lacks 'c'"):
        read_table(fetched, "auto", {}, tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.csv") as caught:
        fetch_local(tmp_path / "nowhere.csv")
    assert caught.value.reason is Reason.SOURCE_NOT_FOUND
