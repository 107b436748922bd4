"""The processors of a container, by its control group."""

import os

import pytest

from modelyard_runtime.training.resources import cpu_count, limit_threads


@pytest.mark.parametrize(
    ("quota", "expected"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None)]
)
def test_the_quota_of_the_group_counts(tmp_path, quota, expected):
    (tmp_path / "cpu.max").write_text(quota)
    assert cpu_count(tmp_path) == (expected or len(os.sched_getaffinity(0)))


def test_the_older_layout_and_none_at_all(tmp_path):
    assert cpu_count(tmp_path) == len(os.sched_getaffinity(0))
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert cpu_count(tmp_path) == 1
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    assert cpu_count(tmp_path) == len(os.sched_getaffinity(0))


def test_libraries_are_told_unless_somebody_did(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    for name in ("MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    limit_threads(3)
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
