"""Uploads: announced and sent file by file, or all at once; complete when their record is there.

All state is in the store: the announcement, a receipt for each file that arrived, and the record
that makes it complete. So any replica can go on with an upload that another one began.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta

from modelyard_api.auth import Caller
from modelyard_api.errors import ConflictError, InvalidInputError, ModelyardError, NotFoundError
from modelyard_api.handlers import idempotency
from modelyard_api.handlers.usage import building_from
from modelyard_api.mapping import rest_platform as rest
from modelyard_api.mapping import uploads as mapping
from modelyard_api.mapping.content import SNIFFED_BYTES, check_start, checked
from modelyard_api.mapping.paging import page
from modelyard_api.mapping.uploads import PendingUpload, SignedUrl
from modelyard_api.multipart import FormStream
from modelyard_api.services import Services
from modelyard_api.store import check_size
from modelyard_crds import names
from modelyard_crds.build import UploadFile, UploadRecord, upload_prefix, upload_record_key

MAX_PARTS = 100


async def begin(
    services: Services,
    caller: Caller,
    body: rest.UploadCreate,
    base_url: str,
    idempotency_key: str | None,
) -> rest.UploadJson:
    """Announce an upload; the answer says where each file is to be PUT."""
    filenames = [file.filename for file in body.files]
    if len(set(filenames)) < len(filenames):
        raise InvalidInputError("Two files of the upload have the same name.")
    upload_id = new_upload_id(services, caller, idempotency_key)
    if idempotency_key and (first := await _first(services, caller, upload_id)):
        if not isinstance(first, PendingUpload) or not first.asked_for_by(body):
            raise idempotency.used_twice(idempotency_key)
        return await _pending_json(services, caller, first, base_url)
    pending = PendingUpload(
        upload_id=upload_id,
        name=body.name or "",
        description=body.description or "",
        created_at=services.now(),
        filenames=filenames,
    )
    key = mapping.pending_key(caller.account, pending.upload_id)
    await services.store.put(key, pending.model_dump_json(by_alias=True).encode())
    return await _pending_json(services, caller, pending, base_url)


async def put_file(
    services: Services,
    caller: Caller,
    place: tuple[str, str],
    chunks: AsyncIterator[bytes],
    base_url: str,
) -> rest.UploadJson:
    """Store one announced file, given as upload and name; sending it again replaces it."""
    upload_id, filename = place
    if await _record(services, caller, upload_id):
        raise ConflictError(f"Upload '{upload_id}' is complete; make another one.")
    pending = await _pending(services, caller, upload_id)
    if filename not in pending.filenames:
        raise NotFoundError(
            f"Upload '{upload_id}' announced no file '{filename[:80]}'.",
            details={"announced": pending.filenames},
        )
    index = pending.filenames.index(filename)
    file = await _store_file(services, caller, upload_id, index, filename, chunks)
    receipt = mapping.receipt_key(caller.account, upload_id, index)
    await services.store.put(receipt, file.model_dump_json(by_alias=True).encode())
    return await _pending_json(services, caller, pending, base_url)


async def complete(
    services: Services, caller: Caller, upload_id: str, base_url: str
) -> rest.UploadJson:
    """End an upload: from now on a dataset can be made of it. Repeating it changes nothing."""
    if record := await _record(services, caller, upload_id):
        return mapping.record_json(record, base_url)
    pending = await _pending(services, caller, upload_id)
    arrived = await _arrived(services, caller, pending)
    if any(filename not in arrived for filename in pending.filenames):
        arrived |= await _put_into_store(services, caller, pending, arrived)
    missing = [filename for filename in pending.filenames if filename not in arrived]
    if missing:
        raise ConflictError(
            f"{len(missing)} of {len(pending.filenames)} files have not arrived.",
            details={"missing": missing},
            suggestions=["PUT each of them to its upload_url, then complete the upload again."],
        )
    files = [arrived[filename] for filename in pending.filenames]
    record = UploadRecord(
        upload_id=upload_id,
        name=pending.name,
        description=pending.description,
        created_at=pending.created_at,
        files=files,
    )
    await _write_record(services, caller, record)
    return mapping.record_json(record, base_url)


async def receive_form(
    services: Services, caller: Caller, form: FormStream, idempotency_key: str | None
) -> tuple[UploadRecord, dict[str, str]]:
    """Store all files of a form as one complete upload; also its other fields."""
    upload_id = new_upload_id(services, caller, idempotency_key)
    if idempotency_key and (first := await _first(services, caller, upload_id)):
        if isinstance(first, UploadRecord):
            return first, await _same_again(form, first, idempotency_key)
        raise idempotency.used_twice(idempotency_key)
    files: list[UploadFile] = []
    fields: dict[str, str] = {}
    try:
        async for part in form.parts():
            if len(files) + len(fields) >= MAX_PARTS:
                raise InvalidInputError(f"The form has more than {MAX_PARTS} parts.")
            if part.filename is None:
                fields[part.name] = await part.text()
            else:
                index = len(files)
                files.append(
                    await _store_file(
                        services, caller, upload_id, index, part.filename, part.chunks()
                    )
                )
        if not files:
            raise InvalidInputError(
                "The form has no file.",
                suggestions=["Send it as curl does with -F file=@table.csv."],
            )
    except BaseException:
        # Also where the client goes away: nobody knows of these files.
        await asyncio.shield(services.store.delete([file.key for file in files]))
        raise
    record = UploadRecord(
        upload_id=upload_id,
        name=fields.get("name", ""),
        description=fields.get("description", ""),
        created_at=services.now(),
        files=files,
    )
    await _write_record(services, caller, record)
    return record, fields


async def list_uploads(
    services: Services, caller: Caller, limit: int, offset: int, base_url: str
) -> rest.UploadList:
    """A page of uploads, newest first."""
    found = await services.store.files(f"uploads/{caller.account}/")
    found.sort(key=lambda item: item.modified_at, reverse=True)
    ids = dict.fromkeys(filter(None, (mapping.upload_id_of(item.key) for item in found)))
    shown, pagination = page(list(ids), limit, offset)
    uploads = await asyncio.gather(
        *(get_upload(services, caller, upload_id, base_url) for upload_id in shown)
    )
    return rest.UploadList(uploads=uploads, pagination=pagination)


async def get_upload(
    services: Services, caller: Caller, upload_id: str, base_url: str
) -> rest.UploadJson:
    """An upload, complete or not."""
    if record := await _record(services, caller, upload_id):
        return mapping.record_json(record, base_url)
    pending = await _pending(services, caller, upload_id)
    return await _pending_json(services, caller, pending, base_url)


async def delete_upload(services: Services, caller: Caller, upload_id: str) -> rest.UploadDeleted:
    """Delete an upload's files, and the dataset of it where no model names that."""
    if await _record(services, caller, upload_id) is None:
        await _pending(services, caller, upload_id)
    kind = services.caches.datasets
    for dataset in kind.cache.find("id", caller.account, upload_id):
        used = building_from(services, dataset)
        if used:
            raise ConflictError(
                f"Upload '{upload_id}' is read by {', '.join(used)}, which are being built.",
                suggestions=["Wait for the builds or cancel them, then delete it again."],
            )
        models = services.caches.models.cache.values(caller.account)
        if all(model.spec.dataset_ref.name != dataset.metadata.name for model in models):
            await services.writer.delete(kind, dataset)
    files = await services.store.files(upload_prefix(caller.account, upload_id))
    # The record first: without it the rest is nothing to anybody.
    record = upload_record_key(caller.account, upload_id)
    await services.store.delete([record, *(file.key for file in files)])
    return rest.UploadDeleted(upload_id=upload_id, deleted_at=services.now())


def new_upload_id(services: Services, caller: Caller, idempotency_key: str | None) -> str:
    """An id nobody has, or the same one again for the same Idempotency-Key."""
    given = idempotency_key and idempotency.key_hash(caller, "upload", idempotency_key)
    return names.public_id("upload", given or services.random_id())


async def _first(
    services: Services, caller: Caller, upload_id: str
) -> PendingUpload | UploadRecord | None:
    """What the first request of an Idempotency-Key made: announced, or a form, or nothing."""
    content = await services.store.get(mapping.pending_key(caller.account, upload_id))
    if content:
        return PendingUpload.model_validate_json(content)
    return await _record(services, caller, upload_id)


async def _same_again(form: FormStream, first: UploadRecord, key: str) -> dict[str, str]:
    """The fields of a form that is sent once more; its files are compared and not stored.

    Raises ConflictError where it is another form.
    """
    fields: dict[str, str] = {}
    seen: list[tuple[str, str]] = []
    async for part in form.parts():
        if part.filename is None:
            fields[part.name] = await part.text()
            continue
        digest = hashlib.sha256()
        async for chunk in part.chunks():
            digest.update(chunk)
        seen.append((part.filename, f"sha256:{digest.hexdigest()}"))
        if len(seen) + len(fields) > MAX_PARTS:
            break
    texts = (fields.get("name", ""), fields.get("description", ""))
    known = [(file.filename, file.digest) for file in first.files]
    if (seen, texts) != (known, (first.name, first.description)):
        raise idempotency.used_twice(key)
    return fields


async def _store_file(
    services: Services,
    caller: Caller,
    upload_id: str,
    index: int,
    filename: str,
    chunks: AsyncIterator[bytes],
) -> UploadFile:
    key = mapping.file_key(caller.account, upload_id, index, filename)
    stored = await services.store.put_stream(
        key, checked(chunks, filename), services.settings.max_upload_bytes
    )
    return UploadFile(
        filename=filename, key=key, size_bytes=stored.size_bytes, digest=stored.digest
    )


async def _write_record(services: Services, caller: Caller, record: UploadRecord) -> None:
    key = upload_record_key(caller.account, record.upload_id)
    await services.store.put(key, record.model_dump_json(by_alias=True).encode())


async def _record(services: Services, caller: Caller, upload_id: str) -> UploadRecord | None:
    _check_id(upload_id)
    content = await services.store.get(upload_record_key(caller.account, upload_id))
    return UploadRecord.model_validate_json(content) if content else None


async def _pending(services: Services, caller: Caller, upload_id: str) -> PendingUpload:
    _check_id(upload_id)
    content = await services.store.get(mapping.pending_key(caller.account, upload_id))
    if content is None:
        raise _no_upload(upload_id)
    return PendingUpload.model_validate_json(content)


async def _arrived(
    services: Services, caller: Caller, pending: PendingUpload
) -> dict[str, UploadFile]:
    keys = [
        mapping.receipt_key(caller.account, pending.upload_id, index)
        for index in range(len(pending.filenames))
    ]
    receipts = await asyncio.gather(*(services.store.get(key) for key in keys))
    files = [UploadFile.model_validate_json(receipt) for receipt in receipts if receipt]
    return {file.filename: file for file in files}


async def _put_into_store(
    services: Services, caller: Caller, pending: PendingUpload, arrived: dict[str, UploadFile]
) -> dict[str, UploadFile]:
    """The files that clients put into the store themselves, looked at as if they had come here."""
    found: dict[str, UploadFile] = {}
    for index, filename in enumerate(pending.filenames):
        if filename in arrived:
            continue
        key = mapping.file_key(caller.account, pending.upload_id, index, filename)
        begun = await services.store.start_of(key, SNIFFED_BYTES)
        if begun is None:
            continue
        size, start = begun
        try:
            check_start(start, filename)
            check_size(size, services.settings.max_upload_bytes)
        except ModelyardError:
            await services.store.delete([key])
            raise
        digest = await services.store.digest_of(key)
        found[filename] = UploadFile(filename=filename, key=key, size_bytes=size, digest=digest)
    return found


async def _pending_json(
    services: Services, caller: Caller, pending: PendingUpload, base_url: str
) -> rest.UploadJson:
    lifetime = timedelta(seconds=services.settings.presigned_seconds)
    expires_at = services.now() + lifetime
    signed: dict[str, SignedUrl] = {}
    for index, filename in enumerate(pending.filenames):
        key = mapping.file_key(caller.account, pending.upload_id, index, filename)
        if url := await services.store.upload_url(key, lifetime):
            signed[filename] = SignedUrl(url, expires_at)
    arrived = await _arrived(services, caller, pending)
    return mapping.pending_json(pending, arrived, base_url, signed)


def _check_id(upload_id: str) -> None:
    if not mapping.upload_id_of(f"uploads/-/{upload_id}.json"):
        raise _no_upload(upload_id)


def _no_upload(upload_id: str) -> ModelyardError:
    return NotFoundError(
        f"Upload '{upload_id[:80]}' does not exist, or is complete.",
        details={"upload_id": upload_id[:80]},
        suggestions=["List the uploads with GET /uploads."],
    )
