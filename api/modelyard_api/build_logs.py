"""Reads the logs of builds from the store.

The log of an ended build never changes, so its number of lines is remembered, and its lines for
as long as there is room: paging through all logs reads each of them once.
"""

import asyncio
import logging
from collections import OrderedDict

from modelyard_api.store import Store
from modelyard_crds import ModelVersion
from modelyard_crds.build import LogLine, logs_key

log = logging.getLogger(__name__)

PARALLEL_READS = 8
MAX_LINES_KEPT = 50_000
MAX_COUNTS_KEPT = 100_000


class BuildLogs:
    """The lines of each version's build."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._slots = asyncio.Semaphore(PARALLEL_READS)
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._lines: OrderedDict[str, list[LogLine]] = OrderedDict()
        self._kept = 0

    async def count(self, version: ModelVersion) -> int:
        """How many lines the log of a version has."""
        known = self._counts.get(version.metadata.uid)
        return len(await self.lines(version)) if known is None else known

    async def lines(self, version: ModelVersion) -> list[LogLine]:
        """The log of a version."""
        uid = version.metadata.uid
        if uid in self._lines:
            self._lines.move_to_end(uid)
            return self._lines[uid]
        async with self._slots:
            content = await self._store.get(logs_key(uid)) or b""
        lines = parse_lines(content)
        if version.ended and lines:
            self._keep(uid, lines)
        return lines

    def _keep(self, uid: str, lines: list[LogLine]) -> None:
        self._counts[uid] = len(lines)
        while len(self._counts) > MAX_COUNTS_KEPT:
            self._counts.popitem(last=False)
        if uid not in self._lines:
            self._kept += len(lines)
            self._lines[uid] = lines
        while self._kept > MAX_LINES_KEPT:
            _, dropped = self._lines.popitem(last=False)
            self._kept -= len(dropped)


def parse_lines(content: bytes) -> list[LogLine]:
    """The lines of a log; one that is half written or not ours is passed over."""
    lines = []
    for line in content.splitlines():
        try:
            lines.append(LogLine.model_validate_json(line))
        except ValueError:
            log.debug("a line of a build's log cannot be read")
    return lines
