"""Counting rows by the bins of training."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from modelyard_crds.build import StoreConfig
from modelyard_crds.data_drift import DriftSummary, stability_index
from modelyard_runtime.artifacts.statistics import statistics_of
from modelyard_runtime.data.table import Column, Table
from modelyard_runtime.serving import drift
from modelyard_runtime.serving.drift import DriftMonitor
from modelyard_runtime.store import open_store

FIELDS = ["plan", "age", "member", "joined"]
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def table(rows: int = 1000) -> Table:
    random = np.random.default_rng(0)
    numbers = random.normal(40, 10, rows)
    numbers[:10] = np.nan
    return Table(
        (
            Column(
                "plan", "string", random.choice([0, 1, 2], rows, p=[0.6, 0.3, 0.1]), ("a", "b", "c")
            ),
            Column("age", "float", numbers),
            Column("member", "boolean", random.choice([0.0, 1.0], rows)),
            Column("joined", "datetime", random.integers(0, 365, rows) * DAY),
        ),
        rows,
    )


def rows_of(source: Table) -> list[Any]:
    columns = [
        source.by_name["plan"].labels().tolist(),
        [None if np.isnan(value) else value for value in source.by_name["age"].values],
        [bool(value) for value in source.by_name["member"].values],
        source.by_name["joined"].values.tolist(),
    ]
    return list(zip(*columns, strict=True))


@pytest.fixture
def monitor(clock: Clock) -> DriftMonitor:
    training = table()
    content = statistics_of(training, FIELDS, [training.by_name["age"]], {"plan": ["a", "b", "c"]})
    return DriftMonitor(FIELDS, content, 3, "drift/d/p.json", clock)


def seen(monitor: DriftMonitor, rows: list[Any]) -> DriftSummary:
    for start in range(0, len(rows), drift.BATCH_ROWS):
        monitor.note(rows[start : start + drift.BATCH_ROWS])
        monitor.count()
    return monitor.summary()


def indices(summary: DriftSummary) -> dict[str, float]:
    return {c.name: stability_index(c.trained, c.seen) for c in summary.columns}


def test_the_rows_of_training_are_counted_as_training_counted_them(monitor):
    summary = seen(monitor, rows_of(table()))
    assert summary.rows == 1000
    assert {column.name for column in summary.columns} == set(FIELDS)
    for column in summary.columns:
        assert column.seen == column.trained


def test_a_shift_shows_in_its_column_alone(monitor):
    rows = [(plan, age and age + 15, *rest) for plan, age, *rest in rows_of(table())]
    found = indices(seen(monitor, rows))
    assert found.pop("age") > 0.5
    assert max(found.values()) < 0.01


def test_unseen_categories_and_missing_values_have_bins_of_their_own(monitor):
    rows = (
        [("never", None, None, None)] * 20
        + [(" a ", 40.0, True, DAY)] * 30
        + [("", 1.0, False, 0.0)]
    )
    plan, age, member, joined = seen(monitor, rows).columns
    assert plan.seen[-2:] == [20, 1]
    assert plan.seen[0] == 30
    assert [column.seen[-1] for column in (age, member, joined)] == [20, 20, 20]


def test_of_a_large_batch_a_part_is_counted_and_a_second_has_its_bound(monitor):
    rows = rows_of(table())
    monitor.note(rows)
    assert monitor.count() <= drift.BATCH_ROWS
    for _ in range(100):
        monitor.note(rows[: drift.BATCH_ROWS])
    assert monitor.count() <= drift.PENDING_ROWS + drift.BATCH_ROWS
    assert monitor.count() == 0


def test_counts_are_of_the_last_hours(monitor, clock):
    rows = rows_of(table())
    seen(monitor, rows)
    clock.now += drift.WINDOW + timedelta(minutes=1)
    assert seen(monitor, rows).rows == 2000
    clock.now += drift.WINDOW + timedelta(minutes=1)
    assert seen(monitor, rows).rows == 2000


def test_with_few_rows_the_window_waits(monitor, clock):
    rows = rows_of(table())[:100]
    seen(monitor, rows)
    clock.now += 5 * drift.WINDOW
    assert seen(monitor, rows).rows == 200


def test_many_categories_share_a_bin_and_the_unlisted_are_of_the_rest(clock):
    labels = tuple(f"city {number}" for number in range(300))
    column = Column("city", "string", np.arange(3000) % 300, labels)
    one = Table((column,), 3000)
    content = statistics_of(one, ["city"], [column], {"city": list(labels[:200])})
    monitor = DriftMonitor(["city"], content, 1, None, clock)
    monitor.note([("city 299",), ("elsewhere",)])
    monitor.count()
    (counts,) = monitor.summary().columns
    assert len(counts.trained) == drift.TOP_CATEGORIES + 3
    assert sum(counts.trained) == 3000
    assert counts.seen[-3:] == [2, 0, 0]


def test_an_artifact_whose_statistics_have_no_bins_is_served_all_the_same(clock):
    content = json.dumps({"rows": 5, "columns": {"age": {"type": "float", "missing": 0}}})
    monitor = DriftMonitor(["age"], content.encode(), 1, None, clock)
    monitor.note([(1.0,)])
    assert monitor.count() == 1
    assert monitor.summary().columns == []


def test_the_summary_is_left_where_the_operator_looks(monitor, tmp_path):
    store = open_store(StoreConfig(url=f"file://{tmp_path}"))
    monitor.note(rows_of(table())[:10])
    monitor.count()
    monitor.report(store)
    left = DriftSummary.model_validate_json(store.get("drift/d/p.json"))
    assert left == monitor.summary()


def test_metrics_name_columns_of_training_only(monitor):
    monitor.note([("never", 1e9, True, 0.0)] * 10)
    monitor.count()
    by_name = {family.name: family for family in monitor.collect()}
    labels = {
        sample.labels["column"] for sample in by_name["modelyard_column_unseen_ratio"].samples
    }
    assert labels == set(FIELDS)
    assert by_name["modelyard_drift_rows"].samples[0].value == 10


def test_free_text_drifts_by_its_length_and_none_of_it_is_kept(clock):
    texts = Column(
        "note", "string", np.arange(200), tuple("word " * (1 + i % 10) for i in range(200))
    )
    content = statistics_of(Table((texts,), 200), ["note"], [], {}, ["note"])
    monitor = DriftMonitor(["note"], content, 1, None, clock)
    alike = seen(monitor, [("other " * (1 + i % 10),) for i in range(200)])
    assert indices(alike)["note"] < 0.01
    longer = seen(monitor, [("other " * 30,)] * 1_000 + [(None,), (" ",)])
    assert indices(longer)["note"] > 0.5
    assert longer.columns[0].seen[-1] == 2
    assert "word" not in content.decode()
