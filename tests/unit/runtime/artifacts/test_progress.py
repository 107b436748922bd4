"""Progress and log: readable while a build runs, and never in its way."""

import json
import logging
from datetime import UTC, datetime

import pytest

from modelyard_crds.build import StoreConfig
from modelyard_runtime.artifacts.progress import Reporter, to_store
from modelyard_runtime.store import UnavailableError, open_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOG = logging.getLogger("test")


@pytest.fixture
def store(tmp_path):
    return open_store(StoreConfig(url=tmp_path.as_uri()))


def test_what_is_said_is_in_the_store_once_flushed(store):
    with Reporter(to_store(store, "u"), LOG, lambda: NOW) as reporter:
        reporter.step(10, "Planning")
        reporter.log("Read 5 rows.")
        reporter.flush()
        progress = json.loads(store.get("builds/u/progress.json"))
        assert (progress["percent"], progress["step"]) == (10, "Planning")
        reporter.log("Careful.", "WARNING")
    lines = [json.loads(line) for line in store.get("builds/u/logs.jsonl").splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == [
        ("INFO", "Read 5 rows."),
        ("WARNING", "Careful."),
    ]
    assert lines[0]["timestamp"] == "2026-01-01T00:00:00Z"


def test_a_percentage_never_goes_back(store):
    reporter = Reporter(to_store(store, "u"), LOG, lambda: NOW)
    reporter.step(50, "Searching")
    reporter.step(20, "Going on")
    reporter.flush()
    progress = json.loads(store.get("builds/u/progress.json"))
    assert (progress["percent"], progress["step"]) == (50, "Going on")


def test_nothing_new_writes_nothing():
    writes = []
    reporter = Reporter(lambda *given: writes.append(given), LOG, lambda: NOW)
    reporter.flush()
    reporter.flush()
    reporter.step(0, "Starting")
    reporter.flush()
    assert len(writes) == 1


def test_a_store_that_is_away_is_said_once_and_tried_again(caplog):
    away = [True]
    written = []

    def write(progress, lines):
        if away[0]:
            msg = "no answer"
            raise UnavailableError(msg)
        written.append(progress)

    reporter = Reporter(write, LOG, lambda: NOW)
    reporter.flush()
    reporter.flush()
    assert caplog.text.count("no answer") == 1
    away[0] = False
    reporter.flush()
    assert len(written) == 1


def test_a_long_step_is_cut(store):
    reporter = Reporter(to_store(store, "u"), LOG, lambda: NOW)
    reporter.step(1, "x" * 1000)
    reporter.flush()
    assert len(json.loads(store.get("builds/u/progress.json"))["step"]) == 253
