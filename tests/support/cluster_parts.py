"""The parts of a cluster that was built on this machine, for tests that end them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelyard_cluster import state
from modelyard_cluster.paths import state_paths
from support.durations import MEDIUM
from support.kubectl import Kubectl, Refused, TimedOut, poll

CLUSTER_FOLDER = Path(__file__).parents[2] / "cluster"


def own_cluster() -> str:
    """The name of the cluster under test; skips the test where its parts are not ours to end."""
    name = Path(os.environ["KUBECONFIG"]).parent.name
    record = state.load(state_paths(name))
    if record is None or record.provider != "local":
        pytest.skip("the parts of this cluster are not ours to end")
    return name


def restart(part: str, away: float) -> None:
    """Kill a part, leave it away for some seconds, start it, wait until the API server is ready."""
    command = [sys.executable, "-m", "modelyard_cluster", "restart", part]
    command += ["--name", own_cluster(), "--away", str(away)]
    environment = os.environ | {"PYTHONPATH": str(CLUSTER_FOLDER)}
    subprocess.run(command, check=True, env=environment)
    if poll(_is_ready, MEDIUM) is None:
        raise TimedOut(f"the API server is not ready after the restart of {part}")


def _is_ready() -> bool | None:
    try:
        return Kubectl("default").run("get", "--raw", "/readyz") == "ok" or None
    except (Refused, subprocess.TimeoutExpired):
        return None
