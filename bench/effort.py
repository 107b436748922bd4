"""What a build takes: time from the start of the process to the artifact, and peak memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from sklearn.datasets import make_classification

from environments import product

#: Rows and columns of the two sizes that the targets speak of.
SIZES = ((1_000, 20), (100_000, 30))
MEBIBYTE = 1024 * 1024


class Effort(NamedTuple):
    """What one build took."""

    rows: int
    columns: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    data_mib: float


def measure(rows: int, columns: int) -> Effort:
    """Build a model of a made table at the default effort."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = made(rows, columns)
        frame.to_csv(folder / "table.csv", index=False)
        began = time.monotonic()
        words = [
            *(product("modelyard-train"), "--dataset", folder / "table.csv"),
            *("--intent", "Predict whether the customer will churn", "--output", folder / "model"),
        ]
        process = subprocess.Popen(list(map(str, words)), stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            msg = f"the build of {rows} x {columns} ended with {process.returncode}"
            raise RuntimeError(msg)
        data = frame.memory_usage(deep=True).sum() / MEBIBYTE
    cpu = usage.ru_utime + usage.ru_stime
    return Effort(rows, columns, seconds, cpu, usage.ru_maxrss / 1024, float(data))


def made(rows: int, columns: int) -> pd.DataFrame:
    """A table of numbers, a fifth of them as words, with a target of two classes."""
    values, target = make_classification(
        rows, columns, n_informative=columns // 2, random_state=0, flip_y=0.1
    )
    frame = pd.DataFrame(values.round(4), columns=[f"measure_{n}" for n in range(columns)])
    for name in frame.columns[::5]:
        frame[name] = pd.qcut(frame[name], 6, labels=["a", "b", "c", "d", "e", "f"]).astype(str)
    frame["churn"] = target
    return frame
