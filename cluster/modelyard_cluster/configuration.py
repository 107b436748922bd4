"""The configuration files of the local cluster's parts: pure functions of where things are."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from string import Template
from typing import Any

from modelyard_cluster import addresses, cgroups
from modelyard_cluster.errors import UsageError
from modelyard_cluster.paths import StatePaths

CLUSTER_DOMAIN = "cluster.local"
API_PORT = 6443
PROXY_HEALTH_PORT = 10256
MAX_PODS = 200
PORTS = range(1, 65536)
TEMPLATES = Path(__file__).parent / "files"

Object = dict[str, Any]


def node_name(name: str) -> str:
    """The name of the cluster's only node."""
    return f"modelyard-{name}"


def kubelet(paths: StatePaths, resolv_conf: Path) -> Object:
    """The kubelet's configuration; the reasons for the unusual values are in the README."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(paths.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups.kubelet_root(paths.name),
        "clusterDNS": [addresses.DNS_SERVICE],
        "clusterDomain": CLUSTER_DOMAIN,
        "containerLogMaxSize": "10Mi",
        "containerRuntimeEndpoint": f"unix://{paths.containerd_socket}",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "maxPods": MAX_PODS,
        "oomScoreAdj": 0,
        "podLogsDir": str(paths.root / "pod-logs"),
        "readOnlyPort": 0,
        "registerNode": True,
        "resolvConf": str(resolv_conf),
        "serializeImagePulls": False,
        "volumePluginDir": str(paths.kubelet / "volume-plugins"),
    }


def kube_proxy(paths: StatePaths) -> Object:
    """The configuration of kube-proxy; zeros leave the machine's conntrack limits alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(paths.config / "proxy.kubeconfig")},
        "clusterCIDR": addresses.PODS,
        "conntrack": {
            "maxPerCore": 0,
            "tcpCloseWaitTimeout": "0s",
            "tcpEstablishedTimeout": "0s",
        },
        "healthzBindAddress": f"0.0.0.0:{PROXY_HEALTH_PORT}",
        "hostnameOverride": node_name(paths.name),
        "iptables": {"minSyncPeriod": "0s", "syncPeriod": "30s"},
        "mode": "iptables",
        "oomScoreAdj": 0,
    }


def cni(paths: StatePaths) -> Object:
    """The pods' network: a bridge in the cluster's namespace, with host ports."""
    ipam = {
        "type": "host-local",
        "dataDir": str(paths.root / "cni"),
        "ranges": [[{"subnet": addresses.PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": ipam,
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
    return {"cniVersion": "0.4.0", "name": node_name(paths.name), "plugins": [bridge, portmap]}


def containerd(paths: StatePaths, *, pause_image: str, cni_plugins: Path) -> str:
    """containerd's configuration: nothing is shared with a containerd of the machine."""
    template = Template((TEMPLATES / "containerd.toml").read_text(encoding="utf-8"))
    return template.substitute(
        root=paths.containerd / "root",
        state=paths.containerd / "state",
        socket=paths.containerd_socket,
        runc_root=paths.containerd / "runc",
        pause_image=pause_image,
        cni_plugins=cni_plugins,
        cni_conf=paths.config / "cni",
        disable_apparmor=json.dumps(not has_apparmor()),
    )


def has_apparmor() -> bool:
    """Whether containers can be put under an AppArmor profile on this machine."""
    loader = Path("/sbin/apparmor_parser")
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    return loader.exists() and enabled.exists() and enabled.read_text().strip() == "Y"


def kubeconfig(server: str, pki: Path, user: str, context: str) -> Object:
    """A kubeconfig for one user, complete in itself."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [
            {
                "name": context,
                "cluster": {"server": server, "certificate-authority-data": _data(pki / "ca.crt")},
            }
        ],
        "users": [
            {
                "name": f"{context}-{user}",
                "user": {
                    "client-certificate-data": _data(pki / f"{user}.crt"),
                    "client-key-data": _data(pki / f"{user}.key"),
                },
            }
        ],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": f"{context}-{user}"}}
        ],
    }


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")


def upstream_resolvers(resolv_conf: str) -> tuple[str, list[str]]:
    """The node's ``resolv.conf`` without resolvers on loopback, and the resolvers that are left.

    The cluster's network has a loopback of its own, where the machine's resolver is not.
    """
    lines, servers = [], []
    for line in resolv_conf.splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and words[1:]:
            if words[1].startswith("127.") or words[1] == "::1":
                continue
            servers.append(words[1])
        lines.append(line)
    return "\n".join(lines) + "\n", servers


def parse_port(text: str) -> int:
    """A TCP port.

    Raises:
        UsageError: it is not one that an ordinary program may listen on.
    """
    if not text.isdigit() or int(text) not in PORTS:
        raise UsageError(f"{text!r} is not a port.", "Give a number from 1 to 65535.")
    return int(text)
