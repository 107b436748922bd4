"""10,000 ConfigMaps and 10,000 pods of others: the operator's memory does not grow with them.

Pitfall 1.15: less than 5 MB. On a simulated cluster of its own; a scheduler that does not exist
keeps the pods from being placed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from measured_operator import MeasuredOperator
from simulation import Client, Simulation, cluster_command, connected, gathered
from support.soak import record, scaled

OBJECTS = 10_000
MOST_MB = 5.0
NAME = "soak-foreign"
SETTLE_SECONDS = 20.0


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_memory_does_not_grow_with_foreign_objects(tmp_path: Path) -> None:
    simulation = Simulation(NAME, tmp_path)
    try:
        simulation.fresh()
        grown = await _measure(simulation, scaled(OBJECTS))
    finally:
        cluster_command("down", "--name", NAME)
    record("foreign.grown_mb", grown, "MB")
    assert grown < MOST_MB


async def _measure(simulation: Simulation, count: int) -> float:
    log = simulation.folder / "operator.log"
    kubeconfig = simulation.operator_kubeconfig()
    with MeasuredOperator(kubeconfig, simulation.store_config, log) as operator:
        while operator.reconciled() < 0:
            operator.use()
            await asyncio.sleep(0.5)
        await asyncio.sleep(SETTLE_SECONDS)
        before = operator.use().resident_mb
        async with connected(simulation.paths.kubeconfig) as client:
            await _make(client, count)
        await asyncio.sleep(SETTLE_SECONDS)
        return operator.use().resident_mb - before


async def _make(client: Client, count: int) -> None:
    await gathered(
        client.create(f"/api/v1/namespaces/default/{plural}", _object(kind, number, **fields))
        for plural, kind, fields in (
            ("configmaps", "ConfigMap", {"data": {"some": "text" * 50}}),
            ("pods", "Pod", {"spec": _POD}),
        )
        for number in range(count)
    )


_POD = {"schedulerName": "nobody", "containers": [{"name": "other", "image": "other"}]}


def _object(kind: str, number: int, **fields: object) -> dict[str, object]:
    metadata = {"name": f"foreign-{number}"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}
