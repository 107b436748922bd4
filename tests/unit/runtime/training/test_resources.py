"""The processors of a container, by its control group."""

import os
import subprocess
import sys

import pytest

from modelyard_runtime.training.resources import cpu_count, limit_threads, memory_limit


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


#: Bytes that have pages of their own, after a larger array was freed.
OWN_PAGES = """
import ctypes, sys
import numpy as np
from modelyard_runtime.training.resources import return_freed_memory

class Found(ctypes.Structure):
    _fields_ = [(f"field_{n}", ctypes.c_size_t) for n in range(10)]

if sys.argv[1] == "returned":
    return_freed_memory()
library = ctypes.CDLL(None)
library.mallinfo2.restype = Found
np.ones(1_000_000)
kept = np.ones(500_000)
print(library.mallinfo2().field_4 >= kept.nbytes)
"""


@pytest.mark.parametrize(("how", "expected"), [("returned", "True"), ("by itself", "False")])
def test_a_freed_array_does_not_keep_later_ones_on_the_heap(how, expected):
    command = [sys.executable, "-c", OWN_PAGES, how]
    assert subprocess.check_output(command, text=True).strip() == expected


PHYSICAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_the_least_memory_of_all_groups_above_counts(tmp_path):
    own = tmp_path / "own"
    own.write_text("0::/pods/one\n")
    (tmp_path / "pods/one").mkdir(parents=True)
    (tmp_path / "pods/memory.max").write_text("1000000\n")
    (tmp_path / "pods/one/memory.max").write_text("max\n")
    assert memory_limit(tmp_path, own) == 1_000_000


def test_the_older_layout_of_memory_as_a_machine_and_as_a_container_see_it(tmp_path):
    own = tmp_path / "own"
    own.write_text("4:memory:/pods/one\n3:cpuset:/\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert memory_limit(tmp_path, own) == PHYSICAL
    (tmp_path / "memory/memory.limit_in_bytes").write_text("2000000\n")
    assert memory_limit(tmp_path, own) == 2_000_000


def test_without_a_group_it_is_the_machine_s(tmp_path):
    assert memory_limit(tmp_path, tmp_path / "none") == PHYSICAL
