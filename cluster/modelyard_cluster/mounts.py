"""Mounts below a folder: killed containers, volumes and installs leave them."""

from __future__ import annotations

import re
from pathlib import Path

from modelyard_cluster.run import attempt

MOUNT_TABLE = Path("/proc/self/mountinfo")


def mounted_below(folder: Path) -> list[Path]:
    """The mount points below the folder, the newest (and so the innermost) first."""
    try:
        table = MOUNT_TABLE.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    return mount_points(table, folder)


def mount_points(table: str, folder: Path) -> list[Path]:
    """The mount points of a ``mountinfo`` that are below the folder, innermost first."""
    points = [Path(unescape(line.split()[4])) for line in table.splitlines() if line.strip()]
    return [point for point in reversed(points) if point.is_relative_to(folder)]


def unescape(field: str) -> str:
    r"""A path as ``mountinfo`` writes it: ``\040`` is a blank."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), field)


def unmount_below(folder: Path) -> list[Path]:
    """Unmount all below the folder, also what is busy; returns what would not go."""
    for point in mounted_below(folder):
        code, _, _ = attempt(["umount", str(point)])
        if code != 0:
            attempt(["umount", "--lazy", str(point)])
    return mounted_below(folder)
