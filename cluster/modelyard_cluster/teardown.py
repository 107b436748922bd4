"""Ending a local cluster, whatever shape it is in, and looking that nothing of it is left.

Nothing here trusts the record: it may be lost, and any process may have been killed. Everything
that the cluster has on the machine is found by the cluster's name.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from modelyard_cluster import cgroups, mounts, network, processes, registry
from modelyard_cluster.errors import LeftoversError
from modelyard_cluster.node import STOP_ORDER
from modelyard_cluster.paths import StatePaths

SHIM_SOCKETS = Path("/run/containerd")
CNI_RESULTS = Path("/var/lib/cni/results")
LOG_LINKS = Path("/var/log/containers")


def is_anything_there(paths: StatePaths) -> bool:
    """Whether the machine still has anything of a cluster of this name."""
    return paths.root.exists() or registry.is_registered(paths.name) or bool(remains(paths))


def take_down(paths: StatePaths) -> None:
    """End and remove everything of the cluster.

    Raises:
        LeftoversError: something would not go; lists it.
    """
    _stop_processes(paths)
    _remove_traces_outside(paths)
    mounts.unmount_below(paths.root)
    network.disconnect(paths.name)
    cgroups.remove(paths.name)
    shutil.rmtree(paths.root, ignore_errors=True)
    registry.release(paths.name)
    left = remains(paths)
    if left:
        raise LeftoversError(
            f"{paths.name} is down, but this is still there: {'; '.join(left)}.",
            "Run `down` again; if it stays, something else holds it.",
        )


def _stop_processes(paths: StatePaths) -> None:
    """In order as long as they live; what was killed or lost is then found by its cgroup."""
    others = [name for name in processes.names(paths.pids) if name not in STOP_ORDER]
    for name in (*STOP_ORDER[:4], *others):
        processes.stop(paths.pids, name)
    _stop_pods(paths)
    for name in STOP_ORDER[4:]:
        processes.stop(paths.pids, name)
    cgroups.kill_members(paths.name)


def _stop_pods(paths: StatePaths) -> None:
    """Containers end with everything else that is not one of the daemons still to be stopped."""
    keep = {proof.pid for name in STOP_ORDER if (proof := processes.recorded(paths.pids, name))}
    cgroups.kill_members(paths.name, sparing=keep)


def _remove_traces_outside(paths: StatePaths) -> None:
    """What the container runtime and the kubelet keep at fixed places of the machine."""
    for address in paths.containerd.glob("state/io.containerd.runtime.v2.task/*/*/address"):
        with contextlib.suppress(OSError):
            socket = Path(address.read_text(encoding="ascii").removeprefix("unix://"))
            if socket.is_relative_to(SHIM_SOCKETS):
                socket.unlink(missing_ok=True)
    for result in CNI_RESULTS.glob(f"{network.namespace(paths.name)}-*"):
        if len(result.name) > len(network.namespace(paths.name)) + 64:
            result.unlink(missing_ok=True)
    for link in _log_links(paths):
        link.unlink(missing_ok=True)


def _log_links(paths: StatePaths) -> list[Path]:
    if not LOG_LINKS.is_dir():
        return []
    links = [link for link in LOG_LINKS.iterdir() if link.is_symlink()]
    return [link for link in links if link.readlink().is_relative_to(paths.root)]


def remains(paths: StatePaths) -> list[str]:
    """Everything of the cluster that is still on the machine, in words."""
    left = [f"process {pid}" for pid in sorted(cgroups.members(paths.name))]
    left += network.remains(paths.name)
    left += [f"mount {point}" for point in mounts.mounted_below(paths.root)]
    left += [f"cgroup {folder}" for folder in cgroups.remains(paths.name)]
    left += [f"log link {link}" for link in _log_links(paths)]
    if paths.root.exists():
        left.append(f"folder {paths.root}")
    return left
