"""Each cluster's own place in the cgroup tree, on both versions of cgroups.

``/modelyard/<name>`` is the kubelet's root, so that two kubelets never see each other's pods, and
``/modelyard/<name>/system`` holds our daemons and their children. Whatever is in either is the
cluster's, which makes ending it sure even after kill -9.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

from modelyard_cluster.errors import MachineError

ROOT = Path("/sys/fs/cgroup")
PARENT = "modelyard"
SYSTEM = "system"
TRACKING_V1 = ("freezer", "pids", "memory")
"""Where daemons are kept on version 1: the first there, chosen as nobody else manages it."""


def kubelet_root(name: str) -> str:
    """The kubelet's ``cgroupRoot``."""
    return f"/{PARENT}/{name}"


def is_unified(root: Path = ROOT) -> bool:
    """Whether this machine has cgroup version 2 only."""
    return (root / "cgroup.controllers").exists()


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The top folders of all hierarchies: one on version 2, one a controller on version 1."""
    if is_unified(root):
        return [root]
    if not root.is_dir():
        return []
    tops = [p for p in root.iterdir() if p.is_dir() and not p.is_symlink()]
    return sorted(p for p in tops if (p / "cgroup.procs").exists())


def create(name: str, root: Path = ROOT) -> None:
    """Make the cluster's groups.

    Raises:
        MachineError: the cgroup tree is missing or may not be written.
    """
    tops = hierarchies(root)
    if not tops:
        raise MachineError("No cgroups are mounted.", f"Mount them below {root}.")
    try:
        for top in tops:
            _create_below(top, name)
        (tracking_top(root) / PARENT / name / SYSTEM).mkdir(exist_ok=True)
    except OSError as error:
        raise MachineError(
            f"The cgroup tree cannot be written: {error}.",
            "In a container, start that with --privileged.",
        ) from error


def _create_below(top: Path, name: str) -> None:
    folder = top
    for part in (PARENT, name):
        _hand_down_controllers(folder)
        parent, folder = folder, folder / part
        folder.mkdir(exist_ok=True)
        _copy_cpuset(parent, folder)
    _hand_down_controllers(folder)
    shares = top / PARENT / "cpu.shares"
    if shares.exists():
        shares.write_text(str(1024 * (os.cpu_count() or 1)), encoding="ascii")


def _hand_down_controllers(folder: Path) -> None:
    """Version 2: a group may use only what its parent hands down."""
    available = folder / "cgroup.controllers"
    if not available.exists():
        return
    for controller in available.read_text(encoding="ascii").split():
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")


def _copy_cpuset(parent: Path, child: Path) -> None:
    """Version 1: a new cpuset is empty, and an empty one takes no process."""
    for setting in ("cpuset.cpus", "cpuset.mems"):
        source, target = parent / setting, child / setting
        if (parent / "cgroup.controllers").exists() or not source.exists():
            continue
        if not target.read_text(encoding="ascii").strip():
            target.write_text(source.read_text(encoding="ascii"), encoding="ascii")


def tracking_top(root: Path = ROOT) -> Path:
    """The hierarchy in which the daemons are kept."""
    if is_unified(root):
        return root
    present = [root / controller for controller in TRACKING_V1]
    return next((top for top in present if (top / "cgroup.procs").exists()), hierarchies(root)[0])


def daemons_file(name: str, root: Path = ROOT) -> Path:
    """The file to which a daemon writes its pid to join."""
    return tracking_top(root) / PARENT / name / SYSTEM / "cgroup.procs"


def members(name: str, root: Path = ROOT) -> set[int]:
    """Every process of the cluster: daemons, shims and containers."""
    found: set[int] = set()
    for top in hierarchies(root):
        for folder in _groups(top / PARENT / name):
            with contextlib.suppress(OSError):
                text = (folder / "cgroup.procs").read_text(encoding="ascii")
                found.update(int(pid) for pid in text.split())
    return found - {0}


def _groups(top: Path) -> list[Path]:
    """The group and all below it, parents first; one that goes during the walk is left out."""
    return [Path(folder) for folder, _, _ in os.walk(top)]


def kill_members(
    name: str, *, sparing: Collection[int] = (), within: float = 10.0, root: Path = ROOT
) -> set[int]:
    """Kill the processes of the cluster; returns those that would not go in time."""
    deadline = time.monotonic() + within
    while (left := members(name, root).difference(sparing)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    return left


def remove(name: str, root: Path = ROOT) -> None:
    """Remove the cluster's groups, and the common parent with the last of them."""
    for top in hierarchies(root):
        mine = top / PARENT / name
        for folder in (*reversed(_groups(mine)), mine.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()


def remains(name: str, root: Path = ROOT) -> list[Path]:
    """The cluster's groups that are still there."""
    found = [top / PARENT / name for top in hierarchies(root)]
    return [folder for folder in found if folder.exists()]
