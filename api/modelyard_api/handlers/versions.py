"""Versions: list, read, status, and the requests that make the next one."""

import secrets
from typing import Any

from modelyard_api.annotations import REQUESTED_VERSION
from modelyard_api.auth import Caller
from modelyard_api.errors import ConflictError, NotFoundError, UnavailableError
from modelyard_api.handlers import idempotency, lookup
from modelyard_api.manifests import digest_of
from modelyard_api.mapping import model_openapi, rest, versions
from modelyard_api.mapping import models as model_mapping
from modelyard_api.mapping.view import ModelView
from modelyard_api.services import Services
from modelyard_api.store import RETRY_SECONDS
from modelyard_crds import ModelVersion, names
from modelyard_crds.model_card import CARD_DATA_FILE, CARD_FILE


async def list_versions(services: Services, caller: Caller, name: str) -> rest.VersionList:
    """All versions of a model."""
    return versions.version_list(await lookup.model_view(services, caller, name))


async def version_status(
    services: Services, caller: Caller, name: str, version: str
) -> rest.ModelStatusAnswer:
    """How far a version is."""
    view = await lookup.model_view(services, caller, name)
    return versions.status_answer(view, lookup.version_number(view, version))


async def describe(
    services: Services, caller: Caller, name: str, version: str, *, with_plan: bool
) -> rest.ModelDescription:
    """All about a version."""
    view = await lookup.model_view(services, caller, name)
    number = lookup.version_number(view, version)
    return versions.description(view, number, with_plan=with_plan)


async def openapi(
    services: Services, caller: Caller, place: tuple[str, str], base_url: str
) -> dict[str, Any]:
    """The OpenAPI document of a READY version, given as model and version."""
    found = await _ready(services, caller, place, "its fields are known when it is READY.")
    return model_openapi.document(found, base_url, await services.manifests.example_of(found))


async def card_file(services: Services, caller: Caller, place: tuple[str, str], file: str) -> bytes:
    """A file of the model card of a READY version, given as model and version.

    Raises ConflictError before it is READY, NotFoundError for a file that is none of the card,
    UnavailableError where the store does not give it.
    """
    version = await _ready(services, caller, place, "its card is there when it is READY.")
    card = f"The card of version {names.version_label(version.spec.version)} of model '{place[0]}'"
    manifest = await services.manifests.of(version)
    files = {each.name: each for each in manifest.files} if manifest else {}
    found = files.get(file) if is_of_card(file) else None
    if manifest and not found:
        known = ", ".join(sorted(filter(is_of_card, files)))
        raise NotFoundError(
            f"{card} has no file '{file[:80]}'.",
            details={"file": file[:80]},
            suggestions=[f"There are: {known}." if known else "Retrain for a version with a card."],
        )
    content = await services.store.get(found.key) if found else None
    if found is None or content is None or digest_of(content) != found.digest:
        raise UnavailableError(
            f"{card} cannot be read from the store.",
            suggestions=["Try again shortly."],
            retry_after=RETRY_SECONDS,
        )
    return content


def is_of_card(file: str) -> bool:
    """Whether a file of an artifact is its card or one of the plots."""
    return file in {CARD_FILE, CARD_DATA_FILE} or file.endswith(".svg")


async def retrain(
    services: Services,
    caller: Caller,
    name: str,
    body: rest.Retrain,
    idempotency_key: str | None,
) -> rest.RetrainStarted:
    """Make the next version, with new data or settings where the request has some."""
    view = await lookup.model_view(services, caller, name)
    dataset = body.upload_id and await lookup.dataset(services, caller, body.upload_id)
    patch = model_mapping.retrain_patch(
        body, dataset.metadata.name if dataset else None, _token(), services.now()
    )
    token = idempotency.token(caller, f"retrain {name}", idempotency_key, patch["spec"])
    view, number = await _next_version(services, view, patch, token)
    return versions.retrain_started(view, number)


async def create_version(
    services: Services,
    caller: Caller,
    name: str,
    body: rest.VersionCreate,
    idempotency_key: str | None,
) -> rest.VersionStarted:
    """Make the next version from other data, intent or schemas."""
    view = await lookup.model_view(services, caller, name)
    dataset = await lookup.dataset(services, caller, body.dataset_id)
    patch = model_mapping.version_patch(body, dataset.metadata.name, _token(), services.now())
    token = idempotency.token(caller, f"version {name}", idempotency_key, patch["spec"])
    view, number = await _next_version(services, view, patch, token)
    return versions.version_started(view, number)


def ready_version(view: ModelView, wanted: int | str | None) -> int:
    """The version to deploy: the one that is asked for, or the newest READY one.

    Raises ConflictError where it is not READY.
    """
    number = view.ready if wanted is None else lookup.version_number(view, str(wanted))
    if number is not None and view.version_status(number) == "READY":
        return number
    subject = f"Version {names.version_label(number)}" if number else "No version"
    state = f"is {view.version_status(number)}" if number else "is READY yet"
    fault = view.version_fault(number) if number else view.fault()
    watched = names.version_label(number or view.latest or 1)
    raise ConflictError(
        f"{subject} of model '{view.name}' {state}, so it cannot be deployed."
        + (f" {fault.message}" if fault else ""),
        details={"model_name": view.name, "status": view.status},
        suggestions=[f"Wait for READY with GET /models/{view.name}/{watched}/status."],
    )


async def _ready(
    services: Services, caller: Caller, place: tuple[str, str], until: str
) -> ModelVersion:
    """A READY version, given as model and version.

    Raises ConflictError before it is READY; ``until`` says what is not there till then.
    """
    name, label = place
    view = await lookup.model_view(services, caller, name)
    number = lookup.version_number(view, label)
    status = view.version_status(number)
    if status != "READY":
        version = f"Version {names.version_label(number)} of model '{name}'"
        raise ConflictError(f"{version} is {status}; {until}")
    return view.versions[number]


async def _next_version(
    services: Services, view: ModelView, patch: dict[str, Any], token: idempotency.Token | None
) -> tuple[ModelView, int]:
    """Apply a patch that makes a version; the model after it and the version's number.

    The number is the next free one: requests that come before the operator has acted on an
    earlier one are built together, and are rightly answered the same.
    """
    meta = view.model.metadata
    answered = idempotency.answered_version(meta.annotations, token)
    if answered:
        return view, answered
    number = view.next
    annotations = patch["metadata"]["annotations"]
    annotations[REQUESTED_VERSION] = str(number)
    if token:
        annotations |= idempotency.with_answer(meta.annotations, token, number)
    kind = services.caches.models
    model = await services.writer.patch(kind, meta.namespace, meta.name, patch)
    return lookup.view_of(services, model), number


def _token() -> str:
    """A new value of the annotation that makes a version from an unchanged spec."""
    return secrets.token_hex(8)
