"""Datasets: add by address or by sending a file, list, read, delete."""

from typing import Any

from modelyard_api.auth import Caller
from modelyard_api.errors import ConflictError, InvalidInputError
from modelyard_api.handlers import idempotency, lookup, uploads
from modelyard_api.handlers.usage import building_from
from modelyard_api.mapping import datasets as mapping
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.mapping.paging import page
from modelyard_api.mapping.text import slug, with_suffix
from modelyard_api.multipart import FormStream
from modelyard_api.services import Services
from modelyard_api.writes import AlreadyExistsError
from modelyard_crds import Dataset, names

FORMATS = ("auto", "csv", "parquet", "jsonl")
NAME_TRIES = 5


async def create_dataset(
    services: Services, caller: Caller, body: rest.DatasetCreate, idempotency_key: str | None
) -> rest.DatasetJson:
    """Add a table at an address."""
    spec = mapping.dataset_spec(body)
    dataset = await _create(services, caller, body.name, spec, idempotency_key)
    return mapping.dataset_json(dataset)


async def create_from_form(
    services: Services, caller: Caller, form: FormStream, idempotency_key: str | None
) -> rest.DatasetJson:
    """Add a table by sending its file."""
    record, fields = await uploads.receive_form(services, caller, form, idempotency_key)
    name = fields.get("name") or record.files[0].filename
    form_name = fields.get("format", "auto")
    if form_name not in FORMATS:
        raise InvalidInputError(f"format is {form_name!r}; expected one of {', '.join(FORMATS)}.")
    spec = mapping.upload_spec(name[:253], fields.get("description"), form_name, record.upload_id)
    dataset = await _create(services, caller, name, spec, idempotency_key)
    return mapping.dataset_json(dataset)


def list_datasets(services: Services, caller: Caller, limit: int, offset: int) -> rest.DatasetList:
    """A page of datasets, newest first."""
    newest_first = services.caches.datasets.cache.ordered(
        caller.account, by_name=False, descending=True
    )
    shown, pagination = page(newest_first, limit, offset)
    datasets = [mapping.dataset_json(item) for item in shown]
    return rest.DatasetList(datasets=datasets, pagination=pagination)


async def get_dataset(services: Services, caller: Caller, reference: str) -> rest.DatasetJson:
    """A dataset by id, upload id or name."""
    return mapping.dataset_json(await lookup.dataset(services, caller, reference))


async def delete_dataset(services: Services, caller: Caller, reference: str) -> rest.DatasetDeleted:
    """Delete a dataset that no build reads."""
    dataset = await lookup.dataset(services, caller, reference)
    dataset_id = names.dataset_id(dataset.metadata.uid)
    if used := building_from(services, dataset):
        raise ConflictError(
            f"Dataset '{dataset.metadata.name}' is read by {', '.join(used)}, being built.",
            details={"dataset_id": dataset_id, "versions": used},
            suggestions=["Wait for the builds or cancel them, then delete it again."],
        )
    await services.writer.delete(services.caches.datasets, dataset)
    return rest.DatasetDeleted(dataset_id=dataset_id, deleted_at=services.now())


async def _create(
    services: Services,
    caller: Caller,
    display_name: str,
    spec: dict[str, Any],
    idempotency_key: str | None,
) -> Dataset:
    """Create a Dataset under the first free name that reminds of the given one."""
    token = idempotency.token(caller, "dataset", idempotency_key, [display_name, spec])
    if present := _made_before(services, caller, token):
        return present
    annotations = {names.ANNOTATION_CREATED_BY: caller.user_id}
    if token:
        annotations |= token.annotations
    plain = slug(display_name, "dataset")
    for attempt in range(NAME_TRIES):
        name = plain if not attempt else with_suffix(plain, services.random_id()[:6])
        try:
            return await services.writer.create(
                services.caches.datasets, caller.account, name, spec, annotations=annotations
            )
        except AlreadyExistsError:
            continue
    raise ConflictError(f"No free name like '{plain}' was found; give another name.")


def _made_before(
    services: Services, caller: Caller, token: idempotency.Token | None
) -> Dataset | None:
    cache = services.caches.datasets.cache
    found = cache.find("idempotency", caller.account, token.key_hash) if token else []
    return next((item for item in found if token and token.made(item.metadata.annotations)), None)
