"""Model: which old versions may go, and what its deployments come to together."""

from collections.abc import Sequence

from modelyard_crds import names
from modelyard_crds.model import DeploymentSummary
from modelyard_crds.model_deployment import ModelDeployment
from modelyard_crds.model_version import ModelVersion
from modelyard_operator.reconcile.decision import Delete


def expired_versions(
    versions: Sequence[ModelVersion], deployments: Sequence[ModelDeployment], *, limit: int
) -> tuple[Delete, ...]:
    """Finished versions beyond the history limit that nothing serves or would fall back to."""
    kept = _in_use(versions, deployments)
    history = [
        version for version in versions if version.ended and version.spec.version not in kept
    ]
    return tuple(
        Delete(
            names.API_VERSION,
            "ModelVersion",
            version.metadata.namespace,
            version.metadata.name,
            version.metadata.uid,
            f"spec.versionHistoryLimit keeps {limit}",
        )
        for version in history[: max(0, len(history) - limit)]
    )


def _in_use(
    versions: Sequence[ModelVersion], deployments: Sequence[ModelDeployment]
) -> frozenset[int | None]:
    newest = versions[-1].spec.version if versions else None
    ready = [version.spec.version for version in versions if version.status.phase == "READY"]
    served = [
        number
        for deployment in deployments
        for number in (
            deployment.spec.version,
            deployment.status.serving_version,
            deployment.status.target_version,
            deployment.spec.canary.version if deployment.spec.canary else None,
        )
    ]
    return frozenset([newest, max(ready, default=None), *served])


def deployment_summary(deployments: Sequence[ModelDeployment]) -> DeploymentSummary | None:
    """One word over all deployments: trouble shows before work, work before rest."""
    phases = {deployment.status.phase or "DEPLOYING" for deployment in deployments}
    if not phases:
        return None
    if phases == {"FAILED"}:
        return "FAILED"
    if phases & {"FAILED", "DEGRADED"}:
        return "DEGRADED"
    if "DEPLOYING" in phases:
        return "DEPLOYING"
    return "UNDEPLOYING" if phases == {"UNDEPLOYING"} else "DEPLOYED"
