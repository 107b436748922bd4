"""Requests in the background while something else happens, with every failure kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from support.durations import SHORT


@dataclass
class Load:
    """What the requests came to."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, answer: httpx.Response) -> None:
        """Count an answer; anything but 200 is a failure."""
        with self._lock:
            self.answered += 1
            if answer.status_code != httpx.codes.OK:
                self.failures.append(f"{answer.status_code} {answer.text[:300]}")
            elif isinstance(body := answer.json(), dict):
                self.versions.add(body["model_version"])

    def broken(self, error: Exception) -> None:
        """Count a request that got no answer."""
        with self._lock:
            self.failures.append(repr(error))


@contextmanager
def requests(
    url: str, key: str, path: str, body: Any, *, threads: int, pause: float = 0.0
) -> Iterator[Load]:
    """Post the body again and again, from several connections, until the block ends."""
    load, over = Load(), threading.Event()

    def work() -> None:
        headers = {"x-api-key": key}
        with httpx.Client(base_url=url, headers=headers, timeout=SHORT) as client:
            while not over.wait(pause):
                try:
                    load.note(client.post(path, json=body))
                except httpx.HTTPError as error:
                    load.broken(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield load
    finally:
        over.set()
        for worker in workers:
            worker.join(SHORT)
