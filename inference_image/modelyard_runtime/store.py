"""The object store as pods see it: bytes by key, and three errors that say what went wrong.

Training and profiling pods write to it, serving pods read from it, and datasets of ``s3://``,
``gs://``, ``az://`` and ``https://`` are read through it as well. The errors of the library are
translated here, once.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore import exceptions
from obstore.store import LocalStore, ObjectStore, from_url
from pydantic.alias_generators import to_camel

from modelyard_crds.build import STORE_MOUNT, StoreConfig

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

CHUNK_BYTES = 8 * 1024 * 1024
PARALLEL_PARTS = 4

#: A store that does not answer is given up after this long, so that a pod never hangs on it.
RETRY: "RetryConfig" = {"max_retries": 6, "retry_timeout": timedelta(seconds=45)}
TIMEOUTS: "ClientConfig" = {"connect_timeout": "5s", "timeout": "120s", "read_timeout": "30s"}

_STATUS = re.compile(r"status code: (\d{3}[A-Za-z ]*)")

T = TypeVar("T")


class StoreError(Exception):
    """Something went wrong between this process and the store; the text says what and where."""


class NotFoundError(StoreError):
    """Nothing is stored under the key."""


class AccessDeniedError(StoreError):
    """The credentials do not allow it."""


class UnavailableError(StoreError):
    """The store does not answer, or answers with a fault of its own."""


class Stored(NamedTuple):
    """One file of a listing."""

    key: str
    size_bytes: int


class Store:
    """Bytes by key below one address.

    Every method raises a StoreError where the store refuses or does not answer.
    """

    def __init__(self, backend: ObjectStore, address: str) -> None:
        self._backend = backend
        self._address = address.rstrip("/")

    def uri(self, key: str) -> str:
        """The address of a key, for people."""
        return f"{self._address}/{key}" if key else self._address

    def get(self, key: str) -> bytes:
        """The whole content of a key."""
        return self._call(key, lambda: bytes(obstore.get(self._backend, key).bytes()))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``; fewer where the content ends before."""
        return self._call(
            key,
            lambda: bytes(obstore.get_range(self._backend, key, start=start, length=length)),
        )

    def get_parts(self, key: str, size: int) -> bytes:
        """The first ``size`` bytes of a large key, several parts at a time.

        Raises StoreError where there are fewer.
        """
        starts = range(0, size, CHUNK_BYTES)
        with ThreadPoolExecutor(PARALLEL_PARTS, thread_name_prefix="fetch") as executor:
            parts = executor.map(
                lambda start: self.get_range(key, start, min(CHUNK_BYTES, size - start)), starts
            )
            return b"".join(parts)

    def stream(self, key: str, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The content of a key in chunks, never whole in memory."""
        chunks = self._call(
            key, lambda: iter(obstore.get(self._backend, key).stream(min_chunk_size=chunk_bytes))
        )
        while (chunk := self._call(key, lambda: next(chunks, None))) is not None:
            yield bytes(chunk)

    def size(self, key: str) -> int:
        """Bytes stored under a key."""
        return self._call(key, lambda: obstore.head(self._backend, key)["size"])

    def exists(self, key: str) -> bool:
        """Whether something is stored under a key."""
        try:
            self.size(key)
        except NotFoundError:
            return False
        return True

    def put(self, key: str, content: bytes | Path) -> None:
        """Write bytes or a file, replacing what is there."""
        self._call(
            key,
            lambda: obstore.put(
                self._backend,
                key,
                content,
                chunk_size=CHUNK_BYTES,
                max_concurrency=PARALLEL_PARTS,
            ),
        )

    def put_if_absent(self, key: str, content: bytes) -> bool:
        """Write bytes unless the key is taken; whether they were written.

        Of several writers one wins. A store without conditional writes is asked first and
        written afterwards, which leaves a gap of milliseconds.
        """
        try:
            obstore.put(self._backend, key, content, mode="create", use_multipart=False)
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
            return False
        except exceptions.BaseError as error:
            if not _lacks_conditional_put(error):
                raise self._translated(key, error) from error
            return self._put_after_look(key, content)
        except OSError as error:
            raise self._translated(key, error) from error
        return True

    def list(self, prefix: str) -> Iterator[Stored]:
        """The files below a prefix."""
        pages = self._call(prefix, lambda: iter(obstore.list(self._backend, prefix)))
        while (page := self._call(prefix, lambda: next(pages, None))) is not None:
            yield from (Stored(meta["path"], meta["size"]) for meta in page)

    def delete(self, key: str) -> None:
        """Remove a key; one that is gone already is as good."""
        try:
            self._call(key, lambda: obstore.delete(self._backend, key))
        except NotFoundError:
            return

    def delete_prefix(self, prefix: str) -> int:
        """Remove everything below a prefix; how many files that were."""
        keys = [stored.key for stored in self.list(prefix)]
        for key in keys:
            self.delete(key)
        return len(keys)

    def _put_after_look(self, key: str, content: bytes) -> bool:
        if self.exists(key):
            return False
        self.put(key, content)
        return True

    def _call(self, key: str, action: Callable[[], T]) -> T:
        try:
            return action()
        except (exceptions.BaseError, OSError) as error:
            raise self._translated(key, error) from error

    def _translated(self, key: str, error: Exception) -> StoreError:
        return _kind_of(error)(f"{self.uri(key)}: {_cause(error)}")


def open_store(config: StoreConfig) -> Store:
    """The store of a configuration; nothing is read or written yet.

    Raises UnavailableError when the configuration itself makes no sense.
    """
    try:
        return Store(_backend(config), config.url)
    except (exceptions.BaseError, ValueError, OSError) as error:
        msg = f"the object store {config.url!r} cannot be opened: {_cause(error)}"
        raise UnavailableError(msg) from error


def read_config(folder: Path = Path(STORE_MOUNT)) -> StoreConfig:
    """The configuration in a mounted Secret: one file a key.

    Raises UnavailableError when the folder has no ``url``.
    """
    given = read_secret(folder)
    names = {to_camel(name) for name in StoreConfig.model_fields}
    if not given.get("url"):
        msg = f"the object store's address is missing: expected a file 'url' in {folder}"
        raise UnavailableError(msg)
    return StoreConfig.model_validate({key: given[key] for key in names if given.get(key)})


def read_secret(folder: Path) -> dict[str, str]:
    """The keys of a mounted Secret; empty where nothing is mounted."""
    if not folder.is_dir():
        return {}
    # The kubelet keeps its own book in entries that begin with two dots.
    files = (path for path in folder.iterdir() if path.is_file() and path.name[:2] != "..")
    return {path.name: path.read_text().strip() for path in files}


def _backend(config: StoreConfig) -> ObjectStore:
    if config.url.startswith("file://"):
        return LocalStore(unquote(urlsplit(config.url).path), mkdir=True)
    client: ClientConfig = {**TIMEOUTS, "allow_http": config.allow_http}
    if not config.url.startswith("s3://"):
        return from_url(config.url, client_options=client, retry_config=RETRY)
    options: S3Config = {"region": config.region}
    if config.access_key_id:
        options["access_key_id"] = config.access_key_id
        options["secret_access_key"] = config.secret_access_key
    if config.endpoint:
        # Bucket names are rarely host names at an endpoint of one's own.
        options["endpoint"] = config.endpoint
        options["virtual_hosted_style_request"] = False
    return from_url(config.url, config=options, client_options=client, retry_config=RETRY)


def _kind_of(error: Exception) -> type[StoreError]:
    if isinstance(error, exceptions.NotFoundError | FileNotFoundError):
        return NotFoundError
    denied = exceptions.PermissionDeniedError, exceptions.UnauthenticatedError, PermissionError
    return AccessDeniedError if isinstance(error, denied) else UnavailableError


def _lacks_conditional_put(error: Exception) -> bool:
    return isinstance(error, exceptions.NotSupportedError) or "NotImplemented" in str(error)


def _cause(error: Exception) -> str:
    """What the library means, without its inner structures and repeated addresses."""
    text = str(error)
    status = _STATUS.search(text)
    if status is not None:
        return f"the server answered {status[1].strip()}"
    if "error sending request" in text or "timed out" in text:
        return "the server does not answer"
    return (text.splitlines() or [type(error).__name__])[0].strip()[:300]
