"""Summaries from the store: fetched once, forgotten when gone, removed when old."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard_crds.data_drift import DRIFT_KEPT, ColumnCounts, DriftSummary, drift_key
from modelyard_operator.cluster.drift_summaries import DriftSummaries
from modelyard_operator.cluster.store import Store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "url").write_text(f"file://{tmp_path / 'store'}")
    return tmp_path


@pytest.fixture
def summaries(folder: Path) -> DriftSummaries:
    return DriftSummaries(Store(folder / "secret"))


def leave(folder: Path, deployment: str, pod: str, rows: int = 5, at: datetime = NOW) -> Path:
    summary = DriftSummary(
        version=1,
        since=at,
        updated_at=at,
        rows=rows,
        columns=[ColumnCounts(name="age", trained=[1], seen=[rows])],
    )
    path = folder / "store" / drift_key(deployment, pod)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(summary.model_dump_json(by_alias=True))
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


async def test_summaries_of_a_deployment_come_together(folder, summaries):
    leave(folder, "one", "a")
    leave(folder, "one", "b", rows=7)
    leave(folder, "two", "a")
    assert summaries.of("one") is None
    assert await summaries.refresh(NOW) == {"one", "two"}
    assert [summary.rows for summary in summaries.of("one") or ()] == [5, 7]
    assert summaries.of("three") == ()


async def test_only_what_changed_is_news(folder, summaries):
    leave(folder, "one", "a")
    leave(folder, "two", "a")
    await summaries.refresh(NOW)
    assert await summaries.refresh(NOW) == set()
    leave(folder, "two", "a", rows=9, at=NOW + timedelta(minutes=1))
    assert await summaries.refresh(NOW) == {"two"}
    assert [summary.rows for summary in summaries.of("two") or ()] == [9]


async def test_old_summaries_are_removed_and_forgotten(folder, summaries):
    path = leave(folder, "one", "a")
    await summaries.refresh(NOW)
    assert await summaries.refresh(NOW + DRIFT_KEPT + timedelta(minutes=1)) == {"one"}
    assert summaries.of("one") == ()
    assert not path.exists()


async def test_what_cannot_be_read_is_passed_over(folder, summaries):
    leave(folder, "one", "a").write_text("{}")
    leave(folder, "one", "b")
    await summaries.refresh(datetime.now(UTC))
    assert len(summaries.of("one") or ()) <= 1
