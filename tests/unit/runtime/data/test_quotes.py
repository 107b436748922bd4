"""Quotation marks that nothing closes are named by the line that opened them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.quotes import unclosed_line
from modelyard_runtime.errors import UserError
from support.tables import read_bytes

ROWS = "".join(f"{i},n{i},{i % 3}\n" for i in range(40))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a,b,c\n1,"x,2\n' + ROWS, 2),
        ("a,b,c\n" + ROWS + '7,"x,2\n' + ROWS, 42),
        ('a,"b,c\n' + ROWS, 1),
        ("a,b,c\n" + ROWS + '7,8,"', 42),
        ('a,b,c\r\n1,"x,2\r\n' + ROWS.replace("\n", "\r\n"), 2),
        ('a;b;c\n1;"two\nlines";2\n"1;2;3\n' + ROWS.replace(",", ";"), 4),
        # A good field further down closes it and leaves a mark over.
        ('a,b,c\n1,"x,2\n' + ROWS + '5,"y",6\n' + ROWS, 2),
    ],
)
def test_the_line_that_opened_it_is_named(tmp_path, content, line):
    with pytest.raises(UserError, match=f"^Line {line} of table.csv opens") as caught:
        read_bytes(tmp_path, content)
    assert caught.value.reason is Reason.NOT_TABULAR
    assert "close it" in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        'a,b,c\n1,5" pipe,2\n' + ROWS,
        'a,b,c\n1,"5"" pipe",2\n' + ROWS,
        'a,b,c\n1,"two\nlines",2\n2,3" x,4\n' + ROWS,
    ],
)
def test_marks_inside_text_open_nothing(tmp_path, content):
    assert read_bytes(tmp_path, content).table.rows > 40


@given(
    st.lists(
        st.lists(st.text('ab",;\n', max_size=5), min_size=2, max_size=2), min_size=1, max_size=8
    )
)
def test_what_a_writer_quotes_is_closed(tmp_path_factory, rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_text(text.getvalue(), newline="")
    assert unclosed_line(path, ",") is None
