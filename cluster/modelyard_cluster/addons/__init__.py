"""What runs in the cluster before anything of ours: DNS, metrics, storage.

The manifests are functions that return objects, one module an add-on; :func:`everything` is what
``up`` applies and :data:`DEPLOYMENTS` what it then waits for.
"""

from __future__ import annotations

from modelyard_cluster.addons import coredns, local_path, metrics_server
from modelyard_cluster.addons.objects import Object

DEPLOYMENTS = (
    ("kube-system", "coredns"),
    ("local-path-storage", "local-path-provisioner"),
    ("kube-system", "metrics-server"),
)

API_SERVICE = metrics_server.API_SERVICE
__all__ = ["API_SERVICE", "DEPLOYMENTS", "Object", "everything"]


def everything(*, has_upstream_dns: bool, volumes: str) -> list[Object]:
    """All add-ons of the local cluster."""
    return [
        *coredns.objects(has_upstream=has_upstream_dns),
        *local_path.objects(volumes),
        *metrics_server.objects(),
    ]
