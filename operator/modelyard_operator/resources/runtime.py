"""What every pod of the operator has in common: image, confinement, labels, the store's mount."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelyard_crds import names
from modelyard_crds.base import ApiModel, Resource
from modelyard_crds.build import ENV_POD_UID, PLANNER_MOUNT, PODS_MOUNT, SOURCE_MOUNT, STORE_MOUNT
from modelyard_crds.fields import NodeSelector, Toleration

#: User and group of the images; the restricted Pod Security Standard wants a number above 0.
UID = 10001

Manifest = dict[str, Any]


#: A pod of a Job has nothing to finish when it is told to end: what is half done is no artifact.
#: As process 1 it hears nothing of it while the interpreter starts: it is killed soon after.
OF_A_JOB: Manifest = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5}


@dataclass(frozen=True)
class Runtime:
    """The image of training and serving pods, and how nodes get it."""

    image: str
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    otlp_endpoint: str = ""
    planner_url: str = ""
    planner_model: str = ""


@dataclass(frozen=True)
class Placement:
    """Where a pod may run."""

    node_selector: NodeSelector | None = None
    tolerations: Sequence[Toleration] | None = None
    priority_class_name: str | None = None


def metadata(
    owner: Resource,
    name: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    *,
    outlived: bool = False,
) -> Manifest:
    """Metadata of a child in its owner's namespace.

    An ``outlived`` child ends before its owner does where that is deleted in the foreground.
    """
    return {
        "name": name,
        "namespace": owner.metadata.namespace,
        "labels": dict(labels),
        **({"annotations": dict(annotations)} if annotations else {}),
        "ownerReferences": [{**owner.owner_reference(), "blockOwnerDeletion": outlived}],
    }


def container(
    runtime: Runtime,
    name: str,
    command: Sequence[str],
    request: tuple[str, ApiModel],
    resources: Manifest,
) -> Manifest:
    """A container that satisfies the restricted Pod Security Standard."""
    variable, work = request
    return {
        "name": name,
        "image": runtime.image,
        "imagePullPolicy": runtime.pull_policy,
        "command": list(command),
        "env": [
            {"name": variable, "value": work.model_dump_json(by_alias=True, exclude_none=True)},
            {"name": ENV_POD_UID, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
        ],
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePath": "/dev/termination-log",
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
            {"name": "store", "mountPath": STORE_MOUNT, "readOnly": True},
        ],
    }


def pod_spec(
    runtime: Runtime,
    main: Manifest,
    placement: Placement,
    *,
    source_secret: str | None = None,
    pods_secret: str | None = None,
    planner_secret: str | None = None,
    **extra: Any,
) -> Manifest:
    """The pod around a container: no token, not root, nothing to write to but /tmp."""
    volumes = [
        {"name": "tmp", "emptyDir": {}},
        _secret_volume("store", names.STORE_SECRET),
    ]
    further = (
        ("source", source_secret, SOURCE_MOUNT),
        ("pods", pods_secret, PODS_MOUNT),
        ("planner", planner_secret, PLANNER_MOUNT),
    )
    for name, secret, path in further:
        if secret is not None:
            # A plan does without the planner's key, which not every endpoint asks for.
            volumes.append(_secret_volume(name, secret, optional=name == "planner"))
            mount = {"name": name, "mountPath": path, "readOnly": True}
            main = {**main, "volumeMounts": [*main["volumeMounts"], mount]}
    spec: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [main],
        "volumes": volumes,
        **extra,
    }
    if runtime.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in runtime.pull_secrets]
    return {**spec, **_placement(placement)}


def _secret_volume(name: str, secret: str, *, optional: bool = False) -> Manifest:
    # 0440 with the pod's fsGroup: readable by the pod's user and nobody else.
    given = {"secretName": secret, "defaultMode": 0o440}
    return {"name": name, "secret": given | ({"optional": True} if optional else {})}


def _placement(placement: Placement) -> Manifest:
    spec: Manifest = {}
    if placement.node_selector:
        spec["nodeSelector"] = dict(placement.node_selector)
    if placement.tolerations:
        spec["tolerations"] = [toleration.to_json() for toleration in placement.tolerations]
    if placement.priority_class_name:
        spec["priorityClassName"] = placement.priority_class_name
    return spec


def with_applied_hash(manifest: Manifest) -> Manifest:
    """The object with the hash of itself, by which fields taken out of it are noticed."""
    annotations = manifest["metadata"].get("annotations", {})
    stamped = {**annotations, names.ANNOTATION_APPLIED: names.content_hash(manifest)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": stamped}}
