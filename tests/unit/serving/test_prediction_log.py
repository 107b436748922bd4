"""The log of a sample: what is in a line, what is left out, and that it has bounds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import pytest

from modelyard_crds import model_deployment
from modelyard_crds.build import StoreConfig
from modelyard_runtime.serving import prediction_log
from modelyard_runtime.serving.encoding import row_order
from modelyard_runtime.serving.prediction_log import Origin, PredictionLog
from modelyard_runtime.serving.results import Renderer
from modelyard_runtime.store import Store, open_store

NOW = datetime(2026, 1, 31, 12, 30, 5, tzinfo=UTC)
ROW = (41.0, 3, True, 1_769_817_600.0, "basic")
SCORES = np.array([[0.25, 0.75]], dtype=np.float32)


@pytest.fixture
def store(tmp_path) -> Store:
    return open_store(StoreConfig(url=f"file://{tmp_path}/log"))


def make(version, **asked) -> PredictionLog:
    return PredictionLog(
        model_deployment.PredictionLog(**asked),
        row_order(version.manifest),
        Renderer(version.manifest),
        Origin("deployment", "pod", 2),
        lambda: NOW,
    )


def written(log: PredictionLog, store: Store) -> list[Any]:
    log.report(store)
    keys = [stored.key for stored in store.list("")]
    assert keys == ["predictions/2026-01-31/deployment/pod/123005.jsonl"]
    return [orjson.loads(line) for line in store.get(keys[0]).splitlines()]


def test_a_line_has_the_row_and_what_was_predicted(version, store):
    log = make(version, sample_rate=1)
    log.note([ROW], SCORES, "req_1")
    assert log.count() == 1
    assert written(log, store) == [
        {
            "timestamp": "2026-01-31T12:30:05Z",
            "request_id": "req_1",
            "model_version": "v2.0",
            "row": {
                "age": 41.0,
                "visits": 3,
                "member": True,
                "joined": "2026-01-31T00:00:00Z",
                "plan": "basic",
            },
            "prediction": {"left": "yes", "left_probability": 0.75},
        }
    ]


def test_excluded_fields_are_never_written(version, store):
    log = make(version, sample_rate=1, exclude=["age", "left_probability"])
    log.note([ROW], SCORES, "req_1")
    log.count()
    (line,) = written(log, store)
    assert "age" not in line["row"]
    assert line["prediction"] == {"left": "yes"}


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_the_share_is_that_which_is_asked_for(version, batch):
    log = make(version, sample_rate=0.1)
    for _ in range(700 // batch):
        log.note([ROW] * batch, np.repeat(SCORES, batch, axis=0), "")
    assert log.count() == pytest.approx(70, abs=1)


def test_what_does_not_fit_is_dropped_and_counted(version, monkeypatch):
    log = make(version, sample_rate=1)
    rows = prediction_log.PENDING_ROWS + 10
    log.note([ROW] * rows, np.repeat(SCORES, rows, axis=0), "")
    assert log.count() == prediction_log.PENDING_ROWS
    monkeypatch.setattr(prediction_log, "WAITING_BYTES", 0)
    log.note([ROW], SCORES, "")
    assert log.count() == prediction_log.PENDING_ROWS
    values = {family.name: family.samples[0].value for family in log.collect()}
    assert values["modelyard_prediction_log_dropped"] == 11


def test_lines_wait_for_a_store_that_is_away(version, store, tmp_path):
    log = make(version, sample_rate=1)
    log.note([ROW], SCORES, "req_1")
    log.count()
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    with pytest.raises(Exception, match="blocked"):
        log.report(open_store(StoreConfig(url=f"file://{blocked}/log")))
    assert len(written(log, store)) == 1
