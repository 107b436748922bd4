"""The local build: Kubernetes from source, one node, in a network namespace of its own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from modelyard_cluster import (
    addons,
    addresses,
    certificates,
    cgroups,
    checks,
    configuration,
    images,
    loading,
    network,
    node,
    packages,
    processes,
    registry,
    teardown,
    tools,
)
from modelyard_cluster.api import ApiClient, has_condition
from modelyard_cluster.builds import ensure_built
from modelyard_cluster.components import LOCAL_CLUSTER
from modelyard_cluster.configuration import node_name
from modelyard_cluster.console import say, step
from modelyard_cluster.kubectl import apply
from modelyard_cluster.paths import StatePaths, write_atomically, write_json
from modelyard_cluster.processes import Daemon
from modelyard_cluster.providers.daemons import named, start_daemon, wait
from modelyard_cluster.providers.forwarding import start_forwarder
from modelyard_cluster.state import Record, boot_id, save

RESOLVER_FILES = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
CORE = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "kubelet",
    "kube-proxy",
)


@dataclass(frozen=True)
class Local:
    """One cluster of this provider."""

    paths: StatePaths
    record: Record

    def up(self) -> Record:
        """Start what does not run, wait until all is ready, and return the completed record."""
        paths, record = self.paths, self.record
        checks.check_local_machine()
        registry.check_owner(paths)
        packages.ensure_node_packages()
        ensure_built(LOCAL_CLUSTER)
        for tool in ("kubectl", "helm"):
            tools.ensure_tool(tool)
        images.ensure_archives(images.SYSTEM_IMAGES)
        checks.check_disk(checks.RUN_BYTES)
        link = registry.claim(paths)
        _forget_other_boot(paths, record)
        record = Record(record.name, "local", record.port, link.node_address, boot_id=boot_id())
        save(paths, record)
        cgroups.create(paths.name)
        network.connect(paths.name, link)
        with step("certificates and configuration"):
            has_upstream = configure(paths, link.node_address)
        with step("Kubernetes: starting"):
            _start(paths, record)
        with step("add-ons: DNS, storage, metrics"):
            _start_addons(paths, has_upstream=has_upstream)
        return record.with_ready(True)

    def is_up(self) -> bool:
        """Whether nothing is left to do."""
        if self.record.boot_id != boot_id() or not self.paths.kubeconfig.exists():
            return False
        if not all(processes.is_running(self.paths.pids, name) for name in (*CORE, "forward")):
            return False
        client = ApiClient(self.paths.kubeconfig)
        return client.node_is_ready(node_name(self.paths.name)) and _addons_run(client)

    def down(self) -> None:
        """End everything of it, also what an interrupted run has left."""
        checks.check_root()
        registry.check_owner(self.paths)
        teardown.take_down(self.paths)

    def load(self, images: list[str]) -> None:
        """Make images or archives of images known to the cluster's node."""
        loading.into_containerd(self.paths, images)

    def status(self) -> dict[str, str]:
        """Each part of it and how it is."""
        found = {
            name: "running" if processes.is_running(self.paths.pids, name) else "not running"
            for name in (*CORE, "forward")
        }
        client = ApiClient(self.paths.kubeconfig)
        ready = client.node_is_ready(node_name(self.paths.name))
        found[f"node {node_name(self.paths.name)}"] = "ready" if ready else "not ready"
        for namespace, name in addons.DEPLOYMENTS:
            available = client.deployment_is_available(namespace, name)
            found[name] = "available" if available else "not available"
        return found

    def daemon(self, name: str) -> Daemon:
        """How a part is run.

        Raises:
            UsageError: it has no such part.
        """
        address = self.record.node_address
        daemons = [*node.api_server(self.paths, address), *node.clients(self.paths, address)]
        return named(daemons, name)


def _forget_other_boot(paths: StatePaths, record: Record) -> None:
    """After a restart of the machine the runtime's notes on running containers are wrong."""
    if record.boot_id and record.boot_id != boot_id():
        shutil.rmtree(paths.containerd / "state", ignore_errors=True)
        shutil.rmtree(paths.containerd / "runc", ignore_errors=True)
        shutil.rmtree(paths.pids, ignore_errors=True)


def configure(paths: StatePaths, node_address: str) -> bool:
    """Write certificates and configuration; returns whether outside names can be resolved."""
    leaves = certificates.leaves(node_name(paths.name), [node_address], addresses.API_SERVICE)
    certificates.ensure(paths.pki, leaves)
    context = node_name(paths.name)
    server = f"https://{node_address}:{configuration.API_PORT}"
    for user in ("kubelet", "controller-manager", "scheduler", "proxy"):
        content = configuration.kubeconfig(server, paths.pki, user, context)
        write_json(paths.config / f"{user}.kubeconfig", content, mode=0o600)
    admin = configuration.kubeconfig(server, paths.pki, "admin", context)
    write_json(paths.kubeconfig, admin, mode=0o600)
    has_upstream = _write_resolvers(paths)
    resolvers = paths.config / "resolv.conf"
    write_json(paths.config / "kubelet.json", configuration.kubelet(paths, resolvers))
    write_json(paths.config / "kube-proxy.json", configuration.kube_proxy(paths))
    write_json(paths.config / "cni" / "10-modelyard.conflist", configuration.cni(paths))
    runtime = configuration.containerd(
        paths,
        pause_image=images.PAUSE_IMAGE.reference,
        cni_plugins=packages.cni_folder() or packages.CNI_FOLDERS[0],
    )
    write_atomically(paths.config / "containerd.toml", runtime)
    return has_upstream


def _write_resolvers(paths: StatePaths) -> bool:
    source = next((path for path in RESOLVER_FILES if path.exists()), None)
    text = source.read_text(encoding="utf-8") if source else ""
    kept, servers = configuration.upstream_resolvers(text)
    write_atomically(paths.config / "resolv.conf", kept)
    if not servers:
        say("This machine's only resolver is on loopback: pods resolve the cluster's names only.")
    return bool(servers)


def _start(paths: StatePaths, record: Record) -> None:
    processes.forget_dead(paths.pids)
    for daemon in node.api_server(paths, record.node_address):
        start_daemon(paths, daemon)
    _wait_for_containerd(paths)
    loading.system_images(paths, images.SYSTEM_IMAGES)
    client = ApiClient(paths.kubeconfig)
    wait(paths, "The API server does not answer", client.is_ready, seconds=120)
    for daemon in node.clients(paths, record.node_address):
        start_daemon(paths, daemon)
    start_forwarder(paths, cgroup=cgroups.daemons_file(paths.name))
    name = node_name(paths.name)
    wait(paths, "The node is not ready", lambda: client.node_is_ready(name), seconds=120)


def _wait_for_containerd(paths: StatePaths) -> None:
    def answers() -> bool:
        return loading.containerd_answers(paths)

    wait(paths, "containerd does not answer", answers, seconds=60)


def _start_addons(paths: StatePaths, *, has_upstream: bool) -> None:
    objects = addons.everything(has_upstream_dns=has_upstream, volumes=str(paths.volumes))
    apply(paths.kubeconfig, objects)
    client = ApiClient(paths.kubeconfig)
    for namespace, name in addons.DEPLOYMENTS:

        def available(namespace: str = namespace, name: str = name) -> bool:
            return client.deployment_is_available(namespace, name)

        advice = f"See: kubectl -n {namespace} describe pod -l k8s-app={name}"
        wait(paths, f"{name} is not available", available, seconds=180, advice=advice)
    wait(
        paths,
        "kube-proxy or the metrics API do not answer",
        lambda: _addons_run(client),
        seconds=120,
    )


def _addons_run(client: ApiClient) -> bool:
    metrics = f"/apis/apiregistration.k8s.io/v1/apiservices/{addons.API_SERVICE}"
    return (
        all(client.deployment_is_available(*deployment) for deployment in addons.DEPLOYMENTS)
        and has_condition(client.get(metrics), "Available")
        and client.get("/api/v1/namespaces/default/serviceaccounts/default") is not None
    )
