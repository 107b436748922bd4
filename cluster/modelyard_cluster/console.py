"""What the user sees while waiting: numbered steps, elapsed time, and a sign of life.

The same lines go to a terminal and to a log, so that a run in CI reads like one at a desk. All
output is on standard error; standard output is for results (a path, an image name).
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HEARTBEAT_SECONDS = 15.0
MINUTE = 60
_write_lock = threading.Lock()


def say(line: str) -> None:
    """Print one whole line at once, also from several threads; a closed pipe is no error."""
    with _write_lock:
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except (BrokenPipeError, ValueError):
            return


def elapsed_text(seconds: float) -> str:
    """``7 s`` or ``4 min 05 s``: what a person reads at a glance."""
    whole = int(seconds + 0.5)
    return f"{whole} s" if whole < MINUTE else f"{whole // MINUTE} min {whole % MINUTE:02d} s"


@dataclass
class Progress:
    """Numbers the steps of one piece of work: ``[2/9] etcd v3.6.7: building``."""

    total: int
    started: float = field(default_factory=time.monotonic)
    _done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_label(self, what: str) -> str:
        """Give the next step its number; steps may start in several threads."""
        with self._lock:
            self._done += 1
            return f"[{self._done}/{self.total}] {what}"


@contextmanager
def step(label: str, *, heartbeat: float = HEARTBEAT_SECONDS) -> Iterator[None]:
    """Announce the step, say regularly that it still runs, and say how long it took."""
    began = time.monotonic()
    say(f"{label} …")
    over = threading.Event()
    pulse = threading.Thread(target=_pulse, args=(label, began, over, heartbeat), daemon=True)
    pulse.start()
    try:
        yield
    finally:
        over.set()
        pulse.join()
    say(f"{label}: done in {elapsed_text(time.monotonic() - began)}")


def _pulse(label: str, began: float, over: threading.Event, heartbeat: float) -> None:
    while not over.wait(heartbeat):
        say(f"{label}: still at it, {elapsed_text(time.monotonic() - began)}")
