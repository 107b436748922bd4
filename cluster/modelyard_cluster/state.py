"""The record of one cluster: where it comes from and how it is reached."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from modelyard_cluster.errors import UsageError
from modelyard_cluster.paths import StatePaths, read_json, state_paths, write_json

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
DEFAULT_NAME = "demo"
DEFAULT_PORT = 8080
NODE_PORT = 30080
"""The node port of the façade, which every provider brings to loopback."""


@dataclass(frozen=True)
class Record:
    """What ``state.json`` holds."""

    name: str
    provider: str
    port: int
    node_address: str = ""
    context: str = ""
    boot_id: str = ""
    ready: bool = False

    def with_ready(self, ready: bool) -> Record:
        """The same cluster, complete or not."""
        return replace(self, ready=ready)


def load(paths: StatePaths) -> Record | None:
    """The record; None when there is none or an interrupted write of old left nonsense."""
    content: dict[str, Any] = read_json(paths.record) or {}
    known = {key: content[key] for key in Record.__dataclass_fields__ if key in content}
    try:
        return Record(**known)
    except TypeError:
        return None


def save(paths: StatePaths, record: Record) -> None:
    """Write the record, in one step."""
    write_json(paths.record, asdict(record))


def existing(name: str) -> tuple[StatePaths, Record]:
    """The paths and the record of a cluster that is there.

    Raises:
        UsageError: there is none of that name.
    """
    paths = state_paths(name)
    record = load(paths)
    if record is None:
        raise UsageError(f"There is no cluster called {name}.", "Start it with `up` first.")
    return paths, record


def boot_id() -> str:
    """Which start of the machine this is; empty where the kernel does not say."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
