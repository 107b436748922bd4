"""While the API server is out of reach, keys do not queue up to fail."""

from __future__ import annotations

import asyncio

import pytest

from modelyard_operator.cluster import outage as module
from modelyard_operator.cluster.outage import Outage

KEYS = 3000


async def test_it_costs_nothing_while_all_is_well() -> None:
    outage = Outage()
    async with asyncio.timeout(1):
        await asyncio.gather(*(outage.turn() for _ in range(KEYS)))


async def test_in_an_outage_one_tries_and_an_answer_lets_all_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pitfall 1.12: a long outage makes no storm, and nobody waits once it is over."""
    monkeypatch.setattr(module, "TRY_EVERY", 0.01)
    outage = Outage()
    outage.note(reached=False)
    waiting = {asyncio.create_task(outage.turn()) for _ in range(KEYS)}
    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    outage.note(reached=False)
    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    outage.note(reached=True)
    async with asyncio.timeout(5):
        await asyncio.wait(waiting)
