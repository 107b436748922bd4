"""500 objects created, patched and deleted in random order, beside a second controller.

The second controller puts a finalizer of its own on every other object and takes it away once the
object is to go. Pitfalls 1.2 and 1.3: nothing is left after a minute, the foreign finalizer never
comes back, and none of ours is ever there.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from pathlib import Path

import msgspec
import pytest

from modelyard_crds import names
from simulation import Client, Object, collection, connected
from support.soak import record, scaled

OBJECTS = 500
FOREIGN = "example.com/second-controller"
GONE_WITHIN = 60.0
AT_ONCE = 16
MERGE = "application/merge-patch+json"


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_churn_leaves_nothing() -> None:
    seconds = await _churn(scaled(OBJECTS))
    record("churn.gone_s", seconds, "s")


async def _churn(count: int) -> float:
    namespace = f"soak-{uuid.uuid4().hex[:8]}"
    async with connected(Path(os.environ["KUBECONFIG"])) as client:
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await client.create("/api/v1/namespaces", made)
        try:
            return await _lives(client, namespace, count)
        finally:
            await client.send("DELETE", f"/api/v1/namespaces/{namespace}", None)


async def _lives(client: Client, namespace: str, count: int) -> float:
    chance = random.Random(count)  # noqa: S311 - an order, not a secret
    room = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with room:
            await _life(client, namespace, number, chance)

    order = list(range(count))
    chance.shuffle(order)
    async with asyncio.TaskGroup() as group:
        for number in order:
            group.create_task(one(number))
    return await _seconds_until_gone(client, namespace)


async def _life(client: Client, namespace: str, number: int, chance: random.Random) -> None:
    """Create one object, write to it while the operator does, and delete it."""
    plural, kind = (("models", "Model"), ("modeldeployments", "ModelDeployment"))[number % 2]
    path = f"{collection(plural, namespace)}/o-{number}"
    held = number % 4 < 2  # two of four, so that each kind has both
    await client.create(collection(plural, namespace), _object(kind, number, held))
    for step in range(chance.randrange(4)):
        label = {"metadata": {"labels": {"step": str(step)}}}
        await client.send("PATCH", path, label, MERGE)
        status = {"status": {"observedGeneration": step}}
        await client.send("PATCH", f"{path}/status", status, MERGE)
    _check_finalizers(await _get(client, path), {FOREIGN} if held else set())
    await client.send("DELETE", path, None)
    if held:
        await client.send("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)


def _object(kind: str, number: int, held: bool) -> Object:
    spec: Object = {"modelRef": {"name": "missing"}}
    if kind == "Model":
        spec = {"intent": "predict churn", "datasetRef": {"name": "missing"}}
    metadata = {"name": f"o-{number}", "finalizers": [FOREIGN] if held else []}
    return {"apiVersion": names.API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


async def _get(client: Client, path: str) -> Object:
    _, data = await client.send("GET", path, None)
    found: Object = msgspec.json.decode(data)
    return found


def _check_finalizers(found: Object, wanted: set[str]) -> None:
    finalizers = set(found["metadata"].get("finalizers", ()))
    if finalizers != wanted:
        msg = f"{found['metadata']['name']} has finalizers {finalizers}, expected {wanted}"
        raise AssertionError(msg)


async def _seconds_until_gone(client: Client, namespace: str) -> float:
    began = time.monotonic()
    while True:
        left = [
            item
            for plural in ("models", "modeldeployments")
            for item in await client.list(collection(plural, namespace))
        ]
        lasted = time.monotonic() - began
        if not left:
            return lasted
        if lasted > GONE_WITHIN:
            named = [(item["metadata"]["name"], item["metadata"]["finalizers"]) for item in left]
            msg = f"{len(left)} are left after {lasted:.0f} s: {named[:5]}"
            raise AssertionError(msg)
        await asyncio.sleep(1)
