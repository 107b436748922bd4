"""The door for reads of one object: the cache first, on a miss the API server.

A write made through another replica may not have reached this replica's cache; one live read
then finds it. Live reads are rationed, so that asking for what does not exist costs the API
server little; when they are used up or it is away, the cache's word stands.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec

from modelyard_api.cache.kinds import Kind
from modelyard_api.cache.reflector import in_turns
from modelyard_api.kube import ApiStatusError, ApiUnreachableError, KubeApi
from modelyard_api.limits import Ration
from modelyard_api.mapping.text import is_label
from modelyard_crds.base import Resource

R = TypeVar("R", bound=Resource)

#: Live reads of one object a second, and how many may be saved up; lists cost more.
GET_RATE, GET_BURST = 20.0, 40.0
LIST_RATE, LIST_BURST = 1.0, 5.0


class Reader:
    """Reads objects of the four kinds."""

    def __init__(self, kube: KubeApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._gets = Ration(GET_RATE, GET_BURST, clock)
        self._lists = Ration(LIST_RATE, LIST_BURST, clock)

    async def get(self, kind: Kind[R], namespace: str, name: str) -> R | None:
        """The object of a name."""
        found = kind.cache.get(namespace, name)
        if found is not None or not is_label(name) or not self._gets.take():
            return found
        answer = await self._ask(f"{kind.path(namespace)}/{name}")
        if answer is not None:
            kind.cache.put(kind.parse(answer))
        return kind.cache.get(namespace, name)

    async def find(self, kind: Kind[R], index: str, namespace: str, key: str) -> list[R]:
        """The objects that an index of the cache files under a key, such as a public id."""
        found = kind.cache.find(index, namespace, key)
        if found or not self._lists.take():
            return found
        answer = await self._ask(kind.path(namespace))
        items = msgspec.json.decode(answer, type=_List).items if answer else []
        async for some in in_turns(items):
            for item in some:
                # One that cannot be read is left out, as in the watch.
                with suppress(ValueError):
                    kind.cache.put(kind.parse(bytes(item)))
        return kind.cache.find(index, namespace, key)

    async def _ask(self, path: str) -> bytes | None:
        try:
            return await self._kube.request("GET", path, seconds=5)
        except (ApiStatusError, ApiUnreachableError):
            return None


class _List(msgspec.Struct):
    items: list[msgspec.Raw] = []
