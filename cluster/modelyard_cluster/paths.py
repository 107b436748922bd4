"""Where things are: the state of each cluster, the cache they share, and the locks.

A state can be deleted at any time and is; the cache is only ever added to, by rename, so that an
interrupted build leaves nothing half-made under a final name.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard_cluster.console import say
from modelyard_cluster.errors import InterruptedByUser, UsageError
from modelyard_cluster.run import ending

NAME_PATTERN = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
SOCKET_PATH_LIMIT = 100
LOCK_POLL_SECONDS = 0.5
REGISTRY = Path("/run/modelyard")
"""What this machine hosts, over all users and state folders; gone after a reboot, as it should."""


def state_root() -> Path:
    """The folder of all states: ``$XDG_STATE_HOME/modelyard``."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base).expanduser().absolute() / "modelyard"


def cache_root() -> Path:
    """The folder of what is built once: ``$MODELYARD_CACHE``, or ``$XDG_CACHE_HOME/modelyard``."""
    if own := os.environ.get("MODELYARD_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).expanduser().absolute() / "modelyard"


@dataclass(frozen=True)
class StatePaths:
    """The folders and files of one cluster."""

    name: str
    root: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's credentials and the API server's address."""
        return self.root / "kubeconfig"

    @property
    def record(self) -> Path:
        """What is known of the cluster; see :mod:`modelyard_cluster.state`."""
        return self.root / "state.json"

    @property
    def pids(self) -> Path:
        """One file a process."""
        return self.root / "pids"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.root / "logs"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """The configuration of every process."""
        return self.root / "config"

    @property
    def containerd(self) -> Path:
        """Everything of the container runtime."""
        return self.root / "containerd"

    @property
    def containerd_socket(self) -> Path:
        """Where the container runtime takes calls."""
        return self.containerd / "containerd.sock"

    @property
    def kubelet(self) -> Path:
        """The kubelet's own folder, with the pods' volumes."""
        return self.root / "kubelet"

    @property
    def volumes(self) -> Path:
        """What claims of the default StorageClass keep."""
        return self.root / "volumes"


def state_paths(name: str) -> StatePaths:
    """The paths of the cluster ``name``.

    Raises:
        UsageError: the name cannot be part of a host name, or the folder is too long a path for
            the sockets in it.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a cluster's name.",
            "Use up to 20 lower-case letters, digits and dashes, such as demo or test-2.",
        )
    paths = StatePaths(name=name, root=state_root() / name)
    if len(f"{paths.containerd_socket}.ttrpc") > SOCKET_PATH_LIMIT:
        raise UsageError(
            f"The state folder {paths.root} is too long a path for a socket.",
            "Set XDG_STATE_HOME to a shorter one.",
        )
    return paths


def known_states() -> list[str]:
    """The names of all clusters that have a state folder."""
    root = state_root()
    if not root.is_dir():
        return []
    return sorted(p.name for p in root.iterdir() if p.is_dir() and NAME_PATTERN.fullmatch(p.name))


def write_atomically(path: Path, content: str, *, mode: int = 0o644) -> None:
    """Replace the file in one step: a reader sees the old content or the new, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    temporary.replace(path)


def write_json(path: Path, content: object, *, mode: int = 0o644) -> None:
    """Write the object as JSON, in one step."""
    write_atomically(path, json.dumps(content, indent=2) + "\n", mode=mode)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in the file; None when there is no file or no object in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Fill a temporary folder, which becomes ``target`` at the end, or vanishes on any failure.

    The caller holds the lock of ``target``, so what an earlier run left half-made is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f".{target.name}.tmp*"):
        shutil.rmtree(stale, ignore_errors=True)
    temporary = target.parent / f".{target.name}.tmp{os.getpid()}"
    temporary.mkdir()
    try:
        yield temporary
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(name: str, *, folder: Path | None = None) -> Iterator[None]:
    """Hold the lock ``name`` among all processes; says so when it has to wait for another."""
    folder = folder or cache_root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("a+", encoding="utf-8") as file:
        _acquire(file.fileno(), name)
        yield


def _acquire(descriptor: int, name: str) -> None:
    began = time.monotonic()
    announced = False
    while not _try_lock(descriptor):
        if ending.is_set():
            raise InterruptedByUser("Stopped while waiting for another process.")
        if not announced:
            say(f"Waiting for another process that is at work on {name} …")
            announced = True
        ending.wait(LOCK_POLL_SECONDS)
    if announced:
        say(f"The other process is done with {name} after {time.monotonic() - began:.0f} s.")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
