"""metrics-server: what ``kubectl top`` shows and what autoscaling decides by."""

from __future__ import annotations

from modelyard_cluster.addons.objects import (
    RBAC,
    Object,
    binding,
    cluster_binding,
    deployment,
    http_probe,
    named,
    rule,
    unprivileged,
)
from modelyard_cluster.images import METRICS_SERVER_IMAGE

NAMESPACE = "kube-system"
NAME = "metrics-server"
GROUP = "metrics.k8s.io"
API_SERVICE = f"v1beta1.{GROUP}"
WRITABLE = "/certificates"


def objects() -> list[Object]:
    """The whole add-on."""
    return [
        named("v1", "ServiceAccount", NAME, NAMESPACE),
        _reader_role(),
        _server_role(),
        _authentication_reader(),
        cluster_binding(f"{NAME}:delegator", "system:auth-delegator", NAME, NAMESPACE),
        cluster_binding("system:metrics-server", "system:metrics-server", NAME, NAMESPACE),
        deployment(NAME, NAMESPACE, _pod()),
        _service(),
        _api_service(),
    ]


def _reader_role() -> Object:
    name = "system:aggregated-metrics-reader"
    role = named(
        f"{RBAC}/v1",
        "ClusterRole",
        name,
        rules=[rule([GROUP], ["pods", "nodes"], "get list watch")],
    )
    to = ("view", "edit", "admin")
    role["metadata"]["labels"] = {f"{RBAC}/aggregate-to-{who}": "true" for who in to}
    return role


def _server_role() -> Object:
    rules = [
        rule([""], ["nodes/metrics"], "get"),
        rule([""], ["pods", "nodes"], "get list watch"),
    ]
    return named(f"{RBAC}/v1", "ClusterRole", "system:metrics-server", rules=rules)


def _authentication_reader() -> Object:
    role = "extension-apiserver-authentication-reader"
    return binding(f"{NAME}-auth-reader", role, NAME, NAMESPACE)


def _pod() -> Object:
    container = {
        "name": NAME,
        "image": METRICS_SERVER_IMAGE.reference,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            f"--cert-dir={WRITABLE}",
            "--secure-port=10250",
            "--kubelet-insecure-tls",
            "--kubelet-preferred-address-types=InternalIP",
            "--kubelet-use-node-status-port",
            "--metric-resolution=15s",
            "--kubelet-request-timeout=5s",
        ],
        "resources": {"requests": {"cpu": "20m", "memory": "60Mi"}},
        "ports": [{"containerPort": 10250, "name": "https"}],
        "readinessProbe": http_probe("/readyz", "https", scheme="HTTPS", periodSeconds=2),
        "livenessProbe": http_probe(
            "/livez", "https", scheme="HTTPS", initialDelaySeconds=30, timeoutSeconds=5
        ),
        "securityContext": unprivileged(),
        "volumeMounts": [{"name": "tmp", "mountPath": WRITABLE}],
    }
    return {
        "serviceAccountName": NAME,
        "priorityClassName": "system-cluster-critical",
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def _service() -> Object:
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": "https"}]
    spec = {"selector": {"k8s-app": NAME}, "ports": ports}
    return named("v1", "Service", NAME, NAMESPACE, spec=spec)


def _api_service() -> Object:
    spec = {
        "group": GROUP,
        "version": "v1beta1",
        "service": {"name": NAME, "namespace": NAMESPACE},
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    return named("apiregistration.k8s.io/v1", "APIService", API_SERVICE, spec=spec)
