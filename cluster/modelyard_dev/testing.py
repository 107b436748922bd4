"""``make test``: unit tests, then the real cluster in a state of its own, gone at the end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelyard_cluster import packages
from modelyard_cluster.console import elapsed_text, say
from modelyard_cluster.errors import ClusterError, MachineError
from modelyard_dev.cluster import Cluster, cluster_command
from modelyard_dev.install import SYSTEM_NAMESPACE, api_key
from modelyard_dev.prepare import ensure_installed, facade_url

NAME = "test"
ACCOUNT = "tests"


def run_tests(root: Path, port: int, selection: list[str]) -> None:
    """Run every test; ``selection`` are further arguments of pytest for the cluster's part.

    Raises:
        ClusterError: a test failed, or the cluster could not be had.
    """
    minutes: dict[str, float] = {}
    try:
        with _timed(minutes, "unit tests"):
            _pytest(root, ["tests", "cluster/tests"], os.environ | {}, "unit tests")
        with _timed(minutes, "cluster, images, install"):
            cluster = ensure_installed(root, NAME, port, ACCOUNT)
            _have_test_programs()
        with _timed(minutes, "cluster tests"):
            environment = _environment(cluster, port)
            arguments = ["-m", "cluster", *(selection or ["tests"])]
            _pytest(root, arguments, environment, "cluster tests")
    finally:
        with _timed(minutes, "clean-up"):
            cluster_command("down", "--name", NAME)
        say("Where the time went:")
        for what, seconds in minutes.items():
            say(f"  {elapsed_text(seconds):>12}  {what}")


def _have_test_programs() -> None:
    """Install what single tests use; a test whose program cannot be had is skipped and says so."""
    try:
        packages.ensure_packages(packages.TEST_PACKAGES)
    except MachineError as error:
        say(f"Some tests will be skipped: {error}")


def _environment(cluster: Cluster, port: int) -> dict[str, str]:
    return {
        **os.environ,
        **cluster.environment,
        "MODELYARD_URL": facade_url(port),
        "MODELYARD_API_KEY": api_key(cluster),
        "MODELYARD_NAMESPACE": ACCOUNT,
        "MODELYARD_SYSTEM_NAMESPACE": SYSTEM_NAMESPACE,
    }


def _pytest(root: Path, arguments: list[str], environment: dict[str, str], what: str) -> None:
    command = [str(root / ".venv/bin/python"), "-m", "pytest", "--durations=15", *arguments]
    if subprocess.run(command, cwd=root, env=environment, check=False).returncode != 0:
        raise ClusterError(f"The {what} failed; the report is above.")


@contextmanager
def _timed(minutes: dict[str, float], what: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        minutes[what] = time.monotonic() - began
