"""ModelDeployment: which version is to be served, and why perhaps none can be."""

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard_crds.model import Model
from modelyard_crds.model_deployment import ModelDeployment
from modelyard_crds.model_version import ModelVersion
from modelyard_crds.reasons import Reason
from modelyard_operator.reconcile.decision import Standing, Verdict
from modelyard_operator.resources.deployment import Servable


@dataclass(frozen=True)
class Target:
    """The version that pods shall serve; the verdict says where that is not what is asked."""

    servable: Servable | None
    verdict: Verdict | None = None


def choose_target(
    deployment: ModelDeployment,
    model: Model | None,
    versions: Sequence[ModelVersion],
    deployed_uid: str | None,
    field: str = "spec.version",
) -> Target:
    """The wanted version, or the present one for as long as the wanted one cannot be served.

    ``field`` is what names the version, for the message.
    """
    wanted = _wanted(deployment, versions, field)
    if model is not None and isinstance(wanted, Servable):
        return Target(wanted)
    present = next(
        (
            servable
            for version in versions
            if version.metadata.uid == deployed_uid and (servable := Servable.of(version))
        ),
        None,
    )
    if model is None:
        name = deployment.spec.model_ref.name
        message = f"Model {name!r} (spec.modelRef.name) does not exist in this namespace"
        standing = Standing.STALLED if deployed_uid else Standing.WAITING
        return Target(present, _verdict(standing, Reason.MODEL_MISSING, message, deployed_uid))
    if isinstance(wanted, Servable):
        return Target(wanted)
    standing, reason, message = wanted
    return Target(present, _verdict(standing, reason, message, deployed_uid))


def _wanted(
    deployment: ModelDeployment, versions: Sequence[ModelVersion], field: str
) -> Servable | tuple[Standing, Reason, str]:
    number = deployment.spec.version
    if number is None:
        ready = [servable for version in versions if (servable := Servable.of(version))]
        if ready:
            return max(ready, key=lambda servable: servable.number)
        name = deployment.spec.model_ref.name
        message = f"Model {name!r} has no READY version yet"
        return Standing.WAITING, Reason.NO_READY_VERSION, message
    pinned = next((version for version in versions if version.spec.version == number), None)
    if pinned is None:
        message = f"Version {number} ({field}) does not exist"
        return Standing.WAITING, Reason.VERSION_MISSING, message
    if servable := Servable.of(pinned):
        return servable
    message = f"Version {number} ({field}) is {pinned.status.phase or 'PENDING'}, not READY"
    standing = Standing.STALLED if pinned.ended else Standing.WAITING
    return standing, Reason.VERSION_NOT_READY, message


def _verdict(standing: Standing, reason: Reason, message: str, deployed_uid: str | None) -> Verdict:
    tail = "; what runs goes on serving." if deployed_uid else "; it is deployed once it is there."
    return Verdict(standing, reason, message + tail)
