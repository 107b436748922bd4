"""Uploads: where their files are in the store, and how REST shows them."""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from modelyard_api.mapping import rest_platform as rest
from modelyard_crds.base import ApiModel
from modelyard_crds.build import UploadFile, UploadRecord, upload_prefix

_UPLOAD_KEY = re.compile(r"uploads/[^/]+/(upload_[a-z0-9]{12})(?:\.json|/upload\.json)")


class PendingUpload(ApiModel):
    """What was announced: kept in the upload's folder until its record says it is complete."""

    upload_id: str
    name: str = ""
    description: str = ""
    created_at: datetime
    filenames: list[str]

    def asked_for_by(self, body: rest.UploadCreate) -> bool:
        """Whether a request announces the same."""
        texts = (body.name or "", body.description or "")
        filenames = [file.filename for file in body.files]
        return (self.name, self.description, self.filenames) == (*texts, filenames)


class SignedUrl(NamedTuple):
    """An address in the store that takes one file, for a time."""

    url: str
    expires_at: datetime


def pending_key(account: str, upload_id: str) -> str:
    """Where the announcement of an upload is."""
    return f"{upload_prefix(account, upload_id)}upload.json"


def file_key(account: str, upload_id: str, index: int, filename: str) -> str:
    """Where a file of an upload is; its name stays recognisable, its ending above all."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", filename)[-100:].lstrip(".")
    return f"{upload_prefix(account, upload_id)}{index:03d}-{safe or 'file'}"


def receipt_key(account: str, upload_id: str, index: int) -> str:
    """Where size and digest of a file that arrived are."""
    return f"{upload_prefix(account, upload_id)}{index:03d}.receipt.json"


def upload_id_of(key: str) -> str | None:
    """The upload that a key of an announcement or a record belongs to."""
    match = _UPLOAD_KEY.fullmatch(key)
    return match[1] if match else None


def pending_json(
    pending: PendingUpload,
    arrived: Mapping[str, UploadFile],
    base_url: str,
    signed: Mapping[str, SignedUrl] = MappingProxyType({}),
) -> rest.UploadJson:
    """An upload that is not complete, with addresses in the store for the files that have one."""
    return rest.UploadJson(
        upload_id=pending.upload_id,
        name=pending.name,
        description=pending.description,
        status="pending",
        files=[
            _file(
                base_url,
                pending.upload_id,
                filename,
                arrived.get(filename),
                signed.get(filename),
            )
            for filename in pending.filenames
        ],
        created_at=pending.created_at,
    )


def record_json(record: UploadRecord, base_url: str) -> rest.UploadJson:
    """An upload that is complete."""
    return rest.UploadJson(
        upload_id=record.upload_id,
        name=record.name,
        description=record.description,
        status="complete",
        files=[_file(base_url, record.upload_id, file.filename, file) for file in record.files],
        created_at=record.created_at,
    )


def _file(
    base_url: str,
    upload_id: str,
    filename: str,
    arrived: UploadFile | None,
    signed: SignedUrl | None = None,
) -> rest.UploadFileJson:
    ours = f"{base_url}/uploads/{upload_id}/files/{quote(filename, safe='')}"
    return rest.UploadFileJson(
        filename=filename,
        upload_url=signed.url if signed else ours,
        upload_url_expires_at=signed.expires_at if signed else None,
        size_bytes=arrived.size_bytes if arrived else None,
        digest=arrived.digest if arrived else None,
    )
