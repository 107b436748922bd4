"""The Service that gives a ModelDeployment its stable address."""

from modelyard_crds.model_deployment import ModelDeployment
from modelyard_operator.resources.deployment import child_labels, selector_labels
from modelyard_operator.resources.runtime import Manifest, metadata, with_applied_hash

PORT = 80


def endpoint(deployment: ModelDeployment) -> str:
    """The address inside the cluster."""
    return f"http://{deployment.metadata.name}.{deployment.metadata.namespace}.svc.cluster.local"


def build_service(deployment: ModelDeployment) -> Manifest:
    """The Service, with the ModelDeployment's own name."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(deployment, deployment.metadata.name, child_labels(deployment), {}),
        "spec": {
            "type": "ClusterIP",
            "selector": selector_labels(deployment),
            "ports": [{"name": "http", "port": PORT, "protocol": "TCP", "targetPort": "http"}],
        },
    }
    return with_applied_hash(manifest)
