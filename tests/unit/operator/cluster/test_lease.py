"""A Lease is free when its holder was silent for as long as it promised not to be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from modelyard_operator.cluster.lease import DURATION, SAFETY, Election, Patience
from modelyard_operator.errors import NotFoundError
from support.virtual_time import run


def lease(version: str = "1", holder: str = "other", seconds: int = 15) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": version},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "renewTime": "1999-01-01T00:00:00.000000Z",
        },
    }


def test_silence_is_measured_here_and_not_by_the_holders_clock() -> None:
    patience = Patience()
    assert not patience.is_over(lease(), 100)
    assert not patience.is_over(lease(), 115)
    assert patience.is_over(lease(), 115.1)


def test_renewing_starts_it_over() -> None:
    patience = Patience()
    patience.is_over(lease("1"), 100)
    assert not patience.is_over(lease("2"), 114)
    assert not patience.is_over(lease("2"), 120)


def test_released_lease_is_free_at_once() -> None:
    assert Patience().is_over(lease(holder=""), 0)


class OneLease:
    """An API server with a Lease; while it is silent no call ends."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.silent = False

    async def get(self, *_: object) -> dict[str, Any]:
        if self.silent:
            await asyncio.Event().wait()
        if self.lease is None:
            raise NotFoundError("no lease")
        return self.lease

    async def create(self, _kind: object, _namespace: str, lease: dict[str, Any]) -> None:
        self.put("1", lease)

    async def replace(self, _kind: object, lease: dict[str, Any]) -> None:
        self.put(str(int(lease["metadata"]["resourceVersion"]) + 1), lease)

    def put(self, version: str, lease: dict[str, Any]) -> None:
        self.lease = {**lease, "metadata": {**lease["metadata"], "resourceVersion": version}}


async def led_for(api: OneLease, then: Callable[[], Awaitable[None]]) -> float:
    """Seconds for which a replica goes on leading after it has won and something happened."""
    clock = asyncio.get_running_loop().time
    election = Election(cast(Any, api), "ns", "me", clock)
    await election.win()
    await then()
    happened = clock()
    await election.hold()
    return clock() - happened


def test_who_cannot_renew_stops_before_another_may_start() -> None:
    """Two that act at once: the last try to renew may take as long as it likes."""
    api = OneLease()

    async def away() -> None:
        api.silent = True

    assert run(led_for(api, away)) <= DURATION - SAFETY


def test_who_sees_that_another_holds_it_stops_at_once() -> None:
    api = OneLease()

    async def taken_away() -> None:
        api.put("7", lease("7"))

    assert run(led_for(api, taken_away)) <= 5
