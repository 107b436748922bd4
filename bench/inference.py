"""Predictions of one pod beside its peers: same model, same rows, same connections, one run.

``python bench/inference.py [--seconds N] [--peers]`` writes inference.* into bench.json and a
table to the screen.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import model
import report
from client import Load
from drift_cost import drift_cost
from model import SENT_ROWS, Served
from servers import BENTOML, FASTAPI, MODELYARD, PEERS, Running, Server, bodies, running

Pick: TypeAlias = "Callable[[Measured], float]"

#: Connections of the batch measurement: enough to keep both cores of a small machine busy.
BATCH_CONNECTIONS = 4
#: Pairs of seconds with and without counting for drift.
DRIFT_TURNS = 9


class Measured(NamedTuple):
    """All figures of one server."""

    one: Load
    sixteen: Load
    batch: Load
    start_s: float
    rss_mb: float


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as name:
        print("training the model", flush=True)
        served = model.build(Path(name))
        measured = {
            server.name: measure(server, served, arguments.seconds)
            for server in (MODELYARD, FASTAPI, BENTOML, *(PEERS if arguments.peers else ()))
        }
        print("measuring what counting for drift costs", flush=True)
        cost = drift_cost(served, DRIFT_TURNS)
    report.merge([*figures(measured), *cost])
    print(table(measured))
    print("\n".join(f"{item.name}: {item.value:.1f} {item.unit}" for item in cost))


def measure(server: Server, served: Served, seconds: float) -> Measured:
    """Start a server, load it, and let it go."""
    print(f"measuring {server.name}", flush=True)
    one, many = bodies(server, served)
    with running(server, served) as process:
        return Measured(
            _load(process, server.one, one, 1, seconds),
            _load(process, server.one, one, 16, seconds),
            _load(process, server.many, many, BATCH_CONNECTIONS, seconds),
            process.start_s,
            process.rss_mb(),
        )


def figures(measured: dict[str, Measured]) -> list[report.Figure]:
    """The records of bench.json."""
    ours = measured[MODELYARD.name]
    peers = {name: value for name, value in measured.items() if name != MODELYARD.name}

    def beside(name: str, unit: str, pick: Pick, *, less: bool) -> report.Figure:
        return report.figure(
            f"inference.{name}",
            pick(ours),
            unit,
            {peer: pick(value) for peer, value in peers.items()},
            less=less,
        )

    return [
        beside("rps_16", "requests/s", lambda m: m.sixteen.requests_per_s, less=False),
        beside("p50_1_ms", "ms", lambda m: m.one.p50_ms, less=True),
        beside("p99_1_ms", "ms", lambda m: m.one.p99_ms, less=True),
        beside(
            "rows_per_s_1000", "rows/s", lambda m: m.batch.requests_per_s * SENT_ROWS, less=False
        ),
        beside("start_s", "s", lambda m: m.start_s, less=True),
        beside("rss_mb", "MB", lambda m: m.rss_mb, less=True),
    ]


def table(measured: dict[str, Measured]) -> str:
    """All figures of all servers."""
    header = ["server", "p50 1", "p99 1", "req/s 1", "req/s 16", "rows/s 1000", "start", "MB"]
    rows = [
        [
            name,
            f"{m.one.p50_ms:.2f} ms",
            f"{m.one.p99_ms:.2f} ms",
            f"{m.one.requests_per_s:,.0f}",
            f"{m.sixteen.requests_per_s:,.0f}",
            f"{m.batch.requests_per_s * SENT_ROWS:,.0f}",
            f"{m.start_s:.2f} s",
            f"{m.rss_mb:.0f}",
        ]
        for name, m in measured.items()
    ]
    return report.table(header, rows)


def _load(process: Running, path: str, body: Path, connections: int, seconds: float) -> Load:
    """Run the load generator in a process of its own."""
    client = Path(__file__).parent / "client.py"
    words = [process.port, path, body, connections, seconds]
    output = subprocess.check_output([sys.executable, client, *map(str, words)], text=True)
    return Load(**json.loads(output))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measurement")
    parser.add_argument(
        "--peers",
        action="store_true",
        help="also KServe, MLServer and MLflow, installed on first use",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
