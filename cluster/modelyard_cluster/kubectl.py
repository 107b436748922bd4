"""Applying objects; kubectl knows each kind's path, so that we need not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from modelyard_cluster.run import run
from modelyard_cluster.tools import tool


def apply(kubeconfig: Path, objects: list[dict[str, Any]]) -> None:
    """Apply the objects server-side; what is like that already is not written again.

    Raises:
        CommandError: the API server refused one; the message says which and why.
    """
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    command = [str(tool("kubectl")), "--kubeconfig", str(kubeconfig), "apply", "--server-side"]
    command += ["--force-conflicts", "--field-manager=modelyard-cluster", "-f", "-"]
    run(command, stdin=content)
