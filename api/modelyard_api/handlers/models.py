"""Models: list, read, create, change, delete."""

import asyncio
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from modelyard_api.auth import Caller
from modelyard_api.errors import ConflictError
from modelyard_api.handlers import idempotency, lookup
from modelyard_api.mapping import models as mapping
from modelyard_api.mapping import rest, versions
from modelyard_api.mapping.paging import page
from modelyard_api.services import Services
from modelyard_api.writes import AlreadyExistsError
from modelyard_crds import Model, names
from modelyard_crds.fields import Metric
from modelyard_crds.model import Phase

_METRIC: TypeAdapter[Metric] = TypeAdapter(Metric)


def list_models(
    services: Services,
    caller: Caller,
    *,
    limit: int,
    offset: int,
    status: Phase | None,
    sort_by: str,
    descending: bool,
) -> bytes:
    """A page of the account's models, as the JSON of a ``rest.ModelList``."""
    cache, account = services.caches.models.cache, caller.account
    models: Sequence[Model] = cache.ordered(
        account, by_name=sort_by == "name", descending=descending
    )
    if status:
        models = [model for model in models if (model.status.phase or "DRAFT") == status]
    shown, pagination = page(models, limit, offset)
    lines = [services.summaries.of(lookup.view_of(services, model)) for model in shown]
    return mapping.list_json(lines, pagination)


async def get_model(
    services: Services, caller: Caller, name: str, base_url: str
) -> rest.ModelDetail:
    """All about a model."""
    view = await lookup.model_view(services, caller, name)
    dataset = services.caches.datasets.cache.get(caller.account, view.model.spec.dataset_ref.name)
    return mapping.detail(view, dataset, base_url)


async def create_model(
    services: Services,
    caller: Caller,
    name: str,
    body: rest.ModelCreate,
    idempotency_key: str | None,
    metric: Metric | None = None,
) -> rest.BuildStarted:
    """Create a model; its first version is built as soon as its dataset is ready."""
    lookup.check_model_name(name)
    dataset = await lookup.dataset(services, caller, body.dataset_id)
    spec = mapping.model_spec(name, body, dataset.metadata.name)
    if metric:
        spec["training"] = {"metric": metric}
    token = idempotency.token(caller, f"create {name}", idempotency_key, spec)
    annotations = {names.ANNOTATION_CREATED_BY: caller.user_id}
    if token:
        annotations |= token.annotations
    kind = services.caches.models
    try:
        model = await services.writer.create(
            kind, caller.account, name, spec, annotations=annotations
        )
    except AlreadyExistsError:
        model = await _made_before(services, caller, name, token)
    return versions.created(lookup.view_of(services, model))


async def create_by_goal(
    services: Services,
    caller: Caller,
    name: str,
    body: rest.ModelCreateByGoal,
    idempotency_key: str | None,
) -> rest.BuildStarted:
    """Create a model in the older words; ``eval`` is a metric where it is one of ours."""
    create = rest.ModelCreate(intent=body.goal, dataset_id=body.upload_id)
    try:
        metric = _METRIC.validate_python((body.eval or "").strip().lower())
    except ValidationError:
        metric = None
    return await create_model(services, caller, name, create, idempotency_key, metric)


async def update_model(
    services: Services, caller: Caller, name: str, body: rest.ModelUpdate
) -> rest.ModelUpdated:
    """Change metadata of a model; makes no version."""
    await lookup.model_view(services, caller, name)
    patch = mapping.metadata_patch(body, services.now())
    model = await services.writer.patch(services.caches.models, caller.account, name, patch)
    return mapping.updated(lookup.view_of(services, model))


async def delete_model(services: Services, caller: Caller, name: str) -> rest.ModelDeleted:
    """Delete a model and its deployments; versions and artifacts are collected after it."""
    view = await lookup.model_view(services, caller, name)
    caches, writer = services.caches, services.writer
    await asyncio.gather(
        writer.delete(caches.models, view.model),
        *(writer.delete(caches.deployments, item) for item in view.deployments),
    )
    return rest.ModelDeleted(
        model_name=view.name, model_version=view.label, deleted_at=services.now()
    )


async def _made_before(
    services: Services, caller: Caller, name: str, token: idempotency.Token | None
) -> Model:
    """The model that an earlier try of the same request made.

    Raises ConflictError where another request made it.
    """
    present = await services.reader.get(services.caches.models, caller.account, name)
    if present and token and token.made(present.metadata.annotations):
        return present
    raise ConflictError(
        f"Model '{name}' already exists in account '{caller.account}'.",
        details={"model_name": name},
        suggestions=[
            f"Build a new version with POST /models/{name}/versions.",
            f"Read it with GET /models/{name}.",
            "Take another name.",
        ],
    ) from None
