"""How many processors this container has, and the libraries told so before they start.

The host's count is what libraries see by themselves; in a pod of two CPUs on a large host they
would start a thread for each of the host's. Called first of all by ``main``.
"""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "LOKY_MAX_CPU_COUNT",
    "ARROW_NUM_THREADS",
)


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
