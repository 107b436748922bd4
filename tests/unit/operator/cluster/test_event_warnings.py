"""However many builds wait, their namespace's events are listed now and then only."""

from __future__ import annotations

import asyncio
from typing import Any

from modelyard_operator.cluster.event_warnings import (
    TRUSTED_SECONDS,
    TRUSTED_TIMES,
    EventWarnings,
    newest_messages,
)


def warning(uid: str, message: str, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"involvedObject": {"uid": uid}, "message": message, "lastTimestamp": at}


class Lister:
    """Lists by a script, and takes its time on a clock of its own."""

    def __init__(self, takes: float = 0.0) -> None:
        self.events = [warning("a", "no room")]
        self.listed: list[str] = []
        self.now = 0.0
        self._takes = takes

    async def list(self, namespace: str) -> list[dict[str, Any]]:
        self.listed.append(namespace)
        self.now += self._takes
        await asyncio.sleep(0)
        return self.events

    def clock(self) -> float:
        return self.now


async def test_one_list_serves_all_that_wait() -> None:
    """Pitfall 1.12: a thousand builds without a pod cost a list, not a list each."""
    lister = Lister()
    warnings = EventWarnings(lister.list, lister.clock)
    told = await asyncio.gather(*(warnings.about("team-a", uid) for uid in ("a", "b") * 500))
    assert set(told) == {"no room", ""}
    assert lister.listed == ["team-a"]


async def test_news_is_seen_once_the_list_is_old() -> None:
    lister = Lister()
    warnings = EventWarnings(lister.list, lister.clock)
    await warnings.about("team-a", "b")
    lister.events.append(warning("b", "exceeded quota"))
    lister.now += TRUSTED_SECONDS
    assert await warnings.about("team-a", "b") == "exceeded quota"


async def test_slow_list_is_good_for_longer() -> None:
    lister = Lister(takes=2.0)
    warnings = EventWarnings(lister.list, lister.clock)
    await warnings.about("team-a", "a")
    lister.now += 2.0 * TRUSTED_TIMES - 1
    await warnings.about("team-a", "a")
    assert len(lister.listed) == 1


async def test_namespaces_know_nothing_of_each_other() -> None:
    lister = Lister()
    warnings = EventWarnings(lister.list, lister.clock)
    await warnings.about("team-a", "a")
    await warnings.about("team-b", "a")
    assert lister.listed == ["team-a", "team-b"]


def test_last_of_several_warnings_counts() -> None:
    events = [warning("a", "new", "2026-01-02T00:00:00Z"), warning("a", "old")]
    assert newest_messages(events) == {"a": "new"}
