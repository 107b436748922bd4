"""The cluster's long-running processes: started in their own session, ended by their pid file.

A pid file holds the process's start time and command besides its number, so that a number which
the machine has given to someone else since is never killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelyard_cluster.errors import StartError
from modelyard_cluster.paths import read_json, write_json
from modelyard_cluster.run import environment, last_lines

POLL_SECONDS = 0.05
LOG_LIMIT = 20 * 1024**2
LOG_KEPT = 1024**2
_started: list[subprocess.Popen[bytes]] = []
"""Kept, since Python warns when it forgets a process that still runs; ours are meant to."""
JOIN_CGROUP = 'echo $$ > "$0" && exec "$@"'


@dataclass(frozen=True)
class Daemon:
    """One process to start: what to call it and how it is run."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Proof:
    """What tells a process from another that got its number later."""

    pid: int
    start_ticks: int
    command: str


def start(daemon: Daemon, *, pids: Path, logs: Path, cgroup: Path | None = None) -> bool:
    """Start the daemon unless it runs; returns whether it was started.

    ``cgroup`` is the ``cgroup.procs`` file it joins first, so that its children can be found even
    when it has died.
    """
    if is_running(pids, daemon.name):
        return False
    command = list(daemon.command)
    if cgroup is not None:
        command = ["sh", "-c", JOIN_CGROUP, str(cgroup), *command]
    pids.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    log = log_file(logs, daemon.name)
    shorten(log)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(daemon.env),
            cwd="/",
            start_new_session=True,
        )
    _started.append(child)
    _await_exec(child, daemon)
    proof = read_proof(child.pid)
    if proof is not None:
        write_json(pid_file(pids, daemon.name), proof.__dict__)
    return True


def _await_exec(child: subprocess.Popen[bytes], daemon: Daemon) -> None:
    """Wait until ``sh`` and ``nsenter`` have become the daemon, so that its command is known."""
    program = Path(next(part for part in daemon.command if is_program(part))).name
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and child.poll() is None:
        proof = read_proof(child.pid)
        if proof is not None and Path(proof.command.split(" ", 1)[0]).name == program:
            return
        time.sleep(0.005)


def is_program(part: str) -> bool:
    """Whether this word of a command is the program proper, not the ``nsenter`` before it."""
    return not part.startswith("-") and Path(part).name != "nsenter"


def pid_file(pids: Path, name: str) -> Path:
    """The pid file of the daemon ``name``."""
    return pids / f"{name}.json"


def log_file(logs: Path, name: str) -> Path:
    """The log of the daemon ``name``."""
    return logs / f"{name}.log"


def read_proof(pid: int) -> Proof | None:
    """What the kernel says of the process; None when it is gone or only waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    fields = stat.rsplit(")", 1)[-1].split()
    if fields[0] in ("Z", "X"):
        return None
    text = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return Proof(pid=pid, start_ticks=int(fields[19]), command=text)


def recorded(pids: Path, name: str) -> Proof | None:
    """What the pid file holds; None when there is none or it makes no sense."""
    content = read_json(pid_file(pids, name)) or {}
    try:
        return Proof(int(content["pid"]), int(content["start_ticks"]), str(content["command"]))
    except (KeyError, TypeError, ValueError):
        return None


def is_running(pids: Path, name: str) -> bool:
    """Whether the daemon of that name is alive, and really is that one."""
    proof = recorded(pids, name)
    return proof is not None and read_proof(proof.pid) == proof


def names(pids: Path) -> list[str]:
    """The daemons that have a pid file."""
    return sorted(path.stem for path in pids.glob("*.json")) if pids.is_dir() else []


def forget_dead(pids: Path) -> None:
    """Remove the pid files of daemons that are gone, before they are started again."""
    for name in names(pids):
        if not is_running(pids, name):
            pid_file(pids, name).unlink(missing_ok=True)


def stop(pids: Path, name: str, *, grace: float = 5.0) -> bool:
    """End the daemon: ask first, kill after ``grace`` seconds; returns whether it was running."""
    was_running = is_running(pids, name)
    proof = recorded(pids, name)
    if was_running and proof is not None:
        _signal(proof.pid, signal.SIGTERM)
        if not _gone_within(proof, grace):
            _signal(proof.pid, signal.SIGKILL)
            _gone_within(proof, 5.0)
    pid_file(pids, name).unlink(missing_ok=True)
    return was_running


def _gone_within(proof: Proof, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        _reap(proof.pid)
        found = read_proof(proof.pid)
        # On its way out a process has lost its command but not yet its number.
        if found is None or found.start_ticks != proof.start_ticks:
            return True
        time.sleep(POLL_SECONDS)
    return False


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except OSError:
        return


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def require_running(pids: Path, logs: Path, name: str) -> None:
    """Check that a daemon which was started has not died since.

    Raises:
        StartError: it has; the end of its log is in the message.
    """
    _reap_recorded(pids, name)
    if is_running(pids, name):
        return
    log = log_file(logs, name)
    told = log.read_text(encoding="utf-8", errors="replace")[-4000:] if log.exists() else ""
    raise StartError(f"{name} has ended: {last_lines(told, 3)}", f"The whole log: {log}")


def _reap_recorded(pids: Path, name: str) -> None:
    proof = recorded(pids, name)
    if proof is not None:
        _reap(proof.pid)


def shorten(log: Path) -> None:
    """Keep the end of a log that has grown too long; its writer appends and goes on unharmed."""
    if not log.exists() or log.stat().st_size <= LOG_LIMIT:
        return
    with log.open("r+b") as file:
        file.seek(-LOG_KEPT, os.SEEK_END)
        kept = file.read()
        file.seek(0)
        file.write(kept)
        file.truncate()
