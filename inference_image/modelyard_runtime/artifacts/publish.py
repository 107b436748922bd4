"""Write an artifact so that it is whole or not there: files first, the manifest last and once.

Each pod writes into a folder of its own, so that two pods of one Job never mix files; of their
manifests the first one stays. Called at the end of a build.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from modelyard_crds.build import Manifest, ManifestFile
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import TemporaryError
from modelyard_runtime.store import AccessDeniedError, Store, StoreError, UnavailableError

#: A finished build is worth waiting for a store that comes back.
PATIENCE_SECONDS = 900.0
_PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)

T = TypeVar("T")


class Clock(NamedTuple):
    """Time as waiting needs it."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


REAL_TIME = Clock()


def digest_of(content: bytes) -> str:
    """sha256 as manifests spell it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def probe(store: Store, prefix: str) -> None:
    """Write and remove a scratch file before any work is done.

    Raises TemporaryError where the store does not take it.
    """
    key = f"{prefix}probe-{uuid.uuid4().hex}"
    try:
        store.put(key, b"probe")
        store.delete(key)
    except StoreError as error:
        raise _unavailable(error) from error


def write_files(
    store: Store, prefix: str, contents: Mapping[str, bytes], clock: Clock = REAL_TIME
) -> list[ManifestFile]:
    """Write the files of an artifact below a prefix; what the manifest says of them."""
    files = []
    for name, content in contents.items():
        key = f"{prefix}{name}"
        _patiently(_put(store, key, content), clock)
        files.append(
            ManifestFile(name=name, key=key, digest=digest_of(content), size_bytes=len(content))
        )
    return files


def write_manifest(
    store: Store, key: str, manifest: Manifest, clock: Clock = REAL_TIME
) -> str | None:
    """Write the manifest, which makes the version; its digest, or None where another was first."""
    content = manifest.model_dump_json(by_alias=True, exclude_none=True).encode()
    written = _patiently(lambda: store.put_if_absent(key, content), clock)
    if not written and _patiently(lambda: store.get(key), clock) != content:
        return None
    return digest_of(content)


def _put(store: Store, key: str, content: bytes) -> Callable[[], None]:
    return lambda: store.put(key, content)


def _patiently(action: Callable[[], T], clock: Clock) -> T:
    """Repeat an action while the store does not answer, for a quarter of an hour at most."""
    started = clock.now()
    for pause in _pauses():
        try:
            return action()
        except AccessDeniedError as error:
            raise _unavailable(error) from error
        except UnavailableError as error:
            if clock.now() - started > PATIENCE_SECONDS:
                raise _unavailable(error) from error
            clock.sleep(pause)
    raise AssertionError  # pragma: no cover - the pauses have no end


def _pauses() -> Iterator[float]:
    yield from _PAUSES_SECONDS
    while True:
        yield _PAUSES_SECONDS[-1]


def _unavailable(error: StoreError) -> TemporaryError:
    return TemporaryError(
        Reason.STORE_UNAVAILABLE,
        f"The object store does not take files: {error}. Check that it runs, and its credentials.",
    )
