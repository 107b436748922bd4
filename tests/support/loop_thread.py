"""Servers that a synchronous test talks to: an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

SECONDS = 20


class LoopThread(ABC):
    """A server that runs from the beginning of a ``with`` block to its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    @abstractmethod
    async def _start(self) -> None:
        """Open the server."""

    @abstractmethod
    async def _stop(self) -> None:
        """Close the server; what still runs on the loop is cancelled after it."""

    def _soon(self, callback: Callable[[], object]) -> None:
        """Have the loop call this; for use from the test's thread."""
        self._loop.call_soon_threadsafe(callback)

    async def _end(self) -> None:
        await self._stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
