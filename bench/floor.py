"""The floor: a bare client that makes the very writes that the operator made, on a like cluster.

It decides nothing, reads nothing and waits for nothing but the pods: no operator could be faster.
The writes of one model go out in their order, as many models at a time as the operator has workers.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from audit import Written
from simulation import Client, Object

APPLY = "application/apply-patch+yaml"
METHODS = {"create": "POST", "patch": "PATCH", "update": "PUT", "delete": "DELETE"}
#: Of the world the write came from; on another cluster they name nothing.
_FOREIGN = ("ownerReferences", "resourceVersion", "uid")


class Floor(NamedTuple):
    """How long the bare client took, in seconds."""

    #: Until its last write was answered.
    written: float
    #: Until the pods had done what the writes called for, too.
    settled: float
    refused: Counter[int]


async def replay(client: Client, watcher: Client, writes: list[Written], workers: int) -> Floor:
    """Make the writes again; Jobs are deleted when their pods have ended, as the operator does."""
    wanted = Counter(write.resource for write in writes if _is_child(write))
    world = [
        asyncio.create_task(_until(watcher, path, finished, wanted[resource]))
        for resource, path, finished in _WORLD
    ]
    ends = [write for write in writes if write.verb == "delete"]
    began = time.monotonic()
    refused = await _send(client, (w for w in writes if w.verb != "delete"), workers)
    written = time.monotonic() - began
    await asyncio.gather(*world)
    settled = time.monotonic()
    refused += await _send(client, ends, workers)
    ended = time.monotonic()
    return Floor(written + ended - settled, ended - began, refused)


async def _send(client: Client, writes: Iterable[Written], workers: int) -> Counter[int]:
    chains: dict[tuple[str, str], list[Written]] = {}
    for write in writes:
        chains.setdefault(write.chain, []).append(write)
    left = iter(list(chains.values()))
    refused: Counter[int] = Counter()

    async def work() -> None:
        for chain in left:
            for write in chain:
                status, _ = await client.send(
                    METHODS[write.verb],
                    write.uri,
                    _cleaned(write),
                    APPLY if write.verb == "patch" else "application/json",
                )
                refused[status] += status >= 400  # noqa: PLR2004 - HTTP's line of errors

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return +refused


def _cleaned(write: Written) -> Object:
    if write.verb == "delete":
        return {"propagationPolicy": "Background"}
    metadata = {k: v for k, v in write.body["metadata"].items() if k not in _FOREIGN}
    return {**write.body, "metadata": metadata}


def _is_child(write: Written) -> bool:
    if write.resource == "jobs":
        return write.verb == "create"
    return write.resource == "deployments" and "template" in write.body.get("spec", {})


async def _until(
    client: Client, path: str, finished: Callable[[Object], bool], wanted: int
) -> None:
    """Wait until so many objects of a collection have come to where they end."""
    done: set[str] = set()
    if not wanted:
        return
    async for line in _objects(client, path):
        found = line.get("object", {})
        if found.get("metadata") and finished(found.get("status", {})):
            done.add(found["metadata"]["uid"])
            if len(done) == wanted:
                return


async def _objects(client: Client, path: str) -> AsyncIterator[Object]:
    async for line in client.watch(path):
        decoded: Object = msgspec.json.decode(line)
        yield decoded


def _job_ended(status: Object) -> bool:
    conditions: list[dict[str, Any]] = status.get("conditions", [])
    return any(item["type"] == "Complete" for item in conditions)


def _deployment_available(status: Object) -> bool:
    return bool(status.get("availableReplicas"))


_WORLD = (
    ("jobs", "/apis/batch/v1/jobs", _job_ended),
    ("deployments", "/apis/apps/v1/deployments", _deployment_available),
)
