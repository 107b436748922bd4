"""How the operator does with many models: time, writes, memory, restart, beside a bare client.

``make bench-operator`` runs it, with ``SIZES=100,1000`` for other numbers of models. For each size
a fresh simulated cluster gets accounts, Datasets, Models and ModelDeployments; then the operator
starts and brings all Models to READY and all deployments to ACTIVE. What it wrote is read from the
API server's audit log, and written once more by a bare client on another fresh cluster. Each
size's figures are in bench.json as soon as they are known; a run that was ended can go on with
the sizes that are left.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import report
import scale_plot
from audit import AuditLog, Written, counted, reached
from floor import Floor, replay
from measured_operator import MeasuredOperator
from modelyard_operator.cluster.kinds import OWN_KINDS
from modelyard_operator.settings import Settings
from simulation import Simulation, cluster_command, collection, connected, make_objects
from simulation import play_training as play

#: Of the operator: workers for each of four kinds.
WORKERS = len(OWN_KINDS) * Settings.concurrency
#: The size whose figures stand for the whole; of other runs the greatest.
NAMED_SIZE = 1000
QUIET_SECONDS = 6.0
SAY_EVERY = 10.0
LIMIT_SECONDS = 3600.0


@dataclass(frozen=True)
class Result:
    """What one size gave."""

    models: int
    converge_s: float
    floor_s: float
    floor_writes_s: float
    ratio: float
    writes: int
    writes_a_model: float
    writes_at_rest: int
    rss_mb: float
    peak_mb: float
    cpu_at_rest: float
    restart_s: float
    restart_writes: int


def main() -> None:
    options = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="modelyard-scale-"))
    try:
        for size in options.sizes:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                simulation = Simulation(options.name, Path(work))
                result = asyncio.run(measure(simulation, size, options.rest))
            report.merge(figures(result))
            _say(
                report.table(["figure", "value"], [[k, str(v)] for k, v in asdict(result).items()])
            )
        if options.plot:
            scale_plot.draw(options.plot)
    finally:
        cluster_command("down", "--name", options.name)
        shutil.rmtree(folder, ignore_errors=True)


async def measure(simulation: Simulation, models: int, rest: float) -> Result:
    """All figures of one size."""
    _say(f"{models} models: a fresh cluster")
    simulation.fresh()
    kubeconfig, log = simulation.operator_kubeconfig(), simulation.folder / "operator.log"
    audit = AuditLog(simulation.audit_log)
    async with connected(simulation.paths.kubeconfig) as client:
        await make_objects(client, simulation, models)
        playing = asyncio.create_task(play(client, simulation.store))
        _say(f"{models} models: the operator starts")
        with MeasuredOperator(kubeconfig, simulation.store_config, log) as operator:
            writes = await _converged(audit, operator, playing, models)
            converge = writes[-1].at - operator.started
            await _check(await client.list(collection("modeldeployments")), "ACTIVE")
            await _check(await client.list(collection("models")), "READY")
            _say(f"{models} models: converged in {converge:.1f} s; {rest:.0f} s at rest")
            before, began = operator.use(), time.monotonic()
            await asyncio.sleep(rest)
            after, lasted = operator.use(), time.monotonic() - began
            at_rest = len(audit.read())
        with MeasuredOperator(kubeconfig, simulation.store_config, log) as operator:
            restart = await _caught_up(operator)
            restart_writes = len(audit.read())
        playing.cancel()
        with suppress(asyncio.CancelledError):
            await playing
    _say(f"{models} models: restarted in {restart:.1f} s; the bare client on a fresh cluster")
    floor = await _floor(simulation, writes, models)
    _say(f"writes: {_listed(counted(writes))}; refused of the bare client: {dict(floor.refused)}")
    return Result(
        models=models,
        converge_s=round(converge, 2),
        floor_s=round(floor.settled, 2),
        floor_writes_s=round(floor.written, 2),
        ratio=round(converge / floor.settled, 3),
        writes=len(writes),
        writes_a_model=round(len(writes) / models, 2),
        writes_at_rest=at_rest,
        rss_mb=round(after.resident_mb, 1),
        peak_mb=round(after.peak_mb, 1),
        cpu_at_rest=round((after.processor_seconds - before.processor_seconds) / lasted, 4),
        restart_s=round(restart, 2),
        restart_writes=restart_writes,
    )


async def _converged(
    audit: AuditLog, operator: MeasuredOperator, playing: asyncio.Task[None], models: int
) -> list[Written]:
    """Wait until all is READY and ACTIVE and nothing more is written; all that was."""
    writes: list[Written] = []
    ready: set[tuple[str, str]] = set()
    active: set[tuple[str, str]] = set()
    said = deadline = time.monotonic()
    deadline += LIMIT_SECONDS
    while min(len(ready), len(active)) < models or time.time() - writes[-1].at < QUIET_SECONDS:
        await asyncio.wait({playing}, timeout=0.5)
        if playing.done():
            playing.result()
        new = audit.read()
        writes += new
        ready |= reached(new, "models", "READY")
        active |= reached(new, "modeldeployments", "ACTIVE")
        if time.monotonic() - said > SAY_EVERY:
            said, use = time.monotonic(), operator.use()
            _say(
                f"  {time.time() - operator.started:.0f} s: {len(writes)} writes, {len(ready)} "
                f"READY, {len(active)} ACTIVE, {use.resident_mb:.0f} MB"
            )
        if time.monotonic() > deadline:
            raise SystemExit(f"not converged within {LIMIT_SECONDS:.0f} s")
    return writes


async def _check(objects: list[dict[str, object]], phase: str) -> None:
    phases = Counter(str(item.get("status", {}).get("phase")) for item in objects)  # type: ignore[attr-defined]
    if set(phases) != {phase}:
        raise SystemExit(f"expected {phase} of all, found {dict(phases)}")


async def _caught_up(operator: MeasuredOperator) -> float:
    """Seconds from the start of the process until it had looked at everything."""
    last, since = -1, time.time()
    while last <= 0 or time.time() - since < QUIET_SECONDS:
        await asyncio.sleep(0.2)
        seen = operator.reconciled()
        operator.use()
        if seen != last:
            last, since = seen, time.time()
    return since - operator.started


async def _floor(simulation: Simulation, writes: list[Written], models: int) -> Floor:
    simulation.fresh()
    operators = simulation.operator_kubeconfig()
    async with (
        connected(simulation.paths.kubeconfig) as admin,
        connected(operators) as client,
    ):
        await make_objects(admin, simulation, models)
        return await replay(client, admin, writes, WORKERS)


def figures(result: Result) -> list[report.Figure]:
    """The figures of one size, and those that stand for the whole."""
    size = f"operator.{result.models}"
    units = {"_s": "s", "_mb": "MB"}
    made = [
        report.Figure(f"{size}.{name}", value, units.get(name[name.rfind("_") :], ""))
        for name, value in asdict(result).items()
        if name != "models"
    ]
    if result.models == NAMED_SIZE:
        made += [
            report.Figure("operator.converge_ratio", result.ratio, ""),
            report.Figure("operator.writes_at_rest", result.writes_at_rest, "writes"),
            report.Figure("operator.rss_mb", result.rss_mb, "MB"),
            report.Figure("operator.restart_s", result.restart_s, "s"),
        ]
    return made


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in counts.most_common())


def _say(text: str) -> None:
    print(text, flush=True)


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default="100,1000,5000")
    parser.add_argument("--name", default="simulated", help="the simulated cluster's name")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds at rest")
    parser.add_argument("--plot", type=Path, default=None, help="the SVG to draw")
    return parser.parse_args()


if __name__ == "__main__":
    main()
