"""Ending a local cluster, whatever shape it is in, and looking that nothing of it is left.

Nothing here trusts the record: it may be lost, and any process may have been killed. Everything
that the cluster has on the machine is found by the cluster's name.
"""

from __future__ import annotations

import contextlib
import re
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
    outside = traces_outside(paths)
    _stop_processes(paths)
    for trace in (*outside, *traces_outside(paths)):
        trace.unlink(missing_ok=True)
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


def traces_outside(paths: StatePaths) -> list[Path]:
    """What the container runtime and the kubelet keep at fixed places of the machine."""
    return [*_shim_sockets(paths), *_network_results(paths), *_log_links(paths)]


def _shim_sockets(paths: StatePaths) -> list[Path]:
    """Each running pod's socket; containerd forgets where they are once it sees the pod dead."""
    found = []
    for address in paths.containerd.glob("state/io.containerd.runtime.v2.task/*/*/address"):
        with contextlib.suppress(OSError):
            found.append(Path(address.read_text(encoding="ascii").removeprefix("unix://")))
    return [socket for socket in found if socket.is_relative_to(SHIM_SOCKETS)]


def _network_results(paths: StatePaths) -> list[Path]:
    """The CNI library's notes on each pod; those on loopback do not say whose pod it was."""
    if not CNI_RESULTS.is_dir():
        return []
    pattern = re.compile(rf"{re.escape(network.namespace(paths.name))}-([0-9a-f]{{64}})-\w+")
    noted = [result.name for result in CNI_RESULTS.iterdir()]
    pods = {match.group(1) for name in noted if (match := pattern.fullmatch(name))}
    return [CNI_RESULTS / name for name in noted if any(pod in name for pod in pods)]


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
    left += [f"file {trace}" for trace in traces_outside(paths)]
    if paths.root.exists():
        left.append(f"folder {paths.root}")
    return left
