"""Tables that do not fit into memory: rows on disk, types from all rows, a sample that is said."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.memory import (
    BASE_BYTES,
    LEAST_ROWS,
    build_bytes,
    rows_to_learn_from,
    rows_to_type,
)
from modelyard_crds.reasons import Reason
from modelyard_runtime.data import json_lines, spool
from modelyard_runtime.data.profile import profile_of
from modelyard_runtime.data.reading import read_share, read_table
from modelyard_runtime.data.sampling import Place, Room, share_of
from modelyard_runtime.data.source import LocalFile, save
from modelyard_runtime.data.spool import Spool
from modelyard_runtime.errors import UserError

ROWS = 3 * LEAST_ROWS
COLUMNS = 12
#: Room to look at each column of the table below as a whole, and to learn from a third of it.
SMALL = Room(build_bytes(LEAST_ROWS, COLUMNS), seed=3)
#: Not even that.
TINY = Room(BASE_BYTES + 1)


@pytest.fixture
def fetched(tmp_path):
    """Which row it is, a number that is words in the last row but one, and others."""
    others = [f"n{number}" for number in range(COLUMNS - 2)]
    cells = ",1" * len(others)
    lines = [f"{row},{'12' if row != ROWS - 2 else 'many words'}{cells}" for row in range(ROWS)]
    content = "\n".join([",".join(["row", "mostly", *others]), *lines]).encode()
    return save([(LocalFile(tmp_path / "f", "f.csv"), [content])])


def test_a_sample_is_drawn_at_random_in_the_order_of_the_file_and_said(tmp_path, fetched):
    reading = read_table(fetched, "auto", {}, tmp_path, SMALL)
    rows = reading.table.by_name["row"].values
    assert (reading.rows, reading.table.rows, len(rows)) == (ROWS, LEAST_ROWS, LEAST_ROWS)
    assert np.all(np.diff(rows) > 0)
    # Uniform: a third of each third, within five standard deviations.
    shares = np.histogram(rows, bins=3, range=(0, ROWS))[0] / LEAST_ROWS
    assert np.allclose(shares, 1 / 3, atol=0.025)
    (said, *_) = reading.table.warnings
    assert said.startswith("Trained on 10,000 of 30,000 rows, drawn at random with seed 3, because")
    assert "spec.training.resources.limits.memory" in said


def test_the_same_seed_draws_the_same_rows_and_another_others(tmp_path, fetched):
    def rows(seed: int):
        room = SMALL._replace(seed=seed)
        return read_table(fetched, "auto", {}, tmp_path, room).table.by_name["row"].values

    assert np.array_equal(rows(0), rows(0))
    assert not np.array_equal(rows(0), rows(1))


def test_types_are_those_of_all_rows_whichever_are_kept(tmp_path, fetched):
    whole = read_table(fetched, "auto", {}, tmp_path).table
    sampled = read_table(fetched, "auto", {}, tmp_path, SMALL).table
    assert [column.type for column in sampled.columns] == [column.type for column in whole.columns]
    assert sampled.by_name["mostly"].unreadable == 1
    assert sampled.by_name["mostly"].unreadable_row == ROWS - 1


@given(st.data(), st.integers(1, 300), st.integers(2, 7), st.integers(0, 400))
def test_shares_are_disjoint_and_without_a_limit_all_that_is_left(data, count, pods, most):
    taken = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), dtype=np.int64)
    places = [Place(SMALL, rank, pods, 0) for rank in range(1, pods)]
    whole = [share_of(count, taken, place, count) for place in places]
    assert sorted(np.concatenate([taken, *whole]).tolist()) == list(range(count))
    for place, rows in zip(places, whole, strict=True):
        some = share_of(count, taken, place, most)
        assert len(some) == min(most, len(rows))
        assert np.array_equal(some, share_of(count, taken, place, most)), "the same each time"
        assert set(some.tolist()) <= set(rows.tolist())
        assert np.all(np.diff(some) > 0), "in the order of the file"


def test_where_nothing_is_left_out_nothing_is_shared():
    assert len(share_of(10, None, Place(SMALL, 1, 2, 0), 10)) == 0


@pytest.mark.parametrize("leader", [SMALL, TINY], ids=["whole columns", "parts of columns"])
def test_three_pods_read_different_rows_of_one_type(tmp_path, fetched, leader):
    drawn = read_table(fetched, "auto", {}, tmp_path, leader).table
    names = ["mostly", "row"]
    shares = [
        read_share(fetched, "auto", {}, tmp_path, Place(leader, rank, 3, 2**40), names)
        for rank in (1, 2)
    ]
    rows = [table.by_name["row"].values for table in (drawn, *shares)]
    together = np.concatenate(rows)
    assert len(np.unique(together)) == len(together)
    assert len(together) == (ROWS if leader is SMALL else LEAST_ROWS)
    for table in shares:
        assert table.names == names
        assert [c.type for c in table.columns] == [drawn.by_name[name].type for name in names]


def test_categories_are_those_of_the_rows_that_are_kept(tmp_path):
    content = "a,b\n" + "".join(f"w{row},{row}\n" for row in range(ROWS))
    fetched = save([(LocalFile(tmp_path / "f", "f.csv"), [content.encode()])])
    column = read_table(fetched, "auto", {}, tmp_path, TINY).table.by_name["a"]
    assert len(column.categories) == column.distinct == LEAST_ROWS


def test_rows_on_disk_are_read_like_rows_in_memory(tmp_path, fetched, monkeypatch):
    in_memory = read_table(fetched, "auto", {}, tmp_path, SMALL).table
    monkeypatch.setattr(spool.Spool.__init__, "__defaults__", (10_000,))
    on_disk = read_table(fetched, "auto", {}, tmp_path, SMALL).table
    assert (tmp_path / "rows.parquet").exists()
    for one, other in zip(in_memory.columns, on_disk.columns, strict=True):
        assert (one.name, one.type) == (other.name, other.type)
        assert np.array_equal(one.values, other.values, equal_nan=True)


def test_a_profile_in_little_memory_counts_all_rows_and_columns(tmp_path, fetched):
    profile = profile_of(fetched, "auto", tmp_path, TINY)
    assert (profile.rows, profile.column_count) == (ROWS, COLUMNS)
    assert {column.type for column in profile.columns} == {"integer"}


def test_types_of_a_part_of_the_rows_are_said(tmp_path, fetched):
    *_, said = read_table(fetched, "auto", {}, tmp_path, TINY).table.warnings
    assert said.startswith("The types of columns were found from 10,000 of 30,000 rows")


@given(
    st.lists(st.lists(st.text(max_size=4), max_size=5), min_size=1, max_size=6),
    st.integers(0, 200),
    st.randoms(use_true_random=False),
)
def test_a_column_comes_back_as_it_was_added(tmp_path_factory, batches, buffer_bytes, random):
    folder = tmp_path_factory.mktemp("spool")
    schema = pa.schema([("a", pa.large_string())])
    rows = Spool(schema, folder / "rows", buffer_bytes)
    for cells in batches:
        rows.append(pa.RecordBatch.from_arrays([pa.array(cells, pa.large_string())], schema=schema))
    found, cells = rows.rows(), [cell for batch in batches for cell in batch]
    chosen = np.array([random.random() < 0.5 for _ in cells], dtype=bool)
    assert found.total == len(cells)
    assert found.column("a").to_pylist() == cells
    kept = [cell for cell, keep in zip(cells, chosen, strict=True) if keep]
    assert found.column("a", chosen).to_pylist() == kept


def test_json_lines_take_one_type_from_all_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "BATCH_ROWS", 2)
    lines = [*({"a": 1, "b": 1},) * 5, {"a": 2.5, "b": "x", "c": None}]
    text = "\n".join(map(json.dumps, lines)).encode()
    fetched = save([(LocalFile(tmp_path / "f", "f.jsonl"), [text])])
    table = read_table(fetched, "auto", {}, tmp_path).table
    assert [column.type for column in table.columns] == ["float", "string", "float"]
    assert table.by_name["b"].labels().tolist() == ["1"] * 5 + ["x"]


def test_a_large_json_array_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "MAX_ARRAY_BYTES", 10)
    fetched = save([(LocalFile(tmp_path / "f", "f.json"), [b'[{"a": 1, "b": 2}]'])])
    with pytest.raises(UserError, match="one object a line") as caught:
        read_table(fetched, "auto", {}, tmp_path)
    assert caught.value.reason is Reason.NOT_TABULAR


@given(st.integers(0, 2**40), st.integers(1, 5000))
def test_what_is_drawn_fits_into_what_it_was_drawn_for(memory, columns):
    rows = rows_to_learn_from(memory, columns)
    assert rows == LEAST_ROWS or build_bytes(rows, columns) <= memory


def test_five_million_rows_of_thirty_columns_are_typed_whole_in_a_profiling_pod():
    assert rows_to_type(2 * 2**30, row_bytes=18) > 5_000_000
