"""Early, readable refusals: what this machine lacks is said before anything is started."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import socket
from pathlib import Path

from modelyard_cluster.errors import MachineError
from modelyard_cluster.paths import cache_root
from modelyard_cluster.run import attempt, which

GO_MINIMUM = (1, 26)
BUILD_BYTES = 12 * 1024**3
RUN_BYTES = 4 * 1024**3
BRIDGE_FILTER = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def check_local_machine() -> None:
    """Refuse the local build where it cannot work.

    Raises:
        MachineError: not Linux, not root, or a kernel feature is missing.
    """
    if platform.system() != "Linux":
        raise MachineError(
            "A cluster built on this machine needs Linux.",
            "Start docker or podman (then kind is used), or set CONTEXT to a cluster you have.",
        )
    check_root()
    check_kernel()


def check_root() -> None:
    """Refuse what only root may do.

    Raises:
        MachineError: we are not root.
    """
    if os.geteuid() != 0:
        raise MachineError(
            "A cluster built on this machine needs root (namespaces, mounts, iptables).",
            "Run it with sudo, or start docker (then kind is used), or set CONTEXT to a cluster.",
        )


def check_kernel() -> None:
    """Look for overlay mounts, bridge filtering and virtual links, and load them as modules.

    Raises:
        MachineError: one is missing; names it.
    """
    for module in ("overlay", "br_netfilter", "veth"):
        if which("modprobe"):
            attempt(["modprobe", module])
    if "\toverlay\n" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        raise MachineError("This kernel has no overlay filesystem.", "Load the module overlay.")
    if not BRIDGE_FILTER.exists():
        raise MachineError("This kernel does not filter bridges.", "Load the module br_netfilter.")


def check_go() -> None:
    """Look at the Go toolchain.

    Raises:
        MachineError: it is missing or older than what the sources need.
    """
    advice = f"Install Go {version_text(GO_MINIMUM)} or newer and have `go` on PATH."
    if which("go") is None:
        raise MachineError("Go is not installed, and the cluster's binaries are not built.", advice)
    code, out, err = attempt(["go", "version"])
    found = go_version(out)
    if code != 0 or found is None:
        raise MachineError(f"`go version` does not work: {(err or out).strip()}", advice)
    if found < GO_MINIMUM:
        raise MachineError(f"Go {version_text(found)} is too old.", advice)


def go_version(text: str) -> tuple[int, int] | None:
    """Major and minor of ``go version go1.26.8 linux/amd64``; None when it says none."""
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None


def version_text(version: tuple[int, int]) -> str:
    """``1.26`` of ``(1, 26)``."""
    return f"{version[0]}.{version[1]}"


def check_disk(needed: int = BUILD_BYTES) -> None:
    """Look at the free space of the cache's disk.

    Raises:
        MachineError: it is too little; says how much there is and how much is needed.
    """
    folder = cache_root()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MachineError(
            f"{folder} has {gibibytes(free)} free and {gibibytes(needed)} are needed.",
            "Free some, or set MODELYARD_CACHE to a folder on a larger disk.",
        )


def gibibytes(size: int) -> str:
    """``3.4 GiB``."""
    return f"{size / 1024**3:.1f} GiB"


def check_port(port: int) -> None:
    """See whether the façade's port is free on loopback.

    Raises:
        MachineError: something else listens there, or we may not.
    """
    advice = "Give another one: --port 18080 (or PORT=18080 with make)."
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise MachineError(f"Port {port} on loopback is taken.", advice) from error
            raise MachineError(f"Port {port} cannot be used: {error.strerror}.", advice) from error
