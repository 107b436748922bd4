"""schemathesis over the façade's OpenAPI: requests made from it, and answers held against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.kubectl import Kubectl

CONFIG = Path(__file__).parents[1] / "contract" / "schemathesis.toml"
#: Models of made-up data must not be built: the machine has other work.
NO_PODS = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-pods"},
    "spec": {"hard": {"pods": "0"}},
}


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    passed: bool
    calls: int
    report: str


def make_token(kubectl: Kubectl) -> str:
    """A token with every right in the namespace.

    Not a key: requests that revoke keys would sooner or later revoke their own.
    """
    kubectl.create(NO_PODS)
    kubectl.run("create", "serviceaccount", "fuzz")
    everything = ["--verb=*", "--resource=*.modelyard.dev"]
    kubectl.run("create", "role", "fuzz", *everything)
    account = f"--serviceaccount={kubectl.namespace}:fuzz"
    kubectl.run("create", "rolebinding", "fuzz", "--role=fuzz", account)
    return kubectl.run("create", "token", "fuzz", "--duration=6h").strip()


def run(url: str, token: str, folder: Path, *, examples: int, seed: int, within: float) -> Outcome:
    """Try every operation with so many examples of each kind, alone and by links."""
    report = folder / "report.json"
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={CONFIG}",
        "run",
        f"{url}/openapi.json",
        f"--max-examples={examples}",
        f"--seed={seed}",
        f"--report-json-path={report}",
        "--workers=2",
        "--no-shrink",
    ]
    done = subprocess.run(
        command,
        env=os.environ | {"MODELYARD_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
        timeout=within,
        cwd=folder,
    )
    return Outcome(done.returncode == 0, calls_of(report), done.stdout + done.stderr)


def calls_of(report: Path) -> int:
    """How many requests a run came to."""
    return int(json.loads(report.read_text())["test_cases"]["generated"])
