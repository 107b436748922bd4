"""Predictions: which pods may answer, and waiting for those that are starting."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from modelyard_api.auth import Caller
from modelyard_api.errors import NotFoundError, UnavailableError
from modelyard_api.handlers import lookup
from modelyard_api.mapping.deployments import candidates, newest_followed, serving
from modelyard_api.mapping.view import LATEST, ModelView, ending, fault
from modelyard_api.proxy import BAD_REQUEST, PodAnswer, PodRequest
from modelyard_api.services import Services
from modelyard_crds import ModelDeployment, names

INFER_PATH = "/infer"
BATCH_PATH = "/predictions"
STARTING_RETRY_SECONDS = 5.0
FAILED_RETRY_SECONDS = 30.0
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a request asks to be predicted."""

    body: bytes
    request_id: str
    media: str = JSON
    query: str = ""
    accept: str = ""

    @property
    def has_rows(self) -> bool:
        """Whether it is of any number of rows, and not of one."""
        return self.media != JSON or self.body.lstrip()[:1] == b"["


class Choice(NamedTuple):
    """Deployments that serve what is asked for, and all that do or are on the way to it."""

    serving: list[ModelDeployment]
    known: list[ModelDeployment]


@dataclass(frozen=True, slots=True)
class Target:
    """Which deployments may answer; chosen again whenever something has changed."""

    choose: Callable[[], Choice]
    missing: Callable[[], NotFoundError]


async def predict_version(
    services: Services,
    caller: Caller,
    path: str,
    place: tuple[str, str, str | None],
    prediction: Prediction,
) -> PodAnswer:
    """A pod's answer for a place: model, version and, where one is named, environment."""
    name, version, environment = place
    view = await lookup.model_view(services, caller, name)
    asked = lookup.version_number(view, version)

    def choose() -> Choice:
        deployments = services.caches.deployments.cache.find("model", caller.account, name)
        # A version that has only just become READY takes over when its pods answer.
        served = newest_followed(deployments, environment) if version == LATEST else None
        number = served or asked
        fitting = candidates(deployments, number, environment)
        return Choice([item for item in fitting if serving(item) == number], fitting)

    target = Target(choose, lambda: _not_deployed(view, asked, environment))
    return await _predict(services, target, path, prediction)


async def predict_deployment(
    services: Services, caller: Caller, deployment_id: str, prediction: Prediction
) -> PodAnswer:
    """A pod's answer for a deployment: one row for an object, else as many as there are."""
    kind = services.caches.deployments

    def choose() -> Choice:
        found = [
            item
            for item in kind.cache.find("id", caller.account, deployment_id)
            if not ending(item)
        ]
        return Choice([item for item in found if serving(item)], found)

    if not choose().known:
        await services.reader.find(kind, "id", caller.account, deployment_id)
    target = Target(choose, lambda: _no_deployment(caller, deployment_id))
    path = BATCH_PATH if prediction.has_rows else INFER_PATH
    return await _predict(services, target, path, prediction)


async def _predict(
    services: Services, target: Target, path: str, prediction: Prediction
) -> PodAnswer:
    addresses = _addresses(services, target) or await _started(services, target)
    headers = {"Content-Type": prediction.media, "X-Request-Id": prediction.request_id}
    if prediction.media != JSON and prediction.accept:
        headers["Accept"] = prediction.accept
    request = PodRequest(path, prediction.body, headers, prediction.query)
    seconds = services.settings.prediction_timeout_seconds
    answer = await services.proxy.send(addresses, request, seconds)
    if answer.status >= BAD_REQUEST and not answer.is_json:
        raise UnavailableError(
            f"A pod of the deployment answered {answer.status} without a reason.",
            suggestions=["Try again shortly.", "Look at the logs of the deployment's pods."],
            retry_after=STARTING_RETRY_SECONDS,
        )
    return answer


def _addresses(services: Services, target: Target) -> list[str]:
    """Pods that can answer now; empty while the deployment is starting."""
    choice = target.choose()
    if not choice.known:
        raise target.missing()
    for item in choice.serving:
        if addresses := services.resolver.addresses(item):
            return addresses
    if all(item.status.phase == "FAILED" for item in choice.known):
        raise _failed(choice.known[0])
    return []


async def _started(services: Services, target: Target) -> list[str]:
    """Wait for pods of a deployment that is starting."""
    seconds = services.settings.hold_seconds
    found = await services.caches.serving_changed.until(
        lambda: _addresses(services, target) or None, seconds
    )
    if found:
        return found
    raise UnavailableError(
        f"The deployment is starting and did not become ready within {seconds:g} s.",
        suggestions=["Try again shortly.", "Look at the deployment's status."],
        retry_after=STARTING_RETRY_SECONDS,
    )


def _failed(deployment: ModelDeployment) -> UnavailableError:
    cause = fault(deployment.status.conditions)
    return UnavailableError(
        "The deployment has failed." + (f" {cause.message}" if cause else ""),
        details={"reason": cause.reason} if cause else {},
        suggestions=["Deploy it again, or another version, once the cause is gone."],
        retry_after=FAILED_RETRY_SECONDS,
    )


def _no_deployment(caller: Caller, deployment_id: str) -> NotFoundError:
    return NotFoundError(
        f"Deployment '{deployment_id[:80]}' does not exist in account '{caller.account}'.",
        details={"deployment_id": deployment_id[:80]},
        suggestions=["List deployments with GET /models/{model_name}/deployments."],
    )


def _not_deployed(view: ModelView, number: int, environment: str | None) -> NotFoundError:
    label, status = names.version_label(number), view.version_status(number)
    place = f" to environment '{environment}'" if environment else ""
    match status:
        case "READY":
            hint = f'Deploy it with POST /models/{view.name}/deploy {{"version": {number}}}.'
        case "ERROR":
            hint = (
                f"Read why it failed with GET /models/{view.name}/{label}/status, then build "
                f"another with POST /models/{view.name}/retrain."
            )
        case _:
            hint = f"Wait for READY with GET /models/{view.name}/{label}/status, then deploy it."
    return NotFoundError(
        f"Version {label} of model '{view.name}' is {status} and not deployed{place}.",
        details={"model_name": view.name, "model_version": label, "status": status},
        suggestions=[hint, f"List what is deployed with GET /models/{view.name}/deployments."],
    )
