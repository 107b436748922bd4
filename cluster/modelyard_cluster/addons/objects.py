"""The few shapes that every add-on repeats."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


def named(api_version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> Object:
    """An object with its identity and whatever fields follow."""
    metadata: Object = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def rule(groups: list[str], resources: list[str], verbs: str) -> Object:
    """A rule of a role; ``verbs`` are separated by blanks."""
    return {"apiGroups": groups, "resources": resources, "verbs": verbs.split()}


def cluster_binding(name: str, role: str, account: str, namespace: str) -> Object:
    """Bind a cluster role to a service account."""
    return named(f"{RBAC}/v1", "ClusterRoleBinding", name) | _binding(
        "ClusterRole", role, account, namespace
    )


def binding(name: str, role: str, account: str, namespace: str) -> Object:
    """Bind a role of the namespace to a service account of it."""
    return named(f"{RBAC}/v1", "RoleBinding", name, namespace) | _binding(
        "Role", role, account, namespace
    )


def _binding(kind: str, role: str, account: str, namespace: str) -> Object:
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    return {"roleRef": {"apiGroup": RBAC, "kind": kind, "name": role}, "subjects": [subject]}


def deployment(name: str, namespace: str, pod: Object) -> Object:
    """One replica of the pod, found by the label ``k8s-app``."""
    labels = {"k8s-app": name}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return named("apps/v1", "Deployment", name, namespace, spec=spec)


def unprivileged(**more: Any) -> Object:
    """A security context without root, capabilities and a writable root filesystem."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
        **more,
    }


def http_probe(path: str, port: int | str, *, scheme: str = "HTTP", **more: Any) -> Object:
    """A probe by HTTP."""
    return {"httpGet": {"path": path, "port": port, "scheme": scheme}, **more}
