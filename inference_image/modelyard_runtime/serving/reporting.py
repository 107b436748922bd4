"""What a pod leaves in the store about the rows it predicted: drift summaries, logged samples.

A thread of its own does it, once a second and once a minute, so that no prediction waits for a
count or for the store. A store that does not answer costs a report and nothing else; at the end
of the process the last one is tried for a moment only. Started by ``server``.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from modelyard_runtime.store import Store, StoreError

COUNT_SECONDS: Final = 1.0
#: How long the end of the process waits for the last report.
LAST_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


class Source(Protocol):
    """Something that has news to report."""

    def count(self) -> int:
        """Work on what was laid aside; how many rows that were."""

    def report(self, store: Store) -> None:
        """Write what is new; raises StoreError."""


class Reporter:
    """Reports while its context is open."""

    def __init__(
        self, sources: Sequence[Source], open_store: Callable[[], Store], every: float
    ) -> None:
        self._sources = sources
        self._open_store = open_store
        self._every = every
        self._ended = threading.Event()
        self._unreachable = False
        # The process never waits for a daemon, however long the store takes.
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def __enter__(self) -> Self:
        if self._sources:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._sources:
            self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        waited, rows = 0.0, 0
        while not self._ended.wait(COUNT_SECONDS):
            waited += COUNT_SECONDS
            rows += self._count()
            if waited >= self._every and rows:
                waited, rows = 0.0, 0
                self._report()
        if rows + self._count():
            self._report()

    def _count(self) -> int:
        try:
            return sum([source.count() for source in self._sources])
        except Exception:
            # Nothing that only looks on may end; the rows at hand are lost.
            log.exception("rows were not counted")
            return 0

    def _report(self) -> None:
        try:
            store = self._open_store()
            for source in self._sources:
                source.report(store)
        except StoreError as error:
            if not self._unreachable:
                log.warning("what was predicted cannot be reported: %s", error)
            self._unreachable = True
        except Exception:
            log.exception("what was predicted cannot be reported")
        else:
            self._unreachable = False
