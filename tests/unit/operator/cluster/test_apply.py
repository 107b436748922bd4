"""The writes of a decision: in which order they go out, and what a refusal keeps from going out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from modelyard_operator.cluster.apply import Writer
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import Kind
from modelyard_operator.cluster.queue import new_queues
from modelyard_operator.errors import NotFoundError, RefusedError
from modelyard_operator.reconcile.decision import Apply, Delete, Write

OWNER = [{"uid": "uid-shop", "kind": "ModelDeployment", "name": "shop", "controller": True}]

Raw = dict[str, Any]


class Server:
    """Has some objects, and notes when calls begin and end; applies wait for each other."""

    def __init__(self, *, side_by_side: int = 1, **there: Raw) -> None:
        self.there = there
        self.calls: list[str] = []
        self._barrier = asyncio.Barrier(side_by_side)

    async def get(self, kind: Kind, _namespace: str, _name: str) -> Raw:
        self.calls.append(f"get {kind.kind}")
        if kind.kind not in self.there:
            raise NotFoundError(kind.kind)
        return self.there[kind.kind]

    async def apply(self, kind: Kind, manifest: Mapping[str, Any], *, manager: str) -> Raw:
        self.calls.append(f"apply {kind.kind} {manager}")
        await self._barrier.wait()
        self.calls.append(f"applied {kind.kind} {manager}")
        meta = {**manifest["metadata"], "uid": f"uid-{kind.kind}", "resourceVersion": "1"}
        return {**manifest, "metadata": meta}

    async def delete(self, kind: Kind, *_: object) -> None:
        self.calls.append(f"delete {kind.kind}")


def child(kind: str, api_version: str = "v1", owner: list[Raw] = OWNER) -> Raw:
    meta = {"name": "shop", "namespace": "team-a", "ownerReferences": owner}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta}


def carry_out(server: Server, *writes: Write) -> None:
    cache = Cache()
    writer = Writer(cast(Api, server), cache, Intake(cache, new_queues()))
    asyncio.run(asyncio.wait_for(writer.execute(writes), timeout=10))


SERVICE, DEPLOYMENT = Apply(child("Service"), "new"), Apply(child("Deployment", "apps/v1"), "new")
SCALE = Apply(child("Deployment", "apps/v1"), "scale", "replicas")
GONE = Delete("autoscaling/v2", "HorizontalPodAutoscaler", "team-a", "shop", "uid", "off")


def test_different_objects_are_applied_side_by_side():
    # Neither apply is answered before both have begun.
    server = Server(side_by_side=2)
    carry_out(server, SERVICE, DEPLOYMENT)
    assert sorted(server.calls[-2:]) == [
        "applied Deployment modelyard-operator",
        "applied Service modelyard-operator",
    ]


def test_one_object_is_applied_in_order():
    server = Server()
    carry_out(server, DEPLOYMENT, SCALE)
    assert server.calls == [
        "get Deployment",
        "apply Deployment modelyard-operator",
        "applied Deployment modelyard-operator",
        "apply Deployment replicas",
        "applied Deployment replicas",
    ]


def test_what_comes_after_a_deletion_waits_for_it():
    server = Server()
    carry_out(server, DEPLOYMENT, GONE, SCALE)
    ends = [call for call in server.calls if not call.startswith(("get", "apply "))]
    assert ends == [
        "applied Deployment modelyard-operator",
        "delete HorizontalPodAutoscaler",
        "applied Deployment replicas",
    ]


def test_nothing_is_applied_beside_a_name_that_is_somebody_elses():
    server = Server(Service=child("Service", owner=[]))
    with pytest.raises(RefusedError, match="Service 'shop' exists in namespace 'team-a'"):
        carry_out(server, DEPLOYMENT, SERVICE)
    assert not [call for call in server.calls if call.startswith("appl")]
