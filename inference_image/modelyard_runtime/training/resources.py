"""How many processors and how much memory this container has, by its control group.

The host's counts are what libraries see by themselves; in a pod of two CPUs on a large host they
would start a thread for each of the host's. Called first of all by ``main``.
"""

import ctypes
import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "ARROW_NUM_THREADS",
)
#: Of glibc, which other C libraries need not have: from which size an array has pages of its own.
_C_LIBRARY = ctypes.CDLL(None)
_M_MMAP_THRESHOLD = -3
LARGE_BYTES = 1024 * 1024


def cpu_count(cgroup: Path = CGROUP) -> int:
    """Processors that this container may use, at least one."""
    available = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return available if quota is None else max(1, min(available, math.ceil(quota)))


def limit_threads(count: int) -> None:
    """Tell numerical libraries how many threads to start; must come before they are imported."""
    for variable in _THREAD_VARIABLES:
        os.environ.setdefault(variable, str(count))
    # Threads that spin while they wait take the processors from those that work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def return_freed_memory() -> None:
    """Have arrays go back to the system when they are freed; must come before Arrow is imported.

    By itself the C library keeps what was freed up to the size of the largest array that was, and
    Arrow's own allocator keeps it too: text that was read would take its room until the end.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    mallopt = getattr(_C_LIBRARY, "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def trim_memory() -> None:
    """Give back what lies free between what is in use: called where a phase of a build ends."""
    trim = getattr(_C_LIBRARY, "malloc_trim", None)
    if trim is not None:
        trim(0)


def memory_limit(cgroup: Path = CGROUP, own: Path = OWN_CGROUP) -> int:
    """Bytes that this process may use: the least of its control groups, ulimits and the machine."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    limits += [limit for folder in _groups(cgroup, own) for limit in _memory_limits(folder)]
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(kind)
        limits += [] if soft == resource.RLIM_INFINITY else [soft]
    return min(limits)


def _groups(cgroup: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's control group and of all above it, of version 2 or 1.

    In a container the group is the root of what is mounted, on a machine it is far below it.
    """
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        lines = []
    paths = {"": "/", "memory": "/"} | {
        controllers: path for _, controllers, path in lines if controllers in {"", "memory"}
    }
    for controllers, path in paths.items():
        group = Path(path.lstrip("/"))
        yield from (cgroup / controllers / part for part in (group, *group.parents))


def _memory_limits(folder: Path) -> Iterator[int]:
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            text = (folder / name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            yield int(text)


def _quota(cgroup: Path) -> float | None:
    """CPUs by the control group's quota, of version 2 or 1; None where there is none."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if not quota.isdigit() or not period.isdigit():
        return None
    return int(quota) / int(period)
