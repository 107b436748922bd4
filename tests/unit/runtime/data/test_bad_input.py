"""What a person who runs the command cannot state: formats, several files, columns' types.

Files that are no table, or a broken one, are in ``training/test_bad_input.py``.
"""

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


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


PARQUET = parquet(pa.table({"a": range(1000), "b": range(1000)}))


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
