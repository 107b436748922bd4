"""What events warn of: asked for where neither a Job nor its pods say why nothing happens.

The API server keeps events in no cache: whichever one is asked for, it reads all of a namespace.
So one list serves every object of the namespace for a while, however many of them wait, and a
list that takes long is good for longer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]

#: For how long a list is good, and how many times its own duration at least.
TRUSTED_SECONDS = 15.0
TRUSTED_TIMES = 20.0
_REMEMBERED_NAMESPACES = 100


@dataclass
class _Known:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    good_until: float = float("-inf")
    messages: Mapping[str, str] = field(default_factory=dict)


class EventWarnings:
    """The newest warning about each object of a namespace, listed now and then."""

    def __init__(
        self, list_: Callable[[str], Awaitable[Sequence[Event]]], clock: Callable[[], float]
    ) -> None:
        self._list = list_
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def about(self, namespace: str, uid: str) -> str:
        """The words of the newest warning about an object; empty where there is none."""
        known = self._of(namespace)
        async with known.lock:
            began = self._clock()
            if began >= known.good_until:
                known.messages = newest_messages(await self._list(namespace))
                ended = self._clock()
                known.good_until = ended + max(TRUSTED_SECONDS, TRUSTED_TIMES * (ended - began))
        return known.messages.get(uid, "")

    def _of(self, namespace: str) -> _Known:
        known = self._known.setdefault(namespace, _Known())
        self._known.move_to_end(namespace)
        if len(self._known) > _REMEMBERED_NAMESPACES:
            self._known.popitem(last=False)
        return known


def newest_messages(events: Iterable[Event]) -> dict[str, str]:
    """Of each object's events the message of the last, by the object's uid."""
    ordered = sorted(events, key=_time)
    return {event["involvedObject"].get("uid", ""): event.get("message", "") for event in ordered}


def _time(event: Event) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
