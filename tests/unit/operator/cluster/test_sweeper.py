"""The net under uploads; that under artifacts is shown on the real cluster."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from modelyard_operator.cluster.store import Store
from modelyard_operator.cluster.sweeper import Sweeper

FILES = (
    "uploads/team-a/upload_done/000-a.csv",
    "uploads/team-a/upload_done.json",
    "uploads/team-a/upload_begun/upload.json",
    "uploads/team-a/upload_begun/000-a.csv",
    "uploads/team-b/upload_begun/000-a.csv",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in FILES:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "mount").mkdir()
    (tmp_path / "mount" / "url").write_text(f"file://{tmp_path / 'data'}")
    return tmp_path / "data"


def left(data: Path) -> set[str]:
    return {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}


async def test_uploads_that_were_never_completed_go_with_their_files(data: Path) -> None:
    """Pitfall 9.3: what a client began and left."""
    # Neither the API server nor the cache is asked about uploads.
    sweeper = Sweeper(cast(Any, None), cast(Any, None), Store(data.parent / "mount"))
    assert await sweeper.sweep_uploads(datetime.now(UTC) - timedelta(hours=24)) == 0
    assert left(data) == set(FILES)
    assert await sweeper.sweep_uploads(datetime.now(UTC) + timedelta(seconds=1)) == 2
    assert left(data) == set(FILES[:2])


async def test_prediction_logs_go_after_a_week(data: Path) -> None:
    days = ("2026-01-01", "2026-01-02", "2026-01-09")
    for day in days:
        path = data / "predictions" / day / "deployment" / "pod" / "120000.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("{}")
    sweeper = Sweeper(cast(Any, None), cast(Any, None), Store(data.parent / "mount"))
    assert await sweeper.sweep_predictions(date(2026, 1, 9)) == 1
    kept = {path.split("/")[1] for path in left(data) if path.startswith("predictions/")}
    assert kept == set(days[1:])
