"""An event loop whose time passes only while it waits, so that minutes of timers take no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Skipping(selectors.SelectSelector):
    """Waits for no timer: it moves the clock on instead."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self.passed += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.passed


def run(scenario: Coroutine[Any, Any, T]) -> T:
    """What a coroutine comes to; ``loop.time()`` is its clock."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(scenario)
