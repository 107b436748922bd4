"""Keeps one ``ObjectCache`` current: list once, then watch, and begin again where that breaks.

Watches of the official client stall for good on a dead connection and end with a timeout after
five minutes. Here each watch has an end of its own, silence longer than the API server's
bookmarks cuts it, and an expired revision leads to a new list: what it has is taken over bit by
bit, as a watch would tell it, and what it has not goes at its end.
"""

import asyncio
import gc
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Generic, TypeVar

import aiohttp
import msgspec

from modelyard_api.cache.objects import Entry, ObjectCache
from modelyard_api.kube import ApiStatusError, ApiUnreachableError, KubeApi

log = logging.getLogger(__name__)

T = TypeVar("T")
Parser = Callable[[bytes], Entry[T]]

PAGE_SIZE = 500
#: Objects read between two turns of the loop, some milliseconds: requests wait for no more.
TURN_SIZE = 100
#: The API server sends a bookmark about every 60 s.
SILENCE_SECONDS = 75.0
MAX_BACKOFF_SECONDS = 15.0
EXPIRED, TOO_MANY_REQUESTS = 410, 429


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = "0"
    continue_: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] = []


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _Mark(msgspec.Struct):
    metadata: _ListMeta


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


class ExpiredError(Exception):
    """The revision is too old to watch from; only a new list helps."""


class Reflector(Generic[T]):
    """One list and watch."""

    def __init__(
        self,
        kube: KubeApi,
        path: str,
        parse: Parser[T],
        cache: ObjectCache[T],
        label_selector: str = "",
    ) -> None:
        self.cache = cache
        self.synced = asyncio.Event()
        self._kube = kube
        self._path = path
        self._parse = parse
        self._selector = [("labelSelector", label_selector)] if label_selector else []
        self._revision: int | None = None
        self._lost_at: float | None = time.monotonic()

    @property
    def stale_seconds(self) -> float:
        """Seconds since the API server stopped telling changes; 0 while it does."""
        return 0.0 if self._lost_at is None else time.monotonic() - self._lost_at

    async def run(self) -> None:
        """Keep the cache current until cancelled."""
        backoff = 0.0
        while True:
            try:
                if self._revision is None:
                    self._revision = await self._list()
                    self.synced.set()
                await self._watch(self._revision)
                backoff = 0.0
            except ExpiredError:
                self._revision = None
            except (ApiStatusError, ApiUnreachableError, msgspec.DecodeError) as error:
                backoff = min(MAX_BACKOFF_SECONDS, max(0.5, backoff * 2))
                log.warning("watch of %s broke: %s", self._path, error)
                if not _says_nothing_of_the_revision(error):
                    self._revision = None
            await asyncio.sleep(random.uniform(0, backoff or 0.1))  # noqa: S311 - jitter

    async def _list(self) -> int:
        """Make a complete list the cache's content; the revision to watch from."""
        listed: set[str] = set()
        token = ""
        while True:
            query = [*self._selector, ("limit", str(PAGE_SIZE))]
            if token:
                query.append(("continue", token))
            answer = await self._kube.request("GET", self._path, query=query, seconds=60)
            page = msgspec.json.decode(answer, type=_Page)
            async for some in in_turns(page.items):
                listed |= self._take(some)
                _settle()
            token = page.metadata.continue_
            if not token:
                break
        revision = int(page.metadata.resource_version or 0)
        self.cache.keep_only(listed, revision)
        return revision

    def _take(self, items: Sequence[msgspec.Raw]) -> set[str]:
        """Put objects into the cache; their uids."""
        entries = [entry for item in items if (entry := self._entry(bytes(item)))]
        for entry in entries:
            self.cache.put(entry)
        return {entry.uid for entry in entries}

    async def _watch(self, revision: int) -> None:
        """Apply events until the watch ends."""
        query = [
            *self._selector,
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", str(revision)),
            ("timeoutSeconds", str(random.randint(240, 290))),  # noqa: S311 - jitter
        ]
        try:
            async with self._kube.stream(self._path, query) as content:
                self._lost_at = None
                async for line in lines(content):
                    self._apply(line)
        except ApiStatusError as error:
            if error.status == EXPIRED:
                raise ExpiredError from error
            raise
        finally:
            # A failed try does not make the copy any younger.
            self._lost_at = self._lost_at or time.monotonic()

    def _apply(self, line: bytes) -> None:
        event = msgspec.json.decode(line, type=_Event)
        if event.type == "ERROR":
            status = msgspec.json.decode(event.object, type=_Status)
            log.info("watch of %s ended: %s %s", self._path, status.code, status.message)
            raise ExpiredError
        if event.type == "BOOKMARK":
            mark = msgspec.json.decode(event.object, type=_Mark)
            self._revision = int(mark.metadata.resource_version)
        elif entry := self._entry(bytes(event.object)):
            if event.type == "DELETED":
                self.cache.remove(entry.namespace, entry.name, entry.uid)
            else:
                self.cache.put(entry)
            self._revision = entry.revision

    def _entry(self, raw: bytes) -> Entry[T] | None:
        try:
            return self._parse(raw)
        except ValueError as error:
            log.error("an object of %s cannot be read and is left out: %s", self._path, error)
            return None


async def in_turns(items: Sequence[msgspec.Raw]) -> AsyncIterator[Sequence[msgspec.Raw]]:
    """Some items at a time; in between the loop goes on with what else there is."""
    for start in range(0, len(items), TURN_SIZE):
        yield items[start : start + TURN_SIZE]
        await asyncio.sleep(0)


def _says_nothing_of_the_revision(error: Exception) -> bool:
    """Whether to watch on from where it was: who is busy must not be asked for whole lists."""
    busy = isinstance(error, ApiStatusError) and error.status == TOO_MANY_REQUESTS
    return busy or isinstance(error, ApiUnreachableError)


def _settle() -> None:
    """Keep full collections off what stays: a walk over thousands of objects holds every request.

    Counting references frees them as before; only cycles among them would never be found.
    """
    gc.collect(1)
    gc.freeze()


async def lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a watch, of any length; ends when the stream ends or falls silent."""
    pending = bytearray()
    while True:
        try:
            # Not wait_for: before Python 3.12 it may swallow the cancellation that ends the watch.
            async with asyncio.timeout(SILENCE_SECONDS):
                chunk = await content.readany()
        except TimeoutError:
            return
        if not chunk:
            return
        pending += chunk
        if b"\n" not in chunk:
            continue
        *complete, rest = bytes(pending).split(b"\n")
        pending = bytearray(rest)
        for line in complete:
            if line.strip():
                yield line
