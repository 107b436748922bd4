"""The matrix that is learnt from: explicit codes, parts of dates, digits that survive float32."""

import numpy as np

from modelyard_runtime.training import encoding as module
from modelyard_runtime.training.encoding import MAX_CATEGORIES, make_encoding
from support.tables import table_of


def encoded(folder, text):
    table = table_of(folder, text)
    encoding = make_encoding(table.columns)
    return encoding, encoding.matrix(encoding.inputs(table))


def test_codes_go_by_frequency_and_missing_and_rare_are_zero(tmp_path):
    cells = ["b"] * 5 + ["a"] * 3 + ["once", "", "NA"]
    encoding, matrix = encoded(
        tmp_path, "k,n\n" + "".join(f"{c},{i}\n" for i, c in enumerate(cells))
    )
    assert encoding.categories == {"k": ["b", "a"]}
    assert encoding.columns == ["n", "k"]
    assert matrix[:, 1].tolist() == [1] * 5 + [2] * 3 + [0, 0, 0]
    assert matrix.dtype == np.float32


def test_there_are_at_most_so_many_codes(tmp_path):
    rows = 2 * (MAX_CATEGORIES + 50)
    text = "k,n\n" + "".join(f"v{i // 2},{i}\n" for i in range(rows))
    encoding, matrix = encoded(tmp_path, text)
    assert len(encoding.categories["k"]) == MAX_CATEGORIES
    assert matrix[:, 1].max() == MAX_CATEGORIES
    assert np.count_nonzero(matrix[:, 1] == 0) == 2 * 50


def test_free_text_has_its_columns_between_numbers_and_codes(tmp_path):
    text = "k,t,n\n" + "".join(f"{'ab'[i % 2]},word{i % 3} and more,{i}\n" for i in range(30))
    table = table_of(tmp_path, text)
    encoding = make_encoding(table.columns, ["t"])
    matrix = encoding.matrix(encoding.inputs(table))
    assert encoding.text == ["k", "t"]
    assert encoding.coded == ["k"]
    assert encoding.columns == ["n", *["t"] * 6, "k"]
    assert matrix.shape == (30, encoding.width)
    assert matrix[:, 1].tolist() == [3.0] * 30
    assert matrix[:, -1].tolist() == [1.0, 2.0] * 15


def test_a_table_is_encoded_part_by_part(tmp_path, monkeypatch):
    text = "k,t,n\n" + "".join(f"{'ab'[i % 2]},word{i % 3} and more,{i}\n" for i in range(30))
    table = table_of(tmp_path, text)
    encoding = make_encoding(table.columns, ["t"])
    whole = encoding.matrix(encoding.inputs(table))
    monkeypatch.setattr(module, "PART_ROWS", 7)
    assert [range(30)[part] for part in module.parts_of(30)][-1] == range(28, 30)
    assert np.array_equal(encoding.matrix_of(table), whole)
    chosen = np.array([29, 3, 3])
    assert np.array_equal(encoding.matrix(encoding.inputs(table, chosen)), whole[chosen])


def test_dates_give_the_parts_that_change(tmp_path):
    text = "d,n\n" + "".join(f"2024-{1 + i % 12:02d}-{1 + i % 28:02d},{i}\n" for i in range(40))
    encoding, _ = encoded(tmp_path, text)
    assert [f.part for f in encoding.numeric if f.column == "d"] == [
        *("month", "day", "weekday", "epoch_day"),
    ]


def test_numbers_get_an_offset_only_where_float32_is_too_coarse(tmp_path):
    text = "stamp,price,n\n" + "".join(
        f"{1_700_000_000_000 + i},{i * 0.25},{i}\n" for i in range(50)
    )
    encoding, matrix = encoded(tmp_path, text)
    offsets = {feature.column: feature.offset for feature in encoding.numeric}
    assert offsets["stamp"] > 0
    assert (offsets["price"], offsets["n"]) == (0, 0)
    assert len(np.unique(matrix[:, 0])) == 50
