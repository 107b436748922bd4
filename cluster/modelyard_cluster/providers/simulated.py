"""A real control plane whose nodes and pods are played by kwok: sizes that no machine could run.

Only for measurements (``make bench-operator``). Pods become ready at once, those of Jobs end well
after a while, and nothing is in them: whoever measures plays what they would have done. Limits
that the components put on themselves are off, and the API server writes down each write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelyard_cluster import (
    cgroups,
    checks,
    configuration,
    network,
    node,
    packages,
    processes,
    registry,
    teardown,
    tools,
)
from modelyard_cluster.api import ApiClient
from modelyard_cluster.builds import ensure_built
from modelyard_cluster.components import ETCD, HELM, KUBECTL, KUBERNETES, KWOK
from modelyard_cluster.console import step
from modelyard_cluster.errors import UsageError
from modelyard_cluster.kubectl import apply
from modelyard_cluster.paths import StatePaths, write_atomically
from modelyard_cluster.processes import Daemon
from modelyard_cluster.providers.daemons import named, start_daemon, wait
from modelyard_cluster.providers.local import configure
from modelyard_cluster.state import Record, boot_id, save

COMPONENTS = (KUBERNETES, KWOK, ETCD, KUBECTL, HELM)
NODES = 10
PODS_A_NODE = 5000
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")


@dataclass(frozen=True)
class Simulated:
    """One cluster of this provider."""

    paths: StatePaths
    record: Record

    def up(self) -> Record:
        """Start what does not run, wait until its nodes are ready, return the completed record."""
        paths = self.paths
        checks.check_local_machine()
        registry.check_owner(paths)
        packages.ensure_node_packages()
        ensure_built(COMPONENTS)
        for tool in ("kubectl", "helm"):
            tools.ensure_tool(tool)
        link = registry.claim(paths)
        record = Record(
            self.record.name, "simulated", self.record.port, link.node_address, boot_id=boot_id()
        )
        save(paths, record)
        cgroups.create(paths.name)
        network.connect(paths.name, link)
        with step("certificates and configuration"):
            configure(paths, link.node_address)
            for file in ("audit.yaml", "kwok.yaml"):
                text = (configuration.TEMPLATES / file).read_text(encoding="utf-8")
                write_atomically(paths.config / file, text)
        with step(f"Kubernetes with {NODES} simulated nodes: starting"):
            _start(paths, record)
        return record.with_ready(True)

    def is_up(self) -> bool:
        """Whether nothing is left to do."""
        if self.record.boot_id != boot_id() or not self.paths.kubeconfig.exists():
            return False
        running = all(processes.is_running(self.paths.pids, name) for name in PARTS)
        return running and _nodes_are_ready(ApiClient(self.paths.kubeconfig))

    def down(self) -> None:
        """End everything of it, also what an interrupted run has left."""
        checks.check_root()
        registry.check_owner(self.paths)
        teardown.take_down(self.paths)

    def load(self, images: list[str]) -> None:
        """Refuse: there is nothing to load into.

        Raises:
            UsageError: always.
        """
        listed = " ".join(images)
        raise UsageError(f"Simulated nodes run no images; not loaded: {listed}.")

    def status(self) -> dict[str, str]:
        """Each part of it and how it is."""
        found = {
            name: "running" if processes.is_running(self.paths.pids, name) else "not running"
            for name in PARTS
        }
        ready = _nodes_are_ready(ApiClient(self.paths.kubeconfig))
        found["nodes"] = "ready" if ready else "not ready"
        return found

    def daemon(self, name: str) -> Daemon:
        """How a part is run.

        Raises:
            UsageError: it has no such part.
        """
        return named(_daemons(self.paths, self.record), name)


def _daemons(paths: StatePaths, record: Record) -> list[Daemon]:
    return node.simulated(paths, record.node_address)


def _start(paths: StatePaths, record: Record) -> None:
    processes.forget_dead(paths.pids)
    first, second, *others = _daemons(paths, record)
    start_daemon(paths, first)
    start_daemon(paths, second)
    client = ApiClient(paths.kubeconfig)
    wait(paths, "The API server does not answer", client.is_ready, seconds=120)
    apply(paths.kubeconfig, [simulated_node(number) for number in range(NODES)])
    for daemon in others:
        start_daemon(paths, daemon)
    wait(paths, "Nodes are not ready", lambda: _nodes_are_ready(client), seconds=120)


def _nodes_are_ready(client: ApiClient) -> bool:
    return all(client.node_is_ready(node_name(number)) for number in range(NODES))


def node_name(number: int) -> str:
    """The name of a simulated node."""
    return f"simulated-{number}"


def simulated_node(number: int) -> dict[str, Any]:
    """A node object; kwok keeps it ready."""
    name = node_name(number)
    room = {"cpu": "10000", "memory": "100Ti", "pods": str(PODS_A_NODE)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": room, "capacity": room},
    }
