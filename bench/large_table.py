"""A table larger than memory, trained inside a limit that the kernel enforces, and what it took.

Run as ``python bench/large_table.py --rows 5000000 --memory 4GiB``. The limit is a control group
of its own where one may be made (as root), else RLIMIT_DATA; the command says which.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

CHUNK_ROWS = 250_000
MOST_COUNT, OFTEN = 1000, 700
GIBI = 1024**3
INTENT = "Predict whether the machine will fail: output column failed"


def main() -> None:
    options = _options()
    path = options.file or Path(tempfile.gettempdir()) / f"large-{options.rows}.csv"
    if not path.exists():
        write_table(path, options.rows)
    size = path.stat().st_size
    print(f"{options.rows:,} rows, {size / 1e6:,.0f} MB of CSV, limit {options.memory:.1f} GiB")
    limit = int(options.memory * GIBI)
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(Path(sys.executable).with_name("modelyard-train")),
            *("--dataset", str(path), "--intent", INTENT, "--output", folder, "--json"),
            *("--time-budget", str(options.time_budget)),
            *(["--max-iterations", str(options.max_iterations)] if options.max_iterations else []),
        ]
        print(json.dumps(measured(command, limit, size), indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--memory", type=float, default=4.0, help="GiB")
    parser.add_argument("--time-budget", type=int, default=300, help="seconds")
    parser.add_argument("--max-iterations", type=int)
    parser.add_argument("--file", type=Path, help="keep the table here and use it again")
    return parser.parse_args()


def write_table(path: Path, rows: int, seed: int = 0) -> None:
    """A CSV of 30 columns: 19 floats, 4 whole numbers, 4 categories, a date, an id, a class."""
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        for start in range(0, rows, CHUNK_ROWS):
            table = _rows(random, start, min(CHUNK_ROWS, rows - start))
            options = arrow_csv.WriteOptions(include_header=start == 0)
            arrow_csv.write_csv(table, file, options)


def _rows(random: np.random.Generator, start: int, count: int) -> pa.Table:
    numbers = random.normal(size=(count, 19)).round(4)
    counts = random.integers(0, MOST_COUNT, size=(count, 4))
    kinds = random.integers(0, [3, 12, 60, 400], size=(count, 4))
    days = random.integers(0, 1500, size=count).astype("datetime64[D]") + np.datetime64(
        "2020-01-01", "D"
    ).astype(np.int64)
    signal = (
        1.5 * numbers[:, 0]
        - numbers[:, 1] * numbers[:, 2]
        + (counts[:, 0] > OFTEN)
        + 0.8 * (kinds[:, 0] == 1)
        - 1.2
    )
    failed = random.random(count) < 1 / (1 + np.exp(-signal))
    columns: dict[str, Any] = {"machine_id": np.arange(start, start + count)}
    columns |= {f"reading_{number}": numbers[:, number] for number in range(19)}
    columns |= {f"count_{number}": counts[:, number] for number in range(4)}
    for number in range(4):
        names = pa.array([f"kind {value}" for value in range(400)])
        columns[f"kind_{number}"] = names.take(pa.array(kinds[:, number]))
    columns["installed"] = pa.array(days)
    columns["failed"] = pa.array(np.where(failed, "yes", "no"))
    return pa.table(columns)


def measured(command: list[str], limit: int, size: int) -> dict[str, Any]:
    """What a command took inside the limit, and its report."""
    began = time.monotonic()
    with _limited(limit) as (how, enter):
        process = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=False, preexec_fn=enter
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    idle = _idle_bytes()
    report = json.loads(process.stdout) if process.stdout else {}
    return {
        "limit": how,
        "exitCode": process.returncode,
        "seconds": round(time.monotonic() - began, 1),
        "peakResidentMebibytes": peak >> 20,
        "librariesMebibytes": idle >> 20,
        "timesTheData": round((peak - idle) / size, 2),
        "metrics": report.get("metrics"),
        "algorithm": report.get("algorithm"),
        "candidates": report.get("candidates"),
        "warnings": report.get("plan", {}).get("warnings"),
        "error": report.get("error"),
    }


def _idle_bytes() -> int:
    """What a process takes that has the libraries loaded and no data."""
    imports = "import sklearn.ensemble, skl2onnx, onnxruntime, pyarrow.parquet, skops.io, resource"
    code = f"{imports}; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    return int(subprocess.check_output([sys.executable, "-c", code])) * 1024


@contextmanager
def _limited(limit: int) -> Iterator[tuple[str, Callable[[], None]]]:
    """How the limit is held, and what the child does to come under it."""
    for base, name in (
        (Path("/sys/fs/cgroup"), "memory.max"),
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
    ):
        group = base / f"large-table-{os.getpid()}"
        if not base.is_dir() or not (base / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
            (group / name).write_text(str(limit))
        except OSError:
            if group.is_dir():
                group.rmdir()
            continue
        try:
            yield f"control group, {name}={limit}", partial(_enter, group / "cgroup.procs")
        finally:
            group.rmdir()
        return
    yield f"RLIMIT_DATA={limit}", lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _enter(procs: Path) -> None:
    procs.write_text(str(os.getpid()))


if __name__ == "__main__":
    main()
