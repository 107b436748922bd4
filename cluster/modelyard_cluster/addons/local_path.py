"""local-path-provisioner: the default StorageClass, with each volume a folder of the state."""

from __future__ import annotations

import json

from modelyard_cluster.addons.objects import (
    RBAC,
    Object,
    binding,
    cluster_binding,
    deployment,
    named,
    rule,
    unprivileged,
)
from modelyard_cluster.images import BUSYBOX_IMAGE, LOCAL_PATH_IMAGE

NAMESPACE = "local-path-storage"
NAME = "local-path-provisioner"
STORAGE_CLASS = "local-path"
SETUP = '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n'
TEARDOWN = '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n'


def objects(volumes: str) -> list[Object]:
    """The whole add-on; ``volumes`` is the folder on the node."""
    return [
        named("v1", "Namespace", NAMESPACE),
        named("v1", "ServiceAccount", NAME, NAMESPACE),
        *_roles(),
        binding(NAME, NAME, NAME, NAMESPACE),
        cluster_binding(NAME, NAME, NAME, NAMESPACE),
        named("v1", "ConfigMap", NAME, NAMESPACE, data=_configuration(volumes)),
        deployment(NAME, NAMESPACE, _pod()),
        _storage_class(),
    ]


def _roles() -> list[Object]:
    every = "get list watch create patch update delete"
    cluster_rules = [
        rule(
            [""],
            ["nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"],
            "get list watch",
        ),
        rule([""], ["persistentvolumes"], every),
        rule([""], ["events"], "create patch"),
        rule(["storage.k8s.io"], ["storageclasses"], "get list watch"),
    ]
    pods = [rule([""], ["pods"], every)]
    return [
        named(f"{RBAC}/v1", "Role", NAME, NAMESPACE, rules=pods),
        named(f"{RBAC}/v1", "ClusterRole", NAME, rules=cluster_rules),
    ]


def _configuration(volumes: str) -> dict[str, str]:
    paths = [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [volumes]}]
    helper = {"name": "helper-pod", "image": BUSYBOX_IMAGE.reference}
    pod = named("v1", "Pod", "helper-pod")
    pod["spec"] = {"containers": [helper | {"imagePullPolicy": "IfNotPresent"}]}
    return {
        "config.json": json.dumps({"nodePathMap": paths}),
        "setup": SETUP,
        "teardown": TEARDOWN,
        "helperPod.yaml": json.dumps(pod),
    }


def _pod() -> Object:
    container = {
        "name": NAME,
        "image": LOCAL_PATH_IMAGE.reference,
        "imagePullPolicy": "IfNotPresent",
        "args": ["start", "--config", "/etc/config/config.json", "--configmap-name", NAME],
        "env": [
            {
                "name": "POD_NAMESPACE",
                "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}},
            },
            {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"},
            {"name": "SERVICE_ACCOUNT_NAME", "value": NAME},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "30Mi"}},
        "securityContext": unprivileged(),
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": True}],
    }
    return {
        "serviceAccountName": NAME,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }


def _storage_class() -> Object:
    made = named("storage.k8s.io/v1", "StorageClass", STORAGE_CLASS)
    made["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    return made | {
        "provisioner": "rancher.io/local-path",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
    }
