"""From a table of 1,000 rows to its first prediction, on the cluster that ``make env`` names.

``make bench-lifecycle`` installs first. Writes lifecycle.* into bench.json; there is no peer that
does the same, so the figures stand alone.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import statistics
import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
from sklearn.datasets import make_classification

import report

ROWS, COLUMNS = 1000, 20
POLL_SECONDS = 0.2
LIMIT_SECONDS = 300.0


class Lap(NamedTuple):
    """Seconds from the start of one run."""

    dataset: float
    model: float
    prediction: float


def main() -> None:
    arguments = _arguments()
    url, key = os.environ["MODELYARD_URL"], os.environ["MODELYARD_API_KEY"]
    with httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=60) as client:
        laps = [run(client, seed) for seed in range(arguments.runs)]
    print(_table(laps))
    report.merge(
        report.Figure(f"lifecycle.{name}_s", round(statistics.median(column), 2), "s")
        for name, column in zip(Lap._fields, zip(*laps, strict=True), strict=True)
    )


def run(client: httpx.Client, seed: int) -> Lap:
    """One table to one prediction; what was made is deleted."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    content, row = table(seed)
    began = time.monotonic()
    answer = client.post("/datasets", files={"file": (f"{name}.csv", content, "text/csv")})
    dataset = _checked(answer)["dataset_id"]
    body = {"intent": "Predict the outcome", "dataset_id": dataset}
    _checked(client.post(f"/models/{name}", json=body))
    _wait(client, f"/datasets/{dataset}", lambda seen: seen["status"] == "READY")
    read = time.monotonic() - began
    _wait(client, f"/models/{name}/1/status", lambda seen: seen["status"] == "READY")
    built = time.monotonic() - began
    _checked(client.post(f"/models/{name}/deploy", json={"auto_scale": False}))
    _checked(client.post(f"/models/{name}/1/infer", json=row))
    predicted = time.monotonic() - began
    client.delete(f"/models/{name}")
    return Lap(read, built, predicted)


def table(seed: int) -> tuple[bytes, dict[str, float]]:
    """A CSV of ROWS rows whose outcome depends on half of its columns, and one row of it."""
    values, target = make_classification(
        ROWS, COLUMNS, n_informative=COLUMNS // 2, random_state=seed
    )
    names = [f"measure_{number}" for number in range(COLUMNS)]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*names, "outcome"])
    for row, label in zip(values.round(4), target, strict=True):
        writer.writerow([*row, "good" if label else "bad"])
    first = dict(zip(names, map(float, values[0].round(4)), strict=True))
    return text.getvalue().encode(), first


def _wait(client: httpx.Client, path: str, holds: Callable[[Any], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not holds(seen := _checked(client.get(path))):
        if seen["status"] == "ERROR" or time.monotonic() > deadline:
            raise SystemExit(f"{path}: {seen}")
        time.sleep(POLL_SECONDS)


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise SystemExit(f"{answer.request.method} {answer.request.url}: {answer.text}")
    return answer.json()


def _table(laps: list[Lap]) -> str:
    rows = [[str(n), *(f"{seconds:.1f}" for seconds in lap)] for n, lap in enumerate(laps, 1)]
    return report.table(["run", "dataset READY s", "model READY s", "first prediction s"], rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
