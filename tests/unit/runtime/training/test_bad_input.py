"""Data and requests that no model can be made of, as the person sees them who runs the command.

Each has its reason, says what is wrong and where, and what to do about it.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import uuid
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_crds.reasons import Reason
from modelyard_runtime.training import main


def table(header: str, row: Callable[[int], str], rows: int = 60) -> str:
    return f"{header}\n" + "".join(f"{row(number)}\n" for number in range(rows))


def age(number: int) -> int:
    return 20 + number * 7 % 50


def yes_no(number: int) -> str:
    return ("yes", "no")[number % 2]


def noise(number: int) -> str:
    """600 cells, different in each column."""
    return "".join(f"{(number + 1) * (column + 7) % 9973}," for column in range(600))


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def parquet(content: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(content, sink)
    return sink.getvalue()


def zipped(content: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("table.csv", content)
    return sink.getvalue()


def tarred(content: str) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        member = tarfile.TarInfo("table.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content.encode()))
    return sink.getvalue()


GOOD = table("age,plan,churned", lambda i: f"{age(i)},{'abc'[i % 3]},{yes_no(i)}")
PRICES = table("age,plan,price", lambda i: f"{age(i)},{'abc'[i % 3]},{100 + i * 13 % 77}.5")
PARQUET = parquet(pa.table({"a": list(range(1000)), "b": list(range(1000))}))
NESTED = parquet(pa.table({"a": [1, 2], "b": [[1], [2, 3]]}))
WIDE = ",".join(f"c{number}" for number in range(10_000))
MANY = ",".join(f"c{number}" for number in range(600))
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n"
XLSX, XLS = b"PK\x03\x04" + bytes(200), b"\xd0\xcf\x11\xe0" + bytes(200)
SAVE = "Save the table as CSV (UTF-8), Parquet or JSON Lines."


class Case(NamedTuple):
    """A file and options, and what must be said of them: the fault, and what to do."""

    content: bytes | str
    reason: Reason
    fault: str
    advice: str
    options: dict[str, str] = {}  # noqa: RUF012 - never written


NO_TABLE = Reason.NOT_TABULAR
FILES = {
    "empty": Case("", Reason.EMPTY_FILE, "t.csv is empty", "upload a file with a table"),
    "blank lines": Case(" \n\n\t\n", Reason.EMPTY_FILE, "t.csv is empty", "upload a file"),
    "only a mark": Case(b"\xef\xbb\xbf", Reason.EMPTY_FILE, "t.csv is empty", "upload a file"),
    "header only": Case("age,plan\n", Reason.NO_ROWS, "header and no row", "add rows below it"),
    "JSON without rows": Case("[]", Reason.NO_ROWS, "no row of data", "add rows"),
    "one row": Case("a,b\n1,2\n", Reason.TOO_FEW_ROWS, "has one row", "many examples"),
    "one column": Case(
        "a\n1\n2\n3\n", Reason.TOO_FEW_COLUMNS, "one column, 'a'", "separate them with commas"
    ),
    "no header": Case(
        table("34,a,yes", lambda i: f"{age(i)},{'abc'[i % 3]},{yes_no(i)}"),
        Reason.NO_HEADER, "The first line of t.csv looks like data", "put a line with the names",
    ),
    "a title above the table": Case(
        f"Monthly report\n\n{GOOD}", Reason.NO_HEADER, "('Monthly report') has 1 field",
        "Take away all lines above the one with the names",
    ),
    "a title in the first cell": Case(
        f"Monthly report,,\n,,\n{GOOD}", Reason.NO_HEADER, "names 1 of 3 columns",
        "Take away all lines above the one with the names",
    ),
    "a comment above the table": Case(
        f"# by hand\n{GOOD}", Reason.NO_HEADER, "('# by hand') has 1 field", "Take away all lines"
    ),
    "row names without a name": Case(
        GOOD.replace("age,", "", 1), Reason.RAGGED_ROWS, "lines of t.csv have 3 fields, the header "
        "has 2", "give each column a name",
    ),
    "a delimiter at each end": Case(
        GOOD.replace("\n", ",\n").replace("churned,", "churned", 1), Reason.RAGGED_ROWS,
        "have 4 fields, the header has 3", "take a delimiter ',' that ends each line away",
    ),
    "long row": Case(
        GOOD.replace("27,b", "27,b,9", 1), Reason.RAGGED_ROWS, "Line 3 of t.csv has 4 fields",
        "quote fields that hold the delimiter",
    ),
    "short row": Case(
        f"{GOOD}33,a\n", Reason.RAGGED_ROWS, "Line 62 of t.csv has 2 fields, the header has 3",
        "mend the line",
    ),
    "open quotation mark": Case(
        GOOD.replace("27,b", '27,"b', 1), NO_TABLE, "Line 3 of t.csv opens a quotation mark",
        "close it",
    ),
    "duplicate columns": Case(
        table("age,plan,age", lambda i: f"{i},a,{i}"), Reason.DUPLICATE_COLUMNS,
        "the column 'age' 2 times (positions 1, 3)", "give each column a name of its own",
    ),
    "10,000 columns": Case(
        f"{WIDE}\n" + f"{'1,' * 9_999}2\n" * 3, Reason.TOO_MANY_COLUMNS, "10000 columns",
        "must be turned on its side",
    ),
    "600 columns": Case(
        table(f"{MANY},churned", lambda i: f"{noise(i)}{yes_no(i)}", rows=40),
        Reason.TOO_MANY_COLUMNS, "600 columns could be learnt from", "name those that matter",
    ),
    "a very long name": Case(
        f"a,{'b' * 300}\n1,x\n2,y\n", NO_TABLE, "a cell of 300 characters", "put column names"
    ),
    "wrong encoding": Case(
        GOOD.replace("a", "é").encode() + "20,é,x\n".encode("latin-1"),
        Reason.BAD_ENCODING, "line 62 has the byte 0xe9", "Save the file as UTF-8",
    ),
    "no single-byte text": Case(
        b"a,b\n1,\x81\x8d\n2,x\n", Reason.BAD_ENCODING, "0x81", "Save the file as UTF-8"
    ),
    "cut UTF-16": Case(
        GOOD.encode("utf-16")[:-1], Reason.BAD_ENCODING, "begins as utf-16", "Save the file as"
    ),
    "cut gzip": Case(
        gzip.compress(GOOD.encode())[:60], NO_TABLE, "damaged or cut gzip", "Upload it again, whole"
    ),
    "no gzip after all": Case(b"\x1f\x8b\x00nonsense", NO_TABLE, "gzip", "Upload it again, whole"),
    "cut zstd": Case(
        zstd(GOOD.encode())[:40], NO_TABLE, "damaged or cut zstd", "Upload it again, whole"
    ),
    "cut Parquet": Case(
        PARQUET[: len(PARQUET) // 2], NO_TABLE, "damaged or cut Parquet", "upload it again"
    ),
    "lists in Parquet": Case(NESTED, NO_TABLE, "Column 'b' holds list", "flatten it"),
    "Excel renamed to csv": Case(XLSX, NO_TABLE, "an Excel workbook or a zip archive", SAVE),
    "old Excel": Case(XLS, NO_TABLE, "an Excel workbook (xls)", SAVE),
    "zip": Case(zipped(GOOD), NO_TABLE, "a zip archive", SAVE),
    "tar": Case(tarred(GOOD), NO_TABLE, "a tar archive", SAVE),
    "tgz": Case(gzip.compress(tarred(GOOD)), NO_TABLE, "a tar archive", SAVE),
    "PDF": Case(b"%PDF-1.7 ...", NO_TABLE, "a PDF document", SAVE),
    "picture": Case(b"\x89PNG\r\n\x1a\n" + bytes(200), NO_TABLE, "a picture", SAVE),
    "SQLite": Case(b"SQLite format 3\0" + bytes(99), NO_TABLE, "an SQLite database", SAVE),
    "pickle": Case(b"\x80\x04\x95" + bytes(99), NO_TABLE, "a Python pickle", SAVE),
    "binary": Case(bytes(range(256)) * 20, NO_TABLE, "a binary file", SAVE),
    "web page": Case(
        "<!DOCTYPE html>\n<html>Login</html>", NO_TABLE, "a web page", "may need a login"
    ),
    "XML error": Case(
        "\n<?xml version='1.0'?><Error/>", NO_TABLE, "HTML or XML", "may need a login"
    ),
    "JSON error": Case(
        '{"error": "AccessDenied", "message": "no"}', NO_TABLE,
        "the error message of a server (error, message)", "check the address and its credentials",
    ),
    "Git LFS pointer": Case(LFS, NO_TABLE, "a Git LFS pointer", "run git lfs pull"),
    "JSON of columns": Case(
        '{"a": {"0": 1}, "b": {"0": 2}}', NO_TABLE, "one JSON object of whole columns",
        "write one object a row",
    ),
    "JSON over several lines": Case(
        '{\n "a": 1,\n "b": 2\n}\n', NO_TABLE, "one JSON object", "write one object a row"
    ),
    "broken JSON line": Case(
        '{"a": 1, "b": 2}\n{"a": 1,\n', NO_TABLE, "Line 2 of t.csv is not a JSON object",
        "write one object a line",
    ),
    "JSON line of another kind": Case(
        '{"a": 1, "b": 2}\n[1]\n', NO_TABLE, "Line 2", "write one object a line"
    ),
    "objects in JSON": Case(
        '{"a": 1, "b": {"c": 1}}\n' * 9, NO_TABLE, "an object in 'b'", "flatten it into columns"
    ),
}  # fmt: skip

TARGETS = {
    "few rows": Case(
        table("age,plan,churned", lambda i: f"{i},a,{yes_no(i)}", rows=6),
        Reason.TOO_FEW_ROWS, "has a value in 6 rows, at least 10", "add rows",
    ),
    "one class": Case(
        table("age,plan,churned", lambda i: f"{age(i)},a,yes"),
        Reason.CONSTANT_TARGET, "same value in every row", "Add rows with other values",
    ),
    "a class of one example": Case(
        table("age,plan,churned", lambda i: f"{age(i)},a,{'yes' if i else 'maybe'}"),
        Reason.TOO_FEW_EXAMPLES, "The class 'maybe' of 'churned' has one example", "merge it",
    ),
    "all of the target missing": Case(
        table("age,plan,churned", lambda i: f"{age(i)},a,"),
        Reason.TOO_FEW_EXAMPLES, "no value in any row", "fill it in",
    ),
    "all of the target NA": Case(
        table("age,plan,churned", lambda i: f"{age(i)},a,{('NA', 'null', '#N/A', '?')[i % 4]}"),
        Reason.TOO_FEW_EXAMPLES, "no value in any row", "fill it in",
    ),
    "nearly all of the target missing": Case(
        table("age,plan,churned", lambda i: f"{age(i)},a,{yes_no(i) if i < 9 else ''}"),
        Reason.TOO_FEW_ROWS, "has a value in 9 rows", "add rows",
    ),
    "text in a numeric target": Case(
        table("age,plan,price", lambda i: f"{age(i)},a,{100 + i * 13 % 77 if i != 30 else 'ask'}"),
        Reason.TYPE_MISMATCH, "numbers but for 1 cells, the first in row 31", "correct or empty",
        {"intent": "Predict the price"},
    ),
    "hundreds of classes": Case(
        table("age,plan,city", lambda i: f"{age(i)},a,town {i % 400}", rows=900),
        Reason.UNSUPPORTED_TASK, "400 different values", "group them",
        {"intent": "Predict the city"},
    ),
    "a date": Case(
        table("age,plan,due", lambda i: f"{age(i)},a,2024-01-{i % 28 + 1:02}"),
        Reason.UNSUPPORTED_TASK, "'due' is a date", "such as the days until then",
        {"intent": "Predict due"},
    ),
    "target not in the data": Case(
        GOOD, Reason.TARGET_NOT_FOUND, "Columns: age, plan, churned", "Name the column",
        {"intent": "Predict the weather of tomorrow"},
    ),
    "two plausible targets": Case(
        table("price_low,price_high,size", lambda i: f"{age(i)},{i * 6 % 47},{i % 9}"),
        Reason.TARGET_AMBIGUOUS, "price_low, price_high", "Name the column in the intent",
        {"intent": "Predict the price"},
    ),
    "something that is not built": Case(
        GOOD, Reason.UNSUPPORTED_TASK, "find groups", "predict that column",
        {"intent": "Segment customers into groups"},
    ),
}  # fmt: skip

FEATURES = {
    "only ids": Case(
        table("id,churned", lambda i: f"{i},{yes_no(i)}"),
        Reason.NO_USABLE_FEATURES, "id: an identifier", "Add columns that tell something",
    ),
    "only uuids": Case(
        table("customer_uuid,churned", lambda i: f"{uuid.UUID(int=i * 7919)},{yes_no(i)}"),
        Reason.NO_USABLE_FEATURES, "customer_uuid: an identifier", "Add columns",
    ),
    "constant features": Case(
        table("a,b,churned", lambda i: f"1,x,{yes_no(i)}"),
        Reason.NO_USABLE_FEATURES, "a: the same value in every row", "Add columns",
    ),
    "features without a value": Case(
        table("a,b,churned", lambda i: f",NA,{yes_no(i)}"),
        Reason.NO_USABLE_FEATURES, "a: no row has a value", "Add columns",
    ),
    "a copy of the target": Case(
        table("left,churned", lambda i: f"{yes_no(i)},{yes_no(i)}"),
        Reason.NO_USABLE_FEATURES, "left: the same as the target", "Add columns",
    ),
}  # fmt: skip

SCHEMAS = {
    "input field that is no column": Case(
        GOOD, Reason.UNKNOWN_FIELD, "has the field 'agee'", "Columns: age, plan, churned",
        {"input_schema": '{"agee": "integer"}'},
    ),
    "input field that is nearly a column": Case(
        GOOD, Reason.UNKNOWN_FIELD, "has the field 'Plans'", "Did you mean 'plan'?",
        {"input_schema": '{"Plans": "string"}'},
    ),
    "input field of another type": Case(
        GOOD, Reason.TYPE_MISMATCH, "'plan' cannot be read as integer: row 1", "state another type",
        {"input_schema": '{"plan": "integer"}'},
    ),
    "output field of another type": Case(
        GOOD, Reason.TYPE_MISMATCH, "'churned' cannot be read as float: row 1", "Correct the data",
        {"output_schema": '{"churned": "float"}'},
    ),
    "a classification metric of a number": Case(
        PRICES, Reason.UNSUPPORTED_METRIC, "'roc_auc' does not fit regression",
        "choose one of r2, rmse, mae, mape", {"metric": "roc_auc", "intent": "Predict the price"},
    ),
    "a regression metric of classes": Case(
        GOOD, Reason.UNSUPPORTED_METRIC, "'r2' does not fit binary", "choose one of accuracy",
        {"metric": "r2"},
    ),
}  # fmt: skip

#: Options that the command itself refuses: what is wrong, and what is expected.
OPTIONS = {
    "no intent": ({"intent": ""}, "--intent", "expected a sentence of at most 2000 characters"),
    "a blank intent": ({"intent": "  "}, "--intent", "got nothing"),
    "a very long intent": ({"intent": "churn " * 500}, "--intent", "got 3000 characters"),
    "no time": ({"time_budget": "0"}, "--time-budget", "expected a whole number from 1, got '0'"),
    "no time, in words": ({"time_budget": "none"}, "--time-budget", "got 'none'"),
    "an unknown metric": ({"metric": "auc"}, "--metric", "choose from 'accuracy'"),
    "no schema": ({"input_schema": "age"}, "--input-schema", 'such as {"age": "integer"}'),
    "an unknown type": ({"output_schema": '{"a": "text"}'}, "--output-schema", "'datetime'"),
}

CASES = FILES | TARGETS | FEATURES | SCHEMAS


class Ended(NamedTuple):
    """How the command ended, and what it left on the screen."""

    code: int
    said: str
    report: dict[str, Any] | None


@pytest.fixture
def train(tmp_path, capsys, monkeypatch) -> Callable[..., Ended]:
    """Runs modelyard-train over some content."""
    monkeypatch.setattr(main, "limit_threads", lambda _cpus: None)

    def run(content: bytes | str, **options: str) -> Ended:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / "t.csv").write_bytes(raw)
        given = {
            "dataset": f"{tmp_path}/t.csv",
            "intent": "Predict churned",
            "output": f"{tmp_path}/out",
            "max_iterations": "1",
            **options,
        }
        words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        try:
            code = main.run([*words, "--json"])
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return Ended(code, shown.err, json.loads(shown.out) if shown.out else None)

    return run


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_cannot_be_learnt_has_its_reason_and_advice(train, tmp_path, case):
    ended = train(case.content, **case.options)
    assert ended.report is not None
    error = ended.report["error"]
    assert error["reason"] == case.reason.value
    assert case.fault in error["message"]
    assert case.advice in error["message"]
    assert ended.code == 65
    assert ended.said.strip() == f"{case.reason.value}: {error['message']}"
    assert str(tmp_path) not in error["message"]
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(("options", "name", "expected"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_that_does_not_fit_says_what_is_expected(train, options, name, expected):
    ended = train(GOOD, **options)
    assert ended.code == 1
    assert name in ended.said
    assert expected in ended.said
    assert len(ended.said.strip().splitlines()) == 1


def test_there_are_as_many_cases_as_promised():
    assert len(CASES) + len(OPTIONS) >= 40
