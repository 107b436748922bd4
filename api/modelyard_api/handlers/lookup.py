"""Finds what a request names, and says in the error what would have been found."""

from modelyard_api.auth import Caller
from modelyard_api.errors import ConflictError, InvalidInputError, NotFoundError, did_you_mean
from modelyard_api.mapping.text import model_name_fault
from modelyard_api.mapping.view import ModelView
from modelyard_api.services import Services
from modelyard_api.writes import AlreadyExistsError
from modelyard_crds import Dataset, Model, ModelDeployment
from modelyard_crds.build import UploadRecord, upload_record_key

DATASET_PREFIX = "ds_"
UPLOAD_PREFIX = "upload_"


def check_model_name(name: str) -> None:
    """Raise InvalidInputError where no model can have the name."""
    if fault := model_name_fault(name):
        raise InvalidInputError(
            fault,
            details={"model_name": name[:80]},
            suggestions=["Take a name such as 'customer-churn'."],
        )


async def model_view(services: Services, caller: Caller, name: str) -> ModelView:
    """A model of the account with its versions and deployments."""
    caches = services.caches
    model = await services.reader.get(caches.models, caller.account, name)
    if model is None:
        raise NotFoundError(
            f"Model '{name[:80]}' does not exist in account '{caller.account}'.",
            details={"model_name": name[:80]},
            suggestions=[
                *did_you_mean(name, caches.models.cache.names(caller.account)),
                "List the models with GET /models.",
                f"Create it with POST /models/{name[:80]}.",
            ],
        )
    return view_of(services, model)


def view_of(services: Services, model: Model) -> ModelView:
    """A model with what the caches hold of it."""
    caches, account, name = services.caches, model.metadata.namespace, model.metadata.name
    uid = model.metadata.uid
    versions = caches.versions.cache.find("model", account, name)
    return ModelView(
        model=model,
        # Versions of an earlier model of the name are about to be collected.
        versions={
            version.spec.version: version
            for version in versions
            if uid in {owner.uid for owner in version.metadata.owner_references}
        },
        deployments=caches.deployments.cache.find("model", account, name),
    )


def version_number(view: ModelView, text: str) -> int:
    """The number of a version of a model, as a path names it."""
    number = view.find(text)
    if number is None:
        known = ", ".join(f"v{n}.0" for n in sorted(view.versions, reverse=True)[:10])
        raise NotFoundError(
            f"Version '{text[:80]}' of model '{view.name}' does not exist.",
            details={"model_name": view.name, "model_version": text[:80]},
            suggestions=[
                f"There are: {known}." if known else "It has no version yet.",
                f"List the versions with GET /models/{view.name}/versions.",
            ],
        )
    return number


async def dataset(services: Services, caller: Caller, reference: str) -> Dataset:
    """The Dataset that a ds_ id, an upload_ id or a name means.

    A finished upload that no Dataset reads yet gets one.
    """
    kind, account = services.caches.datasets, caller.account
    if reference.startswith((DATASET_PREFIX, UPLOAD_PREFIX)):
        found = await services.reader.find(kind, "id", account, reference)
        if found:
            return found[0]
        if reference.startswith(UPLOAD_PREFIX):
            return await dataset_of_upload(services, caller, reference)
    elif by_name := await services.reader.get(kind, account, reference):
        return by_name
    raise NotFoundError(
        f"Dataset '{reference[:80]}' does not exist in account '{account}'.",
        details={"dataset_id": reference[:80]},
        suggestions=[
            *did_you_mean(reference, kind.cache.names(account)),
            "List the datasets with GET /datasets.",
            "Add one with POST /datasets.",
        ],
    )


async def dataset_of_upload(services: Services, caller: Caller, upload_id: str) -> Dataset:
    """A Dataset of a finished upload, named after it so that two requests make one."""
    await upload_record(services, caller, upload_id)
    kind = services.caches.datasets
    name = upload_id.replace("_", "-")
    try:
        return await services.writer.create(
            kind, caller.account, name, {"source": {"upload": upload_id}}
        )
    except AlreadyExistsError:
        present = await services.reader.get(kind, caller.account, name)
        if present is None or present.spec.source.upload != upload_id:
            raise ConflictError(
                f"A dataset named '{name}' exists and reads something else."
            ) from None
        return present


async def upload_record(services: Services, caller: Caller, upload_id: str) -> UploadRecord:
    """The record of a finished upload."""
    content = None
    if upload_id.removeprefix(UPLOAD_PREFIX).isalnum():
        content = await services.store.get(upload_record_key(caller.account, upload_id))
    if content is None:
        raise NotFoundError(
            f"There is no finished upload '{upload_id[:80]}' in account '{caller.account}'.",
            details={"upload_id": upload_id[:80]},
            suggestions=[
                "List the uploads with GET /uploads.",
                'Finish one with PATCH /uploads/{upload_id} {"status": "complete"}.',
            ],
        )
    return UploadRecord.model_validate_json(content)


async def deployment(services: Services, view: ModelView, deployment_id: str) -> ModelDeployment:
    """The deployment of a model that a dep_ id means."""
    kind, account = services.caches.deployments, view.model.metadata.namespace
    found = await services.reader.find(kind, "id", account, deployment_id)
    for item in found:
        if item.spec.model_ref.name == view.name:
            return item
    raise NotFoundError(
        f"Model '{view.name}' has no deployment '{deployment_id[:80]}'.",
        details={"model_name": view.name, "deployment_id": deployment_id[:80]},
        suggestions=[f"List the deployments with GET /models/{view.name}/deployments."],
    )
