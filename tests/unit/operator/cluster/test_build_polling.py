"""What 200 builds that run side by side ask of the API server and the store, counted."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from modelyard_crds.build import Progress
from modelyard_operator.cluster.apply import Writer
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.drift_summaries import DriftSummaries
from modelyard_operator.cluster.events import EventPoster
from modelyard_operator.cluster.gather import Gatherer
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import JOB, MODEL_VERSION, POD, Kind
from modelyard_operator.cluster.queue import new_queues
from modelyard_operator.cluster.reconciler import Doors, Reconciler
from modelyard_operator.cluster.routing import Key
from modelyard_operator.cluster.secrets import PodSecrets
from modelyard_operator.cluster.status import StatusWriter
from modelyard_operator.cluster.store import Store
from unit.operator import samples

BUILDS = 200
SECONDS = 20.0
#: The issue's: progress is never older than this.
LATEST = 5.0

Raw = dict[str, Any]


@dataclass
class CountingApi:
    """Answers as if every apply were carried out, and counts the calls."""

    cache: Cache
    calls: Counter[str] = field(default_factory=Counter[str])

    async def apply(self, kind: Kind, manifest: Mapping[str, Any], **_: Any) -> Raw:
        self.calls[f"apply {kind.kind}"] += 1
        meta = manifest["metadata"]
        before = self.cache.get(kind, (meta["namespace"], meta["name"])) or {}
        version = str(int(meta["resourceVersion"]) + 1)
        return {
            **before,
            "metadata": {**before["metadata"], "resourceVersion": version},
            "status": manifest["status"],
        }

    async def create(self, kind: Kind, _namespace: str, manifest: Mapping[str, Any]) -> Raw:
        self.calls[f"create {kind.kind}"] += 1
        return dict(manifest)


@dataclass
class CountingStore:
    """Has the progress of every build, and counts how often it is read."""

    percent: int = 0
    reads: int = 0
    url: str = samples.STORE_URL

    async def read(self, _key: str) -> bytes:
        self.reads += 1
        progress = Progress(percent=self.percent, step="Searching", updated_at=samples.NOW)
        return progress.model_dump_json().encode()


@dataclass
class Yard:
    """A reconciler over a number of builds that run."""

    cache: Cache
    api: CountingApi
    store: CountingStore
    reconciler: Reconciler
    #: For each build, the longest time between two looks at it.
    longest: float = 0.0

    async def run(self, seconds: float, *, moving: bool) -> None:
        """Reconcile each build whenever it wants to be, on a clock of its own."""
        self.api.calls.clear()
        self.store.reads = 0
        due = [(0.0, key) for key in map(_key, range(BUILDS))]
        heapq.heapify(due)
        while due and due[0][0] < seconds:
            now, key = heapq.heappop(due)
            if moving:
                self.store.percent = int(100 * now / seconds)
            delay = await self.reconciler.reconcile(key)
            assert delay is not None, "a build that runs is looked at again"
            self.longest = max(self.longest, delay)
            heapq.heappush(due, (now + delay, key))


def _key(number: int) -> Key:
    return Key("ModelVersion", "team-a", f"m{number}-v1")


@pytest.fixture
def yard() -> Yard:
    cache, store = Cache(), CountingStore()
    for number in range(BUILDS):
        for kind, raw in running_build(number):
            cache.put(kind, raw)
    counting = CountingApi(cache)
    api, real_store = cast(Api, counting), cast(Store, store)
    intake = Intake(cache, new_queues())
    doors = Doors(
        writer=Writer(api, cache, intake),
        status=StatusWriter(api, intake),
        events=EventPoster(api, "test"),
        secrets=cast(PodSecrets, None),
        store=real_store,
    )
    drift = DriftSummaries(real_store)
    gatherer = Gatherer(api, cache, real_store, samples.RUNTIME, drift)
    return Yard(cache, counting, store, Reconciler(cache, gatherer, doors))


def running_build(number: int) -> list[tuple[Kind, Raw]]:
    """A version, its Job and its pod, as they are while the pod works."""
    name = f"m{number}-v1"
    version = samples.version().to_json()
    version["metadata"] |= samples.meta(name)
    owned = {"ownerReferences": [{"uid": f"uid-{name}", "controller": True}]}
    job = samples.raw_job(name)
    job["metadata"] |= {"uid": f"uid-job-{name}"} | owned
    pod = samples.raw_pod()
    pod["metadata"] |= samples.meta(f"{name}-x")
    pod["metadata"]["ownerReferences"] = [{"uid": f"uid-job-{name}", "controller": True}]
    return [(MODEL_VERSION, version), (JOB, job), (POD, pod)]


async def test_200_builds_are_read_and_written_no_more_than_each_of_them_needs(yard: Yard) -> None:
    """A read of the store and a status at the most, each build, every four seconds."""
    await yard.run(SECONDS, moving=True)
    looks = BUILDS * SECONDS / 4
    assert yard.longest <= LATEST
    assert yard.store.reads <= looks
    assert yard.api.calls["apply ModelVersion"] <= looks
    # Nothing is listed, nothing else is written, and that a build goes on is no event.
    assert set(yard.api.calls) == {"apply ModelVersion"}


async def test_builds_that_do_not_move_are_not_written(yard: Yard) -> None:
    await yard.run(LATEST, moving=False)
    await yard.run(SECONDS, moving=False)
    assert yard.api.calls == Counter()
