"""Fetching a version's artifact: by digest, verified before anything of it is used.

Every failure is a ``PodError``, which ``main`` turns into the pod's termination message. Called
once, at start.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from modelyard_crds.build import MANIFEST_FORMAT, Manifest, ManifestFile, ServeRequest
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import PodError, TemporaryError
from modelyard_runtime.serving.graph import UnsupportedGraphError, inspect_graph
from modelyard_runtime.store import NotFoundError, Store, StoreError

MODEL_FILE: Final = "model.onnx"
STATISTICS_FILE: Final = "statistics.json"
MAX_MANIFEST_BYTES: Final = 8 * 1024 * 1024
#: Files above this size are fetched in several parts at a time.
PARTS_ABOVE_BYTES: Final = 16 * 1024 * 1024
MAX_MODEL_BYTES: Final = 512 * 1024 * 1024


class ArtifactError(PodError):
    """The artifact cannot be served; another start gives the same."""

    exit_code = 1


class _FormatOnly(BaseModel):
    format: int


class Artifact(NamedTuple):
    """A verified version: what it is, the bytes of its graph, and of its statistics if any."""

    manifest: Manifest
    model: bytes
    statistics: bytes | None = None


def fetch_artifact(store: Store, request: ServeRequest) -> Artifact:
    """The artifact that the request names by digest.

    Raises ArtifactError where it is missing, is not what the digest says, or is not served here,
    and TemporaryError where the store does not answer.
    """
    content = _fetch(store, request.manifest_key, MAX_MANIFEST_BYTES)
    _expect_digest(request.manifest_key, content, request.manifest_digest)
    manifest = read_manifest(content)
    _expect_version(manifest, request)
    file = manifest.file(MODEL_FILE)
    if file is None:
        raise _unsupported(f"the manifest lists no {MODEL_FILE}")
    model = _fetch_file(store, file)
    try:
        inspect_graph(model)
    except UnsupportedGraphError as error:
        raise _unsupported(f"{file.key}: {error}") from error
    statistics = manifest.file(STATISTICS_FILE)
    return Artifact(manifest, model, _fetch_file(store, statistics) if statistics else None)


def read_manifest(content: bytes) -> Manifest:
    """The manifest in some bytes; its format number is looked at before anything else."""
    try:
        number = _FormatOnly.model_validate_json(content).format
        if number > MANIFEST_FORMAT:
            raise _unsupported(
                f"the manifest has format {number}, this image reads up to {MANIFEST_FORMAT}; "
                "serve it with a newer image"
            )
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise _unsupported(f"the manifest cannot be read: {where}: {first['msg']}") from error


def _fetch_file(store: Store, file: ManifestFile) -> bytes:
    if file.size_bytes > MAX_MODEL_BYTES:
        raise _unsupported(
            f"{file.key} has {file.size_bytes} bytes, at most {MAX_MODEL_BYTES} are served"
        )
    # One request after the other leaves most of a network unused where the file is large.
    fetch = _fetch_parts if file.size_bytes > PARTS_ABOVE_BYTES else _fetch
    content = fetch(store, file.key, file.size_bytes)
    _expect_digest(file.key, content, file.digest)
    return content


def _fetch(store: Store, key: str, limit: int) -> bytes:
    """The content of a key; one byte above the limit is enough to know that it is wrong."""
    content = bytearray()
    with _translated():
        for chunk in store.stream(key):
            content += chunk
            if len(content) > limit:
                raise _mismatch(f"{store.uri(key)} has more than {limit} bytes")
    return bytes(content)


def _fetch_parts(store: Store, key: str, size: int) -> bytes:
    with _translated():
        found = store.size(key)
        if found != size:
            raise _mismatch(f"{store.uri(key)} has {found} bytes, expected {size}")
        return store.get_parts(key, size)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        raise ArtifactError(Reason.ARTIFACT_MISSING, f"{error}; build the version again") from error
    except StoreError as error:
        raise TemporaryError(Reason.STORE_UNAVAILABLE, str(error)) from error


def _expect_digest(key: str, content: bytes, digest: str) -> None:
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        raise _mismatch(f"{key} ({len(content)} bytes) has digest {found}, expected {digest}")


def _expect_version(manifest: Manifest, request: ServeRequest) -> None:
    if (manifest.model, manifest.version) != (request.model, request.version):
        raise _mismatch(
            f"the manifest is of {manifest.model} v{manifest.version}, "
            f"expected {request.model} v{request.version}"
        )


def _mismatch(message: str) -> ArtifactError:
    return ArtifactError(Reason.ARTIFACT_MISMATCH, f"{message}; build the version again")


def _unsupported(message: str) -> ArtifactError:
    return ArtifactError(Reason.ARTIFACT_UNSUPPORTED, message)
