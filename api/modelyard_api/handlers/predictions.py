"""Predictions: which pods may answer, and waiting for those that are starting."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from modelyard_api.auth import Caller
from modelyard_api.connection import BAD_REQUEST
from modelyard_api.errors import NotFoundError, UnavailableError
from modelyard_api.handlers import lookup
from modelyard_api.mapping.deployments import (
    canary_answers,
    canary_share,
    candidates,
    newest_followed,
    serving,
    tried,
)
from modelyard_api.mapping.view import LATEST, ModelView, ending, fault
from modelyard_api.proxy import PodAnswer, PodRequest, Resolver
from modelyard_api.routing import Choice, Place, Served
from modelyard_api.services import Services
from modelyard_crds import ModelDeployment, names

INFER_PATH = "/infer"
BATCH_PATH = "/predictions"
STARTING_RETRY_SECONDS = 5.0
FAILED_RETRY_SECONDS = 30.0


class Pods(NamedTuple):
    """``host:port`` of the pods that may answer, and of those to ask where one of them breaks."""

    addresses: list[str]
    otherwise: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """Which deployments may answer; chosen again whenever something has changed."""

    choose: Callable[[], Choice]
    missing: Callable[[], NotFoundError]


async def predict_version(
    services: Services,
    caller: Caller,
    path: str,
    place: Place,
    request: PodRequest,
) -> PodAnswer:
    """A pod's answer for a place of the caller's account."""
    if (known := services.routes.find(place)) and (pods := _ready(services, known)):
        return await _send(services, pods, path, request)
    view = await lookup.model_view(services, caller, place.model_name)
    asked = lookup.version_number(view, place.model_version)
    target = Target(
        lambda: _choose(services, place, asked),
        lambda: _not_deployed(view, asked, place.environment),
    )
    return await _predict(services, target, path, request)


def _choose(services: Services, place: Place, asked: int) -> Choice:
    cache = services.caches.deployments.cache
    deployments = cache.find("model", place.account, place.model_name)
    # A version that has only just become READY takes over when its pods answer.
    latest = place.model_version == LATEST
    served = newest_followed(deployments, place.environment) if latest else None
    number = served or asked
    fitting = candidates(deployments, number, place.environment)
    able = [_able(item, number, named=not latest) for item in fitting]
    choice = Choice([served for served in able if served], fitting)
    services.routes.keep(place, choice)
    return choice


async def predict_deployment(
    services: Services, caller: Caller, deployment_id: str, request: PodRequest
) -> PodAnswer:
    """A pod's answer for a deployment: one row for an object, else as many as there are."""
    kind = services.caches.deployments

    def choose() -> Choice:
        found = [
            item
            for item in kind.cache.find("id", caller.account, deployment_id)
            if not ending(item)
        ]
        return Choice([Served(item, canary_share(item)) for item in found if serving(item)], found)

    if not choose().known:
        await services.reader.find(kind, "id", caller.account, deployment_id)
    target = Target(choose, lambda: _no_deployment(caller, deployment_id))
    path = BATCH_PATH if request.has_rows else INFER_PATH
    return await _predict(services, target, path, request)


def _able(deployment: ModelDeployment, number: int, *, named: bool) -> Served | None:
    """How a deployment answers for a version: itself, by its canary, or by both in their shares.

    Whoever names the version gets that one; ``latest`` is the deployment's to divide.
    """
    if serving(deployment) == number:
        return Served(deployment)
    if tried(deployment) != number or not canary_answers(deployment):
        return None
    return Served(deployment, canary_share(deployment), canary_only=named)


async def _predict(services: Services, target: Target, path: str, request: PodRequest) -> PodAnswer:
    pods = _pods(services, target) or await _started(services, target)
    return await _send(services, pods, path, request)


async def _send(services: Services, pods: Pods, path: str, request: PodRequest) -> PodAnswer:
    seconds = services.settings.prediction_timeout_seconds
    answer = await services.proxy.send(pods.addresses, path, request, seconds, pods.otherwise)
    if answer.status >= BAD_REQUEST and not answer.is_json:
        raise UnavailableError(
            f"A pod of the deployment answered {answer.status} without a reason.",
            suggestions=["Try again shortly.", "Look at the logs of the deployment's pods."],
            retry_after=STARTING_RETRY_SECONDS,
        )
    return answer


def _pods(services: Services, target: Target) -> Pods | None:
    """Pods that can answer now; None while the deployment is starting."""
    choice = target.choose()
    if not choice.known:
        raise target.missing()
    if pods := _ready(services, choice):
        return pods
    if all(item.status.phase == "FAILED" for item in choice.known):
        raise _failed(choice.known[0])
    return None


def _ready(services: Services, choice: Choice) -> Pods | None:
    for served in choice.serving:
        if pods := _pods_of(services.resolver, served):
            return pods
    return None


def _pods_of(resolver: Resolver, served: Served) -> Pods | None:
    """The pods of the canary or of the stable version, as the share falls."""
    deployment, share, canary_only = served
    if canary_only:
        return _pods_at(resolver.canary_addresses(deployment))
    stable = resolver.addresses(deployment)
    if share and random.uniform(0, 100) < share:  # noqa: S311 - to divide load
        canary = resolver.canary_addresses(deployment)
        return _pods_at(canary, stable) or _pods_at(stable)
    return _pods_at(stable)


def _pods_at(addresses: list[str], otherwise: Sequence[str] = ()) -> Pods | None:
    return Pods(addresses, otherwise) if addresses else None


async def _started(services: Services, target: Target) -> Pods:
    """Wait for pods of a deployment that is starting."""
    seconds = services.settings.hold_seconds
    found = await services.caches.serving_changed.until(lambda: _pods(services, target), seconds)
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
