"""The PodDisruptionBudget that keeps a drain from taking all pods of a deployment at once."""

from modelyard_crds.model_deployment import ModelDeployment
from modelyard_operator.resources.deployment import child_labels, selector_labels
from modelyard_operator.resources.runtime import Manifest, metadata, with_applied_hash

#: With fewer pods a budget would hold up every drain, or protect nothing.
LEAST_REPLICAS = 2


def build_disruption_budget(deployment: ModelDeployment) -> Manifest:
    """The budget: one pod at a time, and pods that are not healthy never hold up a drain."""
    manifest = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(deployment, deployment.metadata.name, child_labels(deployment), {}),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector_labels(deployment)},
        },
    }
    return with_applied_hash(manifest)
