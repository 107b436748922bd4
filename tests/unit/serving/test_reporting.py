"""The thread that reports: it counts, writes now and then, and never stands in the way."""

from __future__ import annotations

import threading

import pytest

from modelyard_crds.build import StoreConfig
from modelyard_runtime.serving import reporting
from modelyard_runtime.serving.reporting import Reporter
from modelyard_runtime.store import Store, UnavailableError, open_store

SECONDS = 10


class Source:
    def __init__(self, rows: int = 1) -> None:
        self.rows = rows
        self.reported = threading.Event()
        self.counted = threading.Event()

    def count(self) -> int:
        self.counted.set()
        return self.rows

    def report(self, store: Store) -> None:
        store.put("reported", b"")
        self.reported.set()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(reporting, "COUNT_SECONDS", 0.01)


@pytest.fixture
def store(tmp_path) -> Store:
    return open_store(StoreConfig(url=f"file://{tmp_path}"))


def test_rows_are_reported_once_it_is_time(store):
    source = Source()
    with Reporter([source], lambda: store, 0.02):
        assert source.reported.wait(SECONDS)


def test_without_rows_nothing_is_written(store):
    source = Source(rows=0)
    with Reporter([source], lambda: store, 0.01):
        assert source.counted.wait(SECONDS)
    assert not source.reported.is_set()


def test_the_end_reports_what_is_left(store):
    source = Source()
    with Reporter([source], lambda: store, 1e9):
        assert source.counted.wait(SECONDS)
    assert source.reported.wait(SECONDS)


def test_a_store_that_is_away_is_said_once_and_tried_again(tmp_path, caplog):
    source = Source()
    tries: list[None] = []

    def opened() -> Store:
        tries.append(None)
        if len(tries) < 4:
            raise UnavailableError("the server does not answer")
        return open_store(StoreConfig(url=f"file://{tmp_path}"))

    with Reporter([source], opened, 0.01):
        assert source.reported.wait(SECONDS)
    assert len([record for record in caplog.records if "cannot be reported" in record.message]) == 1


def test_a_fault_in_counting_ends_nothing(store, caplog):
    source, other = Source(), Source()
    source.count = lambda: 1 / 0  # type: ignore[assignment,return-value,method-assign]
    with Reporter([other, source], lambda: store, 0.01):
        assert other.counted.wait(SECONDS)
    assert "rows were not counted" in caplog.text


def test_a_store_that_hangs_does_not_hold_up_the_end(monkeypatch):
    monkeypatch.setattr(reporting, "LAST_SECONDS", 0.05)
    hung = threading.Event()
    source = Source()

    def opened() -> Store:
        hung.wait(SECONDS)
        raise UnavailableError("late")

    with Reporter([source], opened, 0.01):
        assert source.counted.wait(SECONDS)
    assert not hung.is_set()
    hung.set()
