"""Starting a cluster's daemons and waiting for what they bring up, for each local provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from modelyard_cluster import cgroups, processes
from modelyard_cluster.api import wait_until
from modelyard_cluster.errors import UsageError
from modelyard_cluster.paths import StatePaths
from modelyard_cluster.processes import Daemon


def start_daemon(paths: StatePaths, daemon: Daemon) -> None:
    """Start the daemon in its cluster's cgroup, unless it runs."""
    group = cgroups.daemons_file(paths.name)
    processes.start(daemon, pids=paths.pids, logs=paths.logs, cgroup=group)


def named(daemons: Iterable[Daemon], name: str) -> Daemon:
    """The daemon of that name.

    Raises:
        UsageError: there is none; lists those there are.
    """
    known = {daemon.name: daemon for daemon in daemons}
    if name not in known:
        raise UsageError(f"The cluster has no part called {name!r}.", f"Parts: {', '.join(known)}.")
    return known[name]


def wait(
    paths: StatePaths, what: str, holds: Callable[[], bool], *, seconds: float, advice: str = ""
) -> None:
    """Wait until it holds; a daemon that dies meanwhile ends the wait.

    Raises:
        StartError: a daemon has ended, or it does not hold in time.
    """

    def check() -> None:
        for name in processes.names(paths.pids):
            processes.require_running(paths.pids, paths.logs, name)

    wait_until(what, holds, seconds=seconds, advice=advice or f"Logs: {paths.logs}", check=check)
