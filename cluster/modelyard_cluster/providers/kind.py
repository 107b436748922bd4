"""kind: the ordinary way to have a cluster where docker or podman runs and images can be pulled."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from modelyard_cluster import images
from modelyard_cluster.addons import metrics_server
from modelyard_cluster.api import wait_until
from modelyard_cluster.builds import ensure_built
from modelyard_cluster.components import CLUSTER_FOLDER, METRICS_SERVER
from modelyard_cluster.console import step
from modelyard_cluster.errors import CommandError, StartError, UsageError
from modelyard_cluster.kubectl import apply
from modelyard_cluster.loading import DAEMONS, into_kind
from modelyard_cluster.paths import StatePaths, write_atomically
from modelyard_cluster.run import attempt, run, which
from modelyard_cluster.state import DEFAULT_PORT, Record, save
from modelyard_cluster.tools import ensure_tool, tool

CONFIG_FILE = CLUSTER_FOLDER / "kind.yaml"
NODE_IMAGE = (
    "kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0"
)
"""Of the pinned kind's release notes: an image works with the kind it was made for."""
READY_SECONDS = "180s"


def daemon() -> str:
    """The container daemon that answers, or nothing."""
    present = (name for name in DAEMONS if which(name))
    return next((name for name in present if attempt([name, "info"], timeout=20)[0] == 0), "")


def why_not() -> str:
    """Why kind cannot be used here; nothing when it can. Pulls the node image on the way."""
    found = daemon()
    if not found:
        return "no docker or podman daemon answers"
    if not which("kind") and not which("go"):
        return "kind is not installed and there is no Go to build it"
    if attempt([found, "image", "inspect", NODE_IMAGE])[0] == 0:
        return ""
    with step(f"kind: pulling {NODE_IMAGE}"):
        code, _, _ = attempt([found, "pull", NODE_IMAGE], timeout=900)
    return "" if code == 0 else f"kind's node image {NODE_IMAGE} cannot be pulled"


def cluster_name(name: str) -> str:
    """The name kind knows the cluster by."""
    return f"modelyard-{name}"


def with_port(config: str, port: int) -> str:
    """The configuration with the façade on another port of the host.

    Raises:
        UsageError: the file was changed so that the port is not found.
    """
    changed, count = re.subn(rf"\bhostPort: {DEFAULT_PORT}\b", f"hostPort: {port}", config)
    if count != 1:
        raise UsageError(f"{CONFIG_FILE} does not say hostPort: {DEFAULT_PORT} exactly once.")
    return changed


@dataclass(frozen=True)
class Kind:
    """One cluster of this provider."""

    paths: StatePaths
    record: Record

    def up(self) -> Record:
        """Start what does not run, wait until all is ready, and return the completed record."""
        paths, record = self.paths, self.record
        ensure_tool("kubectl")
        kind = _kind()
        record = replace(record, ready=False)
        save(paths, record)
        if cluster_name(paths.name) not in _clusters(kind):
            self._create(kind, paths, record)
        elif not paths.kubeconfig.exists():
            _export_kubeconfig(kind, paths)
        self._add_metrics(kind, paths)
        return record.with_ready(True)

    def _create(self, kind: Path, paths: StatePaths, record: Record) -> None:
        config = with_port(CONFIG_FILE.read_text(encoding="utf-8"), record.port)
        write_atomically(paths.config / "kind.yaml", config)
        command = [str(kind), "create", "cluster", "--name", cluster_name(paths.name)]
        command += ["--image", NODE_IMAGE, "--config", str(paths.config / "kind.yaml")]
        command += ["--kubeconfig", str(paths.kubeconfig), "--wait", READY_SECONDS]
        try:
            with step("kind: creating the cluster"):
                run(command, env=_environment())
        except CommandError as error:
            raise StartError(f"kind could not create the cluster: {error.message}") from error

    def _add_metrics(self, kind: Path, paths: StatePaths) -> None:
        """kind brings DNS and storage; only metrics-server is missing."""
        ensure_built([METRICS_SERVER])
        images.ensure_archives([images.METRICS_SERVER_IMAGE])
        archive = str(images.METRICS_SERVER_IMAGE.archive)
        into_kind(kind, cluster_name(paths.name), [archive])
        apply(paths.kubeconfig, metrics_server.objects())
        with step("metrics-server: waiting"):
            wait_until(
                "metrics-server is not available",
                lambda: _is_available(paths),
                seconds=180,
                advice="See: kubectl -n kube-system describe pod -l k8s-app=metrics-server",
            )

    def is_up(self) -> bool:
        """Whether nothing is left to do."""
        return self.paths.kubeconfig.exists() and _is_available(self.paths)

    def down(self) -> None:
        """End everything of it, also what an interrupted run has left."""
        kind = _kind()
        command = [str(kind), "delete", "cluster", "--name", cluster_name(self.paths.name)]
        run(command, env=_environment())
        shutil.rmtree(self.paths.root, ignore_errors=True)

    def load(self, images: list[str]) -> None:
        """Make images or archives of images known to the cluster's node."""
        into_kind(_kind(), cluster_name(self.paths.name), images)

    def status(self) -> dict[str, str]:
        """Each part of it and how it is."""
        exists = cluster_name(self.paths.name) in _clusters(_kind())
        available = exists and _is_available(self.paths)
        return {
            f"kind cluster {cluster_name(self.paths.name)}": "there" if exists else "not there",
            "metrics-server": "available" if available else "not available",
        }


def _kind() -> Path:
    return ensure_tool("kind")


def _environment() -> dict[str, str]:
    return {"KIND_EXPERIMENTAL_PROVIDER": "podman"} if daemon() == "podman" else {}


def _clusters(kind: Path) -> list[str]:
    return attempt([kind, "get", "clusters"], env=_environment())[1].split()


def _export_kubeconfig(kind: Path, paths: StatePaths) -> None:
    command = [str(kind), "export", "kubeconfig", "--name", cluster_name(paths.name)]
    run([*command, "--kubeconfig", str(paths.kubeconfig)], env=_environment())


def _is_available(paths: StatePaths) -> bool:
    command = [str(tool("kubectl")), "--kubeconfig", str(paths.kubeconfig), "--request-timeout=5s"]
    condition = "jsonpath={.status.conditions[?(@.type=='Available')].status}"
    code, out, _ = attempt(
        [*command, "get", "apiservice", metrics_server.API_SERVICE, "-o", condition], timeout=15
    )
    return code == 0 and out.strip() == "True"
