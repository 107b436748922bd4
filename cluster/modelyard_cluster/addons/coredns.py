"""CoreDNS: names inside the cluster, and the node's resolvers for all others."""

from __future__ import annotations

from modelyard_cluster.addons.objects import (
    RBAC,
    Object,
    cluster_binding,
    deployment,
    http_probe,
    named,
    rule,
    unprivileged,
)
from modelyard_cluster.addresses import DNS_SERVICE
from modelyard_cluster.configuration import CLUSTER_DOMAIN
from modelyard_cluster.images import COREDNS_IMAGE

NAMESPACE = "kube-system"
NAME = "coredns"
DNS_PORT = 1053
"""Above 1024, so that it runs without root and without a capability."""


def objects(*, has_upstream: bool) -> list[Object]:
    """The whole add-on; without a resolver upstream only the cluster's own names resolve."""
    return [
        named("v1", "ServiceAccount", NAME, NAMESPACE),
        _role(),
        cluster_binding("system:coredns", "system:coredns", NAME, NAMESPACE),
        named("v1", "ConfigMap", NAME, NAMESPACE, data={"Corefile": corefile(has_upstream)}),
        deployment(NAME, NAMESPACE, _pod()),
        _service(),
    ]


def _role() -> Object:
    rules = [
        rule([""], ["endpoints", "services", "pods", "namespaces"], "list watch"),
        rule(["discovery.k8s.io"], ["endpointslices"], "list watch"),
    ]
    return named(f"{RBAC}/v1", "ClusterRole", "system:coredns", rules=rules)


def corefile(has_upstream: bool) -> str:
    """CoreDNS's configuration."""
    lines = [
        f".:{DNS_PORT} {{",
        "    errors",
        "    health :8080 {",
        "        lameduck 2s",
        "    }",
        "    ready :8181",
        f"    kubernetes {CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{",
        "        pods insecure",
        "        fallthrough in-addr.arpa ip6.arpa",
        "        ttl 5",
        "    }",
        *(["    forward . /etc/resolv.conf"] if has_upstream else []),
        "    cache 30 {",
        f"        disable success {CLUSTER_DOMAIN}",
        f"        disable denial {CLUSTER_DOMAIN}",
        "    }",
        "    loop",
        "    reload",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _pod() -> Object:
    container = {
        "name": NAME,
        "image": COREDNS_IMAGE.reference,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "resources": {"requests": {"cpu": "20m", "memory": "40Mi"}, "limits": {"memory": "170Mi"}},
        "ports": [
            {"containerPort": DNS_PORT, "name": "dns", "protocol": "UDP"},
            {"containerPort": DNS_PORT, "name": "dns-tcp", "protocol": "TCP"},
        ],
        "readinessProbe": http_probe("/ready", 8181, periodSeconds=2),
        "livenessProbe": http_probe("/health", 8080, initialDelaySeconds=30, timeoutSeconds=5),
        "securityContext": unprivileged(),
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    return {
        "serviceAccountName": NAME,
        "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }


def _service() -> Object:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": "dns-tcp"},
    ]
    spec = {"selector": {"k8s-app": NAME}, "clusterIP": DNS_SERVICE, "ports": ports}
    return named("v1", "Service", "kube-dns", NAMESPACE, spec=spec)
