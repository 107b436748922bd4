"""Starting the background process that brings the façade to loopback, for any provider."""

from __future__ import annotations

import sys
from pathlib import Path

from modelyard_cluster import checks, processes
from modelyard_cluster.components import CLUSTER_FOLDER
from modelyard_cluster.paths import StatePaths
from modelyard_cluster.processes import Daemon

NAME = "forward"


def start_forwarder(paths: StatePaths, cgroup: Path | None = None) -> None:
    """Have :mod:`modelyard_cluster.forwarder` running for this state."""
    command = (sys.executable, "-m", "modelyard_cluster", NAME, "--name", paths.name)
    daemon = Daemon(NAME, command, env={"PYTHONPATH": str(CLUSTER_FOLDER)})
    processes.start(daemon, pids=paths.pids, logs=paths.logs, cgroup=cgroup)


def make_way_for_port(paths: StatePaths, port: int, recorded_port: int | None) -> None:
    """See that the port is free or ours; a forwarder of another port is ended.

    Raises:
        MachineError: something else listens there.
    """
    if processes.is_running(paths.pids, NAME):
        if port == recorded_port:
            return
        checks.check_port(port)
        processes.stop(paths.pids, NAME)
        return
    checks.check_port(port)
