"""Calling other programs: output captured, failures readable, nothing left running on Ctrl-C.

Each child has its own session, so that a Ctrl-C reaches only us and we end the children in
order, by :func:`end_children`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelyard_cluster.addresses import NEVER_BY_PROXY
from modelyard_cluster.errors import CommandError, MachineError

PROXY_VARIABLES = ("http_proxy", "https_proxy")
ADMIN_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
LINE_LIMIT = 300
_children: set[subprocess.Popen[str]] = set()
ending = threading.Event()
"""Set once the command is to stop: nothing new may start, whoever waits gives up."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment, with what programs here need of it whatever the user's shell says.

    The administrator's folders are on PATH (``su`` often leaves them out), and a proxy is not
    asked for the cluster's own addresses.
    """
    merged = dict(os.environ)
    path = merged.get("PATH", os.defpath).split(os.pathsep)
    merged["PATH"] = os.pathsep.join([*path, *(p for p in ADMIN_PATHS if p not in path)])
    if any(name.lower() in PROXY_VARIABLES for name in merged):
        direct = [merged.get("NO_PROXY") or merged.get("no_proxy") or "", *NEVER_BY_PROXY]
        merged["NO_PROXY"] = merged["no_proxy"] = ",".join(part for part in direct if part)
    merged.update(extra or {})
    return merged


def which(program: str) -> str | None:
    """Where the program is, also in the administrator's folders; None when it is nowhere."""
    return shutil.which(program, path=environment()["PATH"])


def require(program: str, advice: str) -> str:
    """Where the program is.

    Raises:
        MachineError: it is not installed; ``advice`` says how to get it.
    """
    found = which(program)
    if found is None:
        raise MachineError(f"The program {program!r} is not installed.", advice)
    return found


def run(
    command: Sequence[str | Path],
    *,
    advice: str = "",
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 3600.0,
) -> str:
    """Run to the end and return standard output.

    Raises:
        CommandError: the program is missing, failed or took longer than ``timeout``; the message
            ends with the last lines it printed.
    """
    code, out, err = attempt(command, stdin=stdin, env=env, cwd=cwd, timeout=timeout)
    if code != 0:
        shown = " ".join(str(part) for part in command[:4])
        told = last_lines(err or out)
        raise CommandError(f"`{shown} …` failed with {code}: {told}", advice, output=out + err)
    return out


def attempt(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 3600.0,
) -> tuple[int, str, str]:
    """Run to the end and return exit code, output, errors; a missing program is 127, as in sh."""
    try:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment(env),
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        return 127, "", f"{command[0]}: {error.strerror}"
    return _finish(child, stdin, timeout)


def _finish(
    child: subprocess.Popen[str], stdin: str | None, timeout: float
) -> tuple[int, str, str]:
    _children.add(child)
    if ending.is_set():
        _kill_group(child)
    try:
        out, err = child.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill_group(child)
        child.communicate()
        return 124, "", f"no end after {timeout:.0f} s"
    except BaseException:
        _kill_group(child)
        raise
    finally:
        _children.discard(child)
    return child.returncode, out, err


def last_lines(text: str, count: int = 6) -> str:
    """The end of a program's output: what it complained about is there."""
    lines = [line.rstrip()[:LINE_LIMIT] for line in text.splitlines() if line.strip()]
    return "\n    ".join(lines[-count:]) or "it printed nothing"


def end_children(*, for_good: bool = False) -> None:
    """Kill every program we still run, with its own children; ``for_good``: and start no more."""
    if for_good:
        ending.set()
    for child in list(_children):
        _kill_group(child)


def _kill_group(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
