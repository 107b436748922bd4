"""What the API server's audit log says that the operator wrote: the count that nobody can doubt."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple


class Written(NamedTuple):
    """One write that the API server has answered."""

    at: float
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    uri: str
    code: int
    body: dict[str, Any]

    @property
    def what(self) -> str:
        """Its kind, for a table."""
        return f"{self.verb} {'/'.join(filter(None, (self.resource, self.subresource)))}"

    @property
    def chain(self) -> tuple[str, str]:
        """Whose life it is part of: a model's name begins the names of all that is made for it."""
        found = re.match(r"m-\d+", self.name)
        return self.namespace, found[0] if found else f"{self.resource}/{self.name}"


@dataclass
class AuditLog:
    """Reads what was added to the log since it was read last."""

    path: Path
    _offset: int = 0
    _rest: bytes = b""

    def read(self) -> list[Written]:
        """The writes since the last call, in the order in which they were answered."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [_written(json.loads(line)) for line in lines if line]


def _written(event: dict[str, Any]) -> Written:
    about, body = event["objectRef"], event.get("requestObject") or {}
    return Written(
        at=datetime.fromisoformat(event["stageTimestamp"]).timestamp(),
        verb=event["verb"],
        resource=about["resource"],
        subresource=about.get("subresource", ""),
        namespace=about.get("namespace", ""),
        name=about.get("name") or body.get("metadata", {}).get("name", ""),
        uri=event["requestURI"],
        code=event.get("responseStatus", {}).get("code", 0),
        body=body,
    )


def counted(writes: Iterable[Written]) -> Counter[str]:
    """How many there were of each kind."""
    return Counter(write.what for write in writes)


def reached(writes: Iterable[Written], resource: str, phase: str) -> set[tuple[str, str]]:
    """The objects whose status was written with this phase."""
    return {
        (write.namespace, write.name)
        for write in writes
        if (write.resource, write.subresource) == (resource, "status")
        and write.body.get("status", {}).get("phase") == phase
    }
