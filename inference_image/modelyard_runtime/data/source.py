"""Bring a dataset's bytes to local disk and digest them on the way.

The content is never whole in memory. Credentials are those of the dataset's own Secret; an upload
is read from Modelyard's store. Called by the profiling and the training job.
"""

import base64
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from pydantic import ValidationError

from modelyard_crds.build import UploadRecord, upload_record_key
from modelyard_crds.fields import Source
from modelyard_crds.reasons import Reason
from modelyard_runtime.data import examples
from modelyard_runtime.data.credentials import open_bucket
from modelyard_runtime.errors import TemporaryError, UserError
from modelyard_runtime.store import AccessDeniedError, NotFoundError, Store, StoreError

CHUNK_BYTES = 1024 * 1024
HTTP_TIMEOUT_SECONDS = 30.0
HTTP_PAUSES_SECONDS = (1.0, 3.0)
_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


class LocalFile(NamedTuple):
    """One file of a dataset on local disk; ``name`` is what its owner calls it."""

    path: Path
    name: str


class Fetched(NamedTuple):
    """A dataset's content; the digest is over the bytes of all files in their order."""

    files: list[LocalFile]
    digest: str
    size_bytes: int


def fetch(
    source: Source, namespace: str, store: Store, credentials: Mapping[str, str], folder: Path
) -> Fetched:
    """The content of a source, written into a folder.

    Raises UserError or TemporaryError with the reason that the Dataset will show.
    """
    if source.upload is not None:
        return _fetch_upload(source.upload, namespace, store, folder)
    uri = source.uri or ""
    name = urlsplit(uri).path.rsplit("/", 1)[-1] or uri
    target = LocalFile(folder / "content", name)
    return save([(target, _read_address(uri, credentials))])


def fetch_local(path: Path) -> Fetched:
    """The content of a file that is on this machine already; it is not copied."""
    try:
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise UserError(
            Reason.SOURCE_NOT_FOUND, f"{path} cannot be read: {error.strerror or error}."
        ) from error
    return Fetched([LocalFile(path, path.name)], f"sha256:{digest.hexdigest()}", size)


def save(contents: Iterable[tuple[LocalFile, Iterable[bytes]]]) -> Fetched:
    """Write streams to their files, counted and digested as one content."""
    digest, size, files = hashlib.sha256(), 0, []
    for target, chunks in contents:
        with target.path.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        files.append(target)
    return Fetched(files, f"sha256:{digest.hexdigest()}", size)


def _fetch_upload(upload: str, namespace: str, store: Store, folder: Path) -> Fetched:
    try:
        record = UploadRecord.model_validate_json(store.get(upload_record_key(namespace, upload)))
    except NotFoundError as error:
        raise UserError(
            Reason.SOURCE_NOT_FOUND,
            f"The upload {upload} does not exist in {namespace}, or is not complete: "
            "finish it, or upload the file again.",
        ) from error
    except StoreError as error:
        raise TemporaryError(Reason.STORE_UNAVAILABLE, str(error)) from error
    except ValidationError as error:
        raise UserError(
            Reason.SOURCE_NOT_FOUND, f"The record of {upload} is damaged: upload the file again."
        ) from error
    if not record.files:
        raise UserError(
            Reason.EMPTY_FILE, f"The upload {upload} has no files: upload one and complete it."
        )
    targets = [
        LocalFile(folder / f"content-{number}", file.filename)
        for number, file in enumerate(record.files)
    ]
    streams = (_read_store(store, file.key, file.filename, own=True) for file in record.files)
    return save(zip(targets, streams, strict=True))


def _read_address(uri: str, credentials: Mapping[str, str]) -> Iterator[bytes]:
    scheme = urlsplit(uri).scheme
    if scheme == "example":
        return iter([examples.read(uri.removeprefix("example://"))])
    if scheme == "https":
        return _read_https(uri, credentials)
    bucket, key = open_bucket(uri, credentials)
    return _read_store(bucket, key, uri, own=False)


def _read_store(store: Store, key: str, name: str, *, own: bool) -> Iterator[bytes]:
    """Stream a key; ``own`` says that the store is Modelyard's and not the dataset's."""
    try:
        yield from store.stream(key)
    except NotFoundError as error:
        raise UserError(
            Reason.SOURCE_NOT_FOUND, f"Nothing is stored at {name}: check the address."
        ) from error
    except AccessDeniedError as error:
        reason = Reason.STORE_UNAVAILABLE if own else Reason.ACCESS_DENIED
        raise UserError(
            reason,
            f"{name} may not be read with these credentials: check the Secret that "
            "spec.source.credentialsSecretRef names.",
        ) from error
    except StoreError as error:
        reason = Reason.STORE_UNAVAILABLE if own else Reason.SOURCE_UNREACHABLE
        raise TemporaryError(reason, f"{error}; it is tried again.") from error


def _read_https(uri: str, credentials: Mapping[str, str]) -> Iterator[bytes]:
    """Stream an address; a connection that fails before the first byte is tried again."""
    for pause in (*HTTP_PAUSES_SECONDS, None):
        started = False
        try:
            # The address begins with https: the type of Source allows nothing else to come here.
            with urlopen(  # noqa: S310
                _http_request(uri, credentials), timeout=HTTP_TIMEOUT_SECONDS
            ) as response:
                while chunk := response.read(CHUNK_BYTES):
                    started = True
                    yield chunk
                if response.length:
                    raise _unreachable(uri, "the connection ended in the middle of the file")
                return
        except HTTPError as error:
            if pause is None or error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _http_fault(uri, error.code) from error
        except (URLError, OSError) as error:
            if pause is None or started:
                raise _unreachable(uri, str(getattr(error, "reason", error))) from error
        time.sleep(pause)


def _http_request(uri: str, credentials: Mapping[str, str]) -> Request:
    request = Request(uri, headers={"User-Agent": "modelyard", "Accept": "*/*"})  # noqa: S310 - https, as above
    token = credentials.get("token")
    if token:
        header = f"Bearer {token}"
    elif "username" in credentials:
        pair = f"{credentials['username']}:{credentials.get('password', '')}"
        header = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        return request
    # A redirect to another host must not take the credentials along.
    request.add_unredirected_header("Authorization", header)
    return request


def _http_fault(uri: str, code: int) -> UserError | TemporaryError:
    if code in _GONE:
        return UserError(
            Reason.SOURCE_NOT_FOUND, f"{uri} does not exist (HTTP {code}): check the address."
        )
    if code in _DENIED:
        return UserError(
            Reason.ACCESS_DENIED,
            f"{uri} may not be read (HTTP {code}): put 'token', or 'username' and 'password', "
            "into a Secret and name it in spec.source.credentialsSecretRef.",
        )
    return _unreachable(uri, f"HTTP {code}")


def _unreachable(uri: str, cause: str) -> TemporaryError:
    return TemporaryError(
        Reason.SOURCE_UNREACHABLE, f"{uri} cannot be read now ({cause}); it is tried again."
    )
