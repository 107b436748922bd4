"""The local cluster's parts as processes, in the order in which they start."""

from __future__ import annotations

from modelyard_cluster import addresses, network
from modelyard_cluster.components import ETCD, KUBERNETES, KWOK
from modelyard_cluster.configuration import API_PORT, node_name
from modelyard_cluster.paths import StatePaths
from modelyard_cluster.processes import Daemon

ETCD_ADDRESS = "http://127.0.0.1:2379"
AUDIT_LOG = "audit.log"
UNLIMITED = ("--kube-api-qps=5000", "--kube-api-burst=10000")
STOP_ORDER = (
    "kubelet",
    "kube-proxy",
    "kube-scheduler",
    "kube-controller-manager",
    "containerd",
    "kube-apiserver",
    "etcd",
    "forward",
)
"""First who would restart what we end, last what the others write to."""


def api_server(paths: StatePaths, node_address: str) -> list[Daemon]:
    """What can start at once: the container runtime, etcd and the API server."""
    return [
        _inside(paths, "containerd", containerd_command(paths)),
        _inside(paths, "etcd", [str(ETCD.binary("etcd")), *etcd_flags(paths)]),
        _kubernetes(paths, "kube-apiserver", api_server_flags(paths, node_address)),
    ]


def clients(paths: StatePaths, node_address: str) -> list[Daemon]:
    """What gives up when the API server does not know its role yet, and so has to wait for it."""
    return [
        _kubernetes(paths, "kube-controller-manager", controller_manager_flags(paths)),
        _kubernetes(paths, "kube-scheduler", scheduler_flags(paths)),
        _kubernetes(paths, "kubelet", kubelet_flags(paths, node_address)),
        _kubernetes(paths, "kube-proxy", [f"--config={paths.config / 'kube-proxy.json'}"]),
    ]


def simulated(paths: StatePaths, node_address: str) -> list[Daemon]:
    """A control plane with kwok in place of nodes; the first two have to answer before the rest."""
    return [
        _inside(paths, "etcd", [str(ETCD.binary("etcd")), *etcd_flags(paths)]),
        _kubernetes(
            paths,
            "kube-apiserver",
            [*api_server_flags(paths, node_address), *audit_flags(paths)],
        ),
        _kubernetes(
            paths, "kube-controller-manager", [*controller_manager_flags(paths), *UNLIMITED]
        ),
        _kubernetes(paths, "kube-scheduler", [*scheduler_flags(paths), *UNLIMITED]),
        _inside(paths, "kwok", [str(KWOK.binary("kwok")), *kwok_flags(paths)]),
    ]


def _kubernetes(paths: StatePaths, name: str, flags: list[str]) -> Daemon:
    return _inside(paths, name, [str(KUBERNETES.binary(name)), *flags])


def _inside(paths: StatePaths, name: str, command: list[str]) -> Daemon:
    return Daemon(name=name, command=(*network.entering(paths.name), *command))


def containerd_command(paths: StatePaths) -> list[str]:
    """containerd says only what goes wrong."""
    config = str(paths.config / "containerd.toml")
    return ["containerd", "--config", config, "--log-level", "warn"]


def etcd_flags(paths: StatePaths) -> list[str]:
    """One member, for one machine, without fsync: this data may be lost with the power."""
    return [
        "--name=default",
        f"--data-dir={paths.root / 'etcd'}",
        f"--listen-client-urls={ETCD_ADDRESS}",
        f"--advertise-client-urls={ETCD_ADDRESS}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server_flags(paths: StatePaths, node_address: str) -> list[str]:
    """The flags of kube-apiserver; the front-proxy ones are what metrics-server relies on."""
    pki = paths.pki
    return [
        f"--advertise-address={node_address}",
        f"--secure-port={API_PORT}",
        f"--etcd-servers={ETCD_ADDRESS}",
        f"--service-cluster-ip-range={addresses.SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--enable-aggregator-routing=true",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki / 'service-account.pub'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
    ]


def controller_manager_flags(paths: StatePaths) -> list[str]:
    """Autoscaling answers in seconds here, so that a demo shows it and a test can wait for it."""
    kubeconfig = paths.config / "controller-manager.kubeconfig"
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={paths.pki / 'ca.crt'}",
        f"--service-account-private-key-file={paths.pki / 'service-account.key'}",
        f"--cluster-signing-cert-file={paths.pki / 'ca.crt'}",
        f"--cluster-signing-key-file={paths.pki / 'ca.key'}",
        f"--service-cluster-ip-range={addresses.SERVICES}",
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--horizontal-pod-autoscaler-downscale-stabilization=20s",
    ]


def scheduler_flags(paths: StatePaths) -> list[str]:
    """The flags of kube-scheduler."""
    kubeconfig = paths.config / "scheduler.kubeconfig"
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
    ]


def kubelet_flags(paths: StatePaths, node_address: str) -> list[str]:
    """What of the kubelet cannot be said in its configuration file."""
    return [
        f"--config={paths.config / 'kubelet.json'}",
        f"--kubeconfig={paths.config / 'kubelet.kubeconfig'}",
        f"--root-dir={paths.kubelet}",
        f"--cert-dir={paths.kubelet / 'pki'}",
        f"--hostname-override={node_name(paths.name)}",
        f"--node-ip={node_address}",
    ]


def audit_flags(paths: StatePaths) -> list[str]:
    """One file, of whatever size, that whoever measures reads."""
    return [
        f"--audit-policy-file={paths.config / 'audit.yaml'}",
        f"--audit-log-path={paths.logs / AUDIT_LOG}",
        "--audit-log-maxsize=100000",
    ]


def kwok_flags(paths: StatePaths) -> list[str]:
    """Every node is kwok's, with a lease that it renews."""
    return [
        f"--kubeconfig={paths.kubeconfig}",
        f"--config={paths.config / 'kwok.yaml'}",
        "--manage-all-nodes=true",
        "--node-lease-duration-seconds=40",
        "--cidr=10.0.0.0/8",
        "--v=WARN",
    ]
