"""The cluster as this package uses it: its commands, kubectl and helm, and what they answer."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard_cluster.errors import ClusterError, CommandError
from modelyard_cluster.run import attempt, run

Object = dict[str, Any]


def cluster_command(*arguments: str) -> str:
    """Run a command of modelyard_cluster, its progress shown as it happens.

    Raises:
        ClusterError: it failed; it has said why.
    """
    command = [sys.executable, "-m", "modelyard_cluster", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"`{' '.join(arguments)}` of the cluster did not succeed.")
    return done.stdout.strip()


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up, by its state's name."""

    name: str
    kubeconfig: Path
    binaries: Path

    @classmethod
    def of(cls, name: str) -> Cluster:
        """The cluster of a state that is up.

        Raises:
            ClusterError: there is none of that name.
        """
        kubeconfig = Path(cluster_command("kubeconfig", "--name", name))
        return cls(name, kubeconfig, Path(cluster_command("tools")))

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which kubectl and helm mean this cluster."""
        path = f"{self.binaries}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {"KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl; raises CommandError when it fails."""
        return run(
            [self.binaries / "kubectl", *arguments],
            env=self.environment,
            stdin=stdin,
            timeout=timeout,
        )

    def get(self, *arguments: str) -> Object | None:
        """The JSON of ``kubectl get``; None when it is not there or nobody answers."""
        command: Sequence[str | Path] = [self.binaries / "kubectl", "get", *arguments, "-o", "json"]
        code, out, _ = attempt(command, env=self.environment, timeout=30)
        answer: Object | None = json.loads(out) if code == 0 and out.strip() else None
        return answer

    def helm(self, *arguments: str, timeout: float = 600) -> str:
        """Run helm; raises CommandError when it fails."""
        return run([self.binaries / "helm", *arguments], env=self.environment, timeout=timeout)


def secret_value(cluster: Cluster, namespace: str, name: str, key: str) -> str:
    """A value of a Secret.

    Raises:
        ClusterError: the Secret or the key is not there.
    """
    secret = cluster.get("secret", "--namespace", namespace, name)
    encoded = (secret or {}).get("data", {}).get(key)
    if encoded is None:
        raise ClusterError(
            f"The Secret {namespace}/{name} has no key {key!r}.", "Run `make install` first."
        )
    return base64.b64decode(encoded).decode()


__all__ = ["Cluster", "CommandError", "cluster_command", "secret_value"]
