"""Whether the pod is alive and ready, from what happens in the pod alone.

A prober predicts the example row every few seconds through the same executor as large batches
do. Readiness follows its last try; liveness allows for a longer time without success, after
which only a restart helps. Nothing here reads the network: a store that is away takes no pod out.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, Literal

PROBE_SECONDS: Final = 5.0
PROBE_TIMEOUT_SECONDS: Final = 4.0
#: Without a working prediction for this long the pod asks to be restarted.
DEAD_SECONDS: Final = 45.0

State = Literal["starting", "ready", "failing", "draining"]

log = logging.getLogger(__name__)


class Health:
    """What the probes of the kubelet are answered from."""

    def __init__(self, predict: Callable[[], object], executor: Executor) -> None:
        self._predict = predict
        self._executor = executor
        self._succeeded_at = time.monotonic()
        self.state: State = "starting"

    @property
    def ready(self) -> bool:
        """Whether predictions should be sent here."""
        return self.state == "ready"

    @property
    def alive(self) -> bool:
        """Whether predictions work, or did a short while ago."""
        return time.monotonic() - self._succeeded_at < DEAD_SECONDS

    @property
    def draining(self) -> bool:
        """Whether the pod is on its way out."""
        return self.state == "draining"

    def drain(self) -> None:
        """Be not ready from now on, for good."""
        self.state = "draining"

    async def watch(self) -> None:
        """Probe for ever."""
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_SECONDS)

    async def probe(self) -> None:
        """Predict once; the state follows, unless the pod is draining."""
        works = await self._works()
        if works:
            self._succeeded_at = time.monotonic()
        if self.state != "draining":
            self.state = "ready" if works else "failing"

    async def _works(self) -> bool:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                await loop.run_in_executor(self._executor, self._predict)
        except TimeoutError:
            log.error("the example row was not predicted within %g s", PROBE_TIMEOUT_SECONDS)
            return False
        except Exception:
            log.exception("the example row cannot be predicted")
            return False
        return True
