"""The kinds that the operator watches and writes: their paths, and what of them is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelyard_crds import Dataset, Model, ModelDeployment, ModelVersion, names
from modelyard_crds.base import Resource

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of API object."""

    api_version: str
    kind: str
    plural: str
    #: Whether its spec is kept in the cache; drift and decisions need it, pods' specs are long.
    keeps_spec: bool = True

    @property
    def group(self) -> str:
        """The API group; empty for core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The API version without its group."""
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The path of an object, or of the collection where no name is given."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(parts)


def _own(resource: type[Resource]) -> Kind:
    return Kind(names.API_VERSION, resource.info.kind, resource.info.plural)


DATASET = _own(Dataset)
MODEL = _own(Model)
MODEL_VERSION = _own(ModelVersion)
MODEL_DEPLOYMENT = _own(ModelDeployment)
JOB = Kind("batch/v1", "Job", "jobs")
POD = Kind("v1", "Pod", "pods", keeps_spec=False)
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
SERVICE = Kind("v1", "Service", "services")
AUTOSCALER = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
DISRUPTION_BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
SECRET = Kind("v1", "Secret", "secrets")
EVENT = Kind("v1", "Event", "events")
LEASE = Kind("coordination.k8s.io/v1", "Lease", "leases")

OWN_KINDS = (DATASET, MODEL, MODEL_VERSION, MODEL_DEPLOYMENT)
#: Watched with the label that every child carries, so that foreign objects cost nothing.
CHILD_KINDS = (JOB, POD, DEPLOYMENT, SERVICE, AUTOSCALER, DISRUPTION_BUDGET)
WATCHED_KINDS = OWN_KINDS + CHILD_KINDS
CHILD_SELECTOR = f"{names.MANAGED_BY}={names.MANAGER}"

_BY_NAME = {kind.kind: kind for kind in (*WATCHED_KINDS, SECRET)}


def kind_named(name: str) -> Kind:
    """The kind of a manifest, by its ``kind``."""
    return _BY_NAME[name]


def slim(kind: Kind, raw: Raw) -> dict[str, Any]:
    """The object without what no decision looks at."""
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    kept = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
    if kind is JOB:
        spec = raw.get("spec", {})
        kept["spec"] = {
            key: spec[key] for key in ("suspend", "activeDeadlineSeconds") if key in spec
        }
    elif kind.keeps_spec:
        kept["spec"] = raw.get("spec", {})
    else:
        kept["spec"] = _pod_spec(raw.get("spec", {}))
    if "status" in raw:
        kept["status"] = raw["status"]
    return kept


def _pod_spec(spec: Raw) -> dict[str, Any]:
    containers = [
        {key: item[key] for key in ("name", "image", "resources") if key in item}
        for item in spec.get("containers", ())
    ]
    return {"nodeName": spec.get("nodeName", ""), "containers": containers}
