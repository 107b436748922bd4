"""How far a build is and what it says, readable in the store while it runs.

Whoever works calls ``step`` and ``log``; a thread writes at most every two seconds, so that no
work waits for the store. Messages are for people and hold no values of the data.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self

from modelyard_crds.build import LogLine, Progress, logs_key, progress_key
from modelyard_crds.conditions import shorten
from modelyard_runtime.store import Store, StoreError

FLUSH_SECONDS = 2.0
MAX_LINES = 10_000
STEP_LENGTH = 253

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Clock = Callable[[], datetime]
#: Takes the progress and all lines so far; raises StoreError where they cannot be written.
Writer = Callable[[Progress, Sequence[LogLine]], None]

_LEVELS: dict[Level, int] = logging.getLevelNamesMapping()  # type: ignore[assignment]  # a superset


def utc_now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def to_store(store: Store, version_uid: str) -> Writer:
    """Writes to where the operator and the façade look."""

    def write(progress: Progress, lines: Sequence[LogLine]) -> None:
        text = "".join(line.model_dump_json(by_alias=True) + "\n" for line in lines)
        store.put(progress_key(version_uid), progress.model_dump_json(by_alias=True).encode())
        store.put(logs_key(version_uid), text.encode())

    return write


class Reporter:
    """Progress and log of one build; a context that writes the rest when it is left."""

    def __init__(self, write: Writer, logger: logging.Logger, clock: Clock = utc_now) -> None:
        self._write = write
        self._logger = logger
        self._clock = clock
        self._lock = threading.Lock()
        self._progress = Progress(percent=0, step="Starting", updated_at=clock())
        self._lines: list[LogLine] = []
        self._changed = True
        self._ended = threading.Event()
        self._unreachable = False
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.flush()

    @property
    def percent(self) -> int:
        """How far the build is."""
        return self._progress.percent

    def step(self, percent: int, step: str) -> None:
        """What is being done now; a percentage never goes back."""
        with self._lock:
            percent = max(percent, self._progress.percent)
            text = shorten(step, STEP_LENGTH)
            if (percent, text) == (self._progress.percent, self._progress.step):
                return
            self._progress = Progress(percent=percent, step=text, updated_at=self._clock())
            self._changed = True

    def log(self, message: str, level: Level = "INFO") -> None:
        """Say something to whoever reads the log; it goes to stdout as well."""
        self._logger.log(_LEVELS[level], message, extra={"fields": {"percent": self.percent}})
        with self._lock:
            self._lines.append(LogLine(timestamp=self._clock(), level=level, message=message))
            del self._lines[:-MAX_LINES]
            self._changed = True

    def flush(self) -> None:
        """Write what is new; a store that does not answer only costs the reader freshness."""
        with self._lock:
            if not self._changed:
                return
            self._changed = False
            progress, lines = self._progress, list(self._lines)
        try:
            self._write(progress, lines)
        except StoreError as error:
            self._note(error)

    def _note(self, error: StoreError) -> None:
        with self._lock:
            self._changed = True
        if not self._unreachable:
            self._logger.warning("progress cannot be written: %s", error)
        self._unreachable = True

    def _run(self) -> None:
        while not self._ended.wait(FLUSH_SECONDS):
            self.flush()
