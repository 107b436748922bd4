"""Keeps thousands of keys from asking an API server that cannot be reached.

``client`` notes whether calls reach it, ``worker`` waits for its turn. Without that each key would
fail, log, and wait for longer the more often it has: an outage would cost load and messages without
end, and after it many keys would wait for a minute more.
"""

import asyncio

#: While nothing can be reached, one key is tried in so many seconds.
TRY_EVERY = 1.0


class Outage:
    """Whether the API server is out of reach."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._over.set()
        self._next = asyncio.Lock()

    def note(self, *, reached: bool) -> None:
        """Tell what a call came to; an answer of any kind ends the outage for all who wait."""
        if reached:
            self._over.set()
        else:
            self._over.clear()

    async def turn(self) -> None:
        """Return when it makes sense to ask: at once, but one after the other in an outage."""
        if self._over.is_set():
            return
        async with self._next:
            try:
                async with asyncio.timeout(TRY_EVERY):
                    await self._over.wait()
            except TimeoutError:
                return
