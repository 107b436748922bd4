"""The BentoML app behind the front: its descriptions, loaded when one is asked for the first time.

Importing BentoML takes longer than everything else at start together and a quarter of the pod's
memory; predictions do not need it. Called by ``app``.
"""

import asyncio
import gc
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from modelyard_runtime.serving.requests import Receive, Scope, Send

if TYPE_CHECKING:
    from starlette.applications import Starlette

#: What BentoML answers in this process: how its clients and tools see the service. Its page for
#: people is left out, since it loads a tracker from outside.
PATHS = frozenset({"/docs.json", "/schema.json", "/livez"})


class Behind:
    """Hands requests on to an app that is made on first use."""

    def __init__(self, make: "Callable[[], Starlette]") -> None:
        self._make = make
        self._app: Starlette | None = None
        self._lock = asyncio.Lock()
        self._open = AsyncExitStack()

    def has(self, path: str) -> bool:
        """Whether the app answers a path."""
        return path in PATHS

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request to the app."""
        async with self._lock:
            if self._app is None:
                made = await asyncio.to_thread(self._make)
                await self._open.enter_async_context(made.router.lifespan_context(made))
                self._app = made
                # A full pass of the collector over all that was imported would stall predictions.
                gc.freeze()
        await self._app(scope, receive, send)

    async def close(self) -> None:
        """Let the app end what it began."""
        await self._open.aclose()


def confine_bentoml(folder: Path) -> None:
    """Keep BentoML to one writable folder and off the network; before it is imported."""
    os.environ.setdefault("BENTOML_HOME", str(folder))
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
