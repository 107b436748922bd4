"""Events: told by reconciles that do not wait, posted in the order of each object."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.events import EventPoster
from modelyard_operator.cluster.kinds import MODEL, Kind
from modelyard_operator.errors import ConflictError, TryAgainError
from modelyard_operator.reconcile.transitions import Transition
from unit.operator import samples

SHOP = {"metadata": samples.meta("shop")}


class Server:
    """Notes what it is told; answers once it is let, and fails where told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.posted: list[str] = []
        self.answers = asyncio.Event()

    async def create(self, _kind: Kind, _namespace: str, manifest: Mapping[str, Any]) -> None:
        await self.answers.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.posted.append(manifest["reason"])


def told(reason: str) -> Transition:
    return Transition("Normal", reason, f"It is {reason}.")


async def tell(server: Server, *reasons: str) -> None:
    """Tell all while the server does not answer, then let it."""
    poster = EventPoster(cast(Api, server), "test")
    running = asyncio.create_task(poster.run())
    for reason in reasons:
        poster.tell(MODEL, SHOP, told(reason))
    assert server.posted == []
    server.answers.set()
    async with asyncio.timeout(10):
        await poster.flush()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_events_of_an_object_are_posted_in_order():
    server = Server()
    asyncio.run(tell(server, "Queued", "Building", "Ready"))
    assert server.posted == ["Queued", "Building", "Ready"]


def test_the_same_words_are_posted_once():
    server = Server()
    asyncio.run(tell(server, "Building", "Building"))
    assert server.posted == ["Building"]


@pytest.mark.parametrize(
    "failure", [ConflictError("told"), TryAgainError("busy"), RuntimeError("of our own")]
)
def test_one_that_cannot_be_posted_keeps_none_from_being_posted(failure: Exception):
    server = Server(failure)
    asyncio.run(tell(server, "Building", "Ready"))
    assert server.posted == ["Ready"]
