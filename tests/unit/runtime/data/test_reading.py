"""Tables as people write them: delimiters, encodings, spellings of types and of nothing."""

import csv
import gzip
import io
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_crds.fields import FieldType
from modelyard_runtime.data.profile import profile_of
from modelyard_runtime.data.reading import read_table
from modelyard_runtime.data.source import LocalFile, save
from modelyard_runtime.errors import UserError
from support.tables import read_bytes, table_of

BODY = "id,price,kind\n" + "".join(f"{i},{i * 1.5},{'éz'[i % 2]}\n" for i in range(20))


@pytest.mark.parametrize(
    "content",
    [
        BODY.encode(),
        b"\xef\xbb\xbf" + BODY.encode(),
        BODY.encode("utf-16"),
        BODY.encode("utf-16-le"),
        BODY.encode("latin-1"),
        BODY.replace("\n", "\r\n").encode(),
        gzip.compress(BODY.encode()),
        BODY.replace(",", ";").encode(),
        BODY.replace(",", "\t").encode(),
        BODY.replace(",", "|").encode(),
        BODY.replace(",", " ").encode(),
        BODY.replace(",", ";").replace(".", ",").encode(),
    ],
)
def test_encodings_compressions_and_delimiters_read_the_same(tmp_path, content):
    table = table_of(tmp_path, content)
    assert [(c.name, c.type, c.distinct) for c in table.columns] == [
        ("id", "integer", 20),
        ("price", "float", 20),
        ("kind", "string", 2),
    ]
    assert set(table.by_name["kind"].categories) == {"é", "z"}


@pytest.mark.parametrize(
    ("cells", "type_", "values"),
    [
        (["1", "2", "NA"], "integer", [1, 2, None]),
        (["1", "2.5", "none"], "float", [1, 2.5, None]),
        (["1e3", "-2E-1", "?"], "float", [1000, -0.2, None]),
        (["$1,234.50", "$2", "($3.25)"], "float", [1234.5, 2, -3.25]),
        (["12 %", "7%", "-"], "float", [12, 7, None]),
        (["1.234,5 €", "2,25 €", "n/a"], "float", [1234.5, 2.25, None]),
        (["1,234", "12,345,678", "1"], "float", [1234, 12345678, 1]),
        (["inf", "1", "-Infinity"], "float", [None, 1, None]),
        (["R$ 1.234,50", "R$ 2,10", "(null)"], "float", [1234.5, 2.1, None]),
        (["₹1,23,456.50", "₹12,34,567", "₹5"], "float", [123456.5, 1234567, 5]),
        (["1\N{RIGHT SINGLE QUOTATION MARK}234.5", "2", "#N/A"], "float", [1234.5, 2, None]),
        (["\N{MINUS SIGN}1.5", "2", "NaN"], "float", [-1.5, 2, None]),
        (["10 kg", "1.5 kg", "2,500 kg"], "float", [10, 1.5, 2500]),
        (["10mm", "20mm", ""], "float", [10, 20, None]),
        (["100 kr.", "2 kr.", "-"], "float", [100, 2, None]),
        (["10 kg", "2 lb", "3 kg"], "string", None),
        (["A100", "A200", "A300"], "string", None),
        (["1.10.12", "1.2.3", "1.9.0"], "string", None),
        (["yes", "No", "null"], "boolean", [1, 0, None]),
        (["TRUE", "false", "unknown"], "boolean", [1, 0, None]),
        (["00501", "10001", "2"], "string", None),
        (["none", "mild", "severe"], "string", None),
    ],
)
def test_types_and_missing_values_in_their_usual_spellings(tmp_path, cells, type_, values):
    rows = "\n".join(f'"{cell}",x{i}' for i, cell in enumerate(cells * 3))
    column = table_of(tmp_path, f"v,w\n{rows}\n").by_name["v"]
    assert column.type == type_
    if values is not None:
        expected = [np.nan if value is None else value for value in values]
        assert np.array_equal(column.values[:3], expected, equal_nan=True)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-31",
        "2024-03-31T00:00:00Z",
        "2024-03-31 02:00:00+02:00",
        "2024/3/31",
        "31.03.2024",
        "31/03/2024",
        "3/31/2024",
        "31 Mar 2024",
        "March 31, 2024 12:00 AM",
        "3/31/24",
        "31.03.24",
        "Sun, 31 Mar 2024 00:00:00 GMT",
        "Sunday, March 31, 2024",
    ],
)
def test_dates_in_many_formats_are_the_same_moment(tmp_path, text):
    rows = "\n".join(f'"{cell}",{i}' for i, cell in enumerate([text, text, ""]))
    column = table_of(tmp_path, f"when,n\n{rows}\n").by_name["when"]
    assert column.type == "datetime"
    assert column.values[0] == datetime.fromisoformat("2024-03-31T00:00:00+00:00").timestamp()
    assert np.isnan(column.values[2])


def test_months_and_years_of_two_digits_are_completed(tmp_path):
    cells = ["2024-02", "2024/11", "12/31/69", "1/2/70"]
    column = table_of(
        tmp_path, "d,n\n" + "".join(f"{c},{i}\n" for i, c in enumerate(cells))
    ).columns[0]
    moments = [datetime.fromtimestamp(value, UTC).date().isoformat() for value in column.values]
    assert moments == ["2024-02-01", "2024-11-01", "2069-12-31", "1970-01-02"]


def test_infinite_values_are_missing_and_said(tmp_path):
    table = table_of(
        tmp_path, "v,n\n" + "".join(f"{i if i % 9 else 'inf'},{i}\n" for i in range(30))
    )
    assert table.columns[0].known == 26
    assert table.warnings == ("Column 'v' has 4 infinite values: they count as missing.",)


def test_formats_of_dates_may_mix_in_a_column(tmp_path):
    column = table_of(tmp_path, "d,n\n2020-01-02,1\n3 Feb 2021,2\n31.12.2019,3\n").by_name["d"]
    assert (column.type, column.distinct) == ("datetime", 3)


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        (("1/2/2020", "3/4/2021"), "1/2/2020"),
        (("5/5/2020", "1-2-2020 10:30"), "1-2-2020 10:30"),
        (("1/2/2020", "NA"), "1/2/2020"),
        (("1/2/2020", "13/2/2020"), None),
        (("1/2/2020", "1/13/2020"), None),
        (("1/1/2020", "2/2/2020"), None),
        (("1.2.2020", "3.4.2021"), None),
        (("2020-01-02", "2021-03-04"), None),
    ],
)
@pytest.mark.parametrize("types", [{}, {"when": "datetime"}])
def test_dates_of_an_unclear_order_are_warned_about(tmp_path, dates, shown, types):
    rows = "".join(f"{date},{number}\n" for number, date in enumerate(dates))
    table = table_of(tmp_path, f"when,b\n{rows}", types)
    assert table.by_name["when"].type == "datetime"
    if shown is None:
        assert not table.warnings
    else:
        (warning,) = table.warnings
        assert f"'when' has dates such as {shown}," in warning
        assert "read as month first" in warning
        assert "2020-12-31" in warning


def test_a_date_that_does_not_exist_is_text(tmp_path):
    assert table_of(tmp_path, "d,n\n2020-02-30,1\n2020-01-01,2\n").by_name["d"].type == "string"


def test_a_few_words_among_numbers_are_missing_and_said(tmp_path):
    rows = "\n".join(f"{'oops' if i == 4 else i * 2},{i}" for i in range(30))
    table = table_of(tmp_path, f"v,w\n{rows}\n")
    assert (table.by_name["v"].type, table.by_name["v"].unreadable_row) == ("integer", 5)
    assert "row 5" in table.warnings[0]
    assert "oops" not in table.warnings[0]


def test_quotes_hold_delimiters_lines_and_quotes(tmp_path):
    column = table_of(tmp_path, 'a,b\n1,"x, y"\n2,"l1\nl2"\n3,"say ""hi"""\n').by_name["b"]
    assert column.categories == ("x, y", "l1\nl2", 'say "hi"')


def test_names_that_count_up_are_a_header(tmp_path):
    assert table_of(tmp_path, "0,1,2,t\n4,5,6,a\n4,5,7,b\n").names == ["0", "1", "2", "t"]


def test_a_column_without_a_name_gets_one(tmp_path):
    assert table_of(tmp_path, ",a\n0,x\n1,y\n2,x\n").names == ["column_1", "a"]


def test_stated_types_win(tmp_path):
    types: dict[str, FieldType] = {
        "zip": "string",
        "flag": "boolean",
        "count": "integer",
        "day": "datetime",
    }
    text = "zip,flag,count,day\n10001,1,yes,2020-01-01\n10002,0,no,2020-01-02\n"
    table = table_of(tmp_path, text, types)
    assert {column.name: column.type for column in table.columns} == types
    assert table.by_name["count"].values.tolist() == [1, 0]


def test_parquet_keeps_its_types(tmp_path):
    sink = io.BytesIO()
    pq.write_table(
        pa.table(
            {
                "i": pa.array([1, None, 3]),
                "f": [1.5, float("inf"), 2.0],
                "b": [True, False, None],
                "t": [datetime(2020, 1, 1)] * 3,
                "s": ["1", "2", None],
                "c": pa.array(["u", "v", "u"]).dictionary_encode(),
            }
        ),
        sink,
    )
    reading = read_bytes(tmp_path, sink.getvalue())
    assert reading.format == "parquet"
    assert [c.type for c in reading.table.columns] == [
        *("integer", "float", "boolean", "datetime", "string", "string"),
    ]
    assert np.isnan(reading.table.by_name["f"].values[1])
    assert reading.table.by_name["s"].labels().tolist() == ["1", "2", None]


def test_json_lines_have_the_columns_that_occur(tmp_path):
    text = '{"a": 1, "b": "x"}\n\n{"a": 2.5, "c": true}\n{"b": 3, "d": "2020-01-01"}\n'
    reading = read_bytes(tmp_path, text)
    assert reading.format == "jsonl"
    assert [(c.name, c.type) for c in reading.table.columns] == [
        *(("a", "float"), ("b", "string"), ("c", "boolean"), ("d", "datetime")),
    ]
    assert reading.table.by_name["b"].labels().tolist() == ["x", None, "3"]


def test_several_files_are_one_table_in_any_order_of_columns(tmp_path):
    one, other = LocalFile(tmp_path / "1", "one.csv"), LocalFile(tmp_path / "2", "two.csv")
    fetched = save([(one, [b"a,b\n1,x\n2,y\n"]), (other, [b"b,a\nz,3\nx,4\n"])])
    table = read_table(fetched, "auto", {}, tmp_path).table
    assert table.by_name["a"].values.tolist() == [1, 2, 3, 4]
    assert table.by_name["b"].labels().tolist() == ["x", "y", "z", "x"]


def test_the_profile_tells_type_nullability_and_distinct_values(tmp_path):
    fetched = save([(LocalFile(tmp_path / "f", "f.csv"), [b"a,b\n1,x\n,y\n1,x\n"])])
    profile = profile_of(fetched, "auto", tmp_path)
    assert (profile.rows, profile.column_count, profile.format) == (3, 2, "csv")
    assert [c.model_dump() for c in profile.columns] == [
        {"name": "a", "type": "integer", "nullable": True, "distinct": 1},
        {"name": "b", "type": "string", "nullable": False, "distinct": 2},
    ]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(10**15), 10**15)),
            st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12),
        ),
        min_size=2,
        max_size=30,
    )
)
def test_what_is_written_is_read(tmp_path_factory, rows):
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["number column", "text column"])
    writer.writerows([("" if number is None else number, word) for number, word in rows])
    table = table_of(tmp_path_factory.mktemp("t"), text.getvalue(), {"text column": "string"})
    numbers = [np.nan if number is None else float(number) for number, _ in rows]
    assert np.array_equal(table.by_name["number column"].values, numbers, equal_nan=True)
    stripped = [word.strip() for _, word in rows]
    for label, word in zip(table.by_name["text column"].labels().tolist(), stripped, strict=True):
        assert label == word or label is None


@pytest.mark.parametrize("mark", ["sep=;", '"sep=;"', "SEP=;"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_delimiter_that_excel_writes_above_the_table_is_taken(tmp_path, mark, end):
    lines = [mark, "a;b", *(f"{i};{i},5" for i in range(20))]
    table = table_of(tmp_path, end.join(lines) + end)
    assert [(c.name, c.type, c.values[3]) for c in table.columns] == [
        ("a", "integer", 3),
        ("b", "float", 3.5),
    ]


def test_a_bad_line_below_the_delimiter_of_excel_is_counted_from_the_top(tmp_path):
    text = "sep=;\na;b\n" + "1;2\n" * 9 + "1;2;3\n"
    with pytest.raises(UserError, match=r"Line 12 of table\.csv has 3 fields, the header has 2"):
        table_of(tmp_path, text)


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, st.integers(-(10**6), 10**6)), min_size=5, max_size=30),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    pack=st.sampled_from([bytes, gzip.compress]),
)
def test_a_table_is_the_same_however_it_is_written(
    tmp_path_factory, rows, delimiter, end, quoting, encoding, pack
):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["word of mouth", "count", "kind"])
    # A word of its own in each row keeps the column text, whatever the cells are.
    writer.writerows([f"w {word}", number, "xy"[n % 2]] for n, (word, number) in enumerate(rows))
    folder = tmp_path_factory.mktemp("table")
    table = table_of(folder, pack(file.getvalue().encode(encoding)))
    assert table.names == ["word of mouth", "count", "kind"]
    assert table.by_name["count"].values.tolist() == [number for _, number in rows]
    assert table.columns[0].labels().tolist() == [f"w {word}".strip() for word, _ in rows]
