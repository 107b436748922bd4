"""The object store: uploads go in as a stream, logs and records come out.

Opened once a process from the Secret that is mounted into the pod. Uploads pass through in parts
of bounded size and number; their length and sha256 are counted on the way. Where clients reach the
store themselves, addresses are signed for them, and what they put there is looked at afterwards.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store, from_url
from pydantic.alias_generators import to_camel

from modelyard_api.errors import InvalidInputError, PayloadTooLargeError, UnavailableError
from modelyard_crds.build import StoreConfig

if TYPE_CHECKING:
    from obstore.store import S3Config

PART_BYTES = 8 * 1024 * 1024
PARALLEL_PARTS = 2
#: How much of a stored file is hashed at a time.
HASH_BYTES = 4 * 1024 * 1024
#: After this the caller is told to come back.
REQUEST_RETRY_SECONDS = 10.0
RETRY_SECONDS = 5.0

#: The kinds of stores that clients can be given addresses of.
Signer = S3Store | GCSStore | AzureStore


class Stored(NamedTuple):
    """What was written."""

    size_bytes: int
    digest: str


class Found(NamedTuple):
    """What a listing shows."""

    key: str
    modified_at: datetime


def read_config(mount: Path) -> StoreConfig:
    """The configuration in a mounted Secret: one file a key."""
    fields = {name: to_camel(name) for name in StoreConfig.model_fields}
    given = {
        name: (mount / file).read_text().strip()
        for name, file in fields.items()
        if (mount / file).is_file()
    }
    return StoreConfig.model_validate(given)


def open_store(config: StoreConfig, retry_seconds: float = REQUEST_RETRY_SECONDS) -> ObjectStore:
    """The store of a configuration, whose requests are tried again for some seconds."""
    if not config.url.startswith("s3://"):
        return from_url(config.url)
    options: S3Config = {"region": config.region}
    if config.access_key_id:
        options["access_key_id"] = config.access_key_id
        options["secret_access_key"] = config.secret_access_key
    if config.endpoint:
        # Endpoints of one's own rarely resolve bucket names as host names.
        options["endpoint"] = config.endpoint
        options["virtual_hosted_style_request"] = False
    return from_url(
        config.url,
        config=options,
        client_options={"allow_http": config.allow_http},
        retry_config={"retry_timeout": timedelta(seconds=retry_seconds)},
    )


def open_signer(config: StoreConfig, endpoint: str) -> Signer:
    """The store as clients reach it, to sign addresses with: at ``endpoint``, else its own.

    Raises ValueError where the store is of a kind that has no signed addresses.
    """
    at = {"endpoint": endpoint, "allow_http": endpoint.startswith("http://")} if endpoint else {}
    signer = open_store(config.model_copy(update=at))
    if not isinstance(signer, Signer):
        msg = f"the store {config.url} has no signed addresses; set presignedUploads.enabled=false"
        raise ValueError(msg)
    return signer


class Store:
    """Files by key."""

    def __init__(self, store: ObjectStore, signer: Signer | None = None) -> None:
        """A store, and the same one as clients reach it where they do."""
        self._store = store
        self._signer = signer

    async def upload_url(self, key: str, lifetime: timedelta) -> str | None:
        """An address to PUT a file to, without a credential; None where clients reach no store."""
        if self._signer is None:
            return None
        return await obstore.sign_async(self._signer, "PUT", key, lifetime)

    async def put_stream(self, key: str, chunks: AsyncIterable[bytes], most: int) -> Stored:
        """Write a stream; nothing is left where it breaks or is longer than ``most`` bytes."""
        counted = _Counted(chunks, most)
        putting = asyncio.ensure_future(
            obstore.put_async(
                self._store,
                key,
                counted,
                chunk_size=PART_BYTES,
                max_concurrency=PARALLEL_PARTS,
            )
        )
        try:
            await asyncio.shield(putting)
        except asyncio.CancelledError:
            # Only a stream that breaks makes the library take back the parts that have arrived.
            counted.cut()
            with suppress(BaseError, OSError, asyncio.CancelledError):
                await putting
            raise
        except (BaseError, OSError) as error:
            if counted.fault is not None:
                raise counted.fault from None
            raise _unavailable(error) from error
        if counted.fault is not None:
            await self.delete([key])
            raise counted.fault
        if not counted.size:
            await self.delete([key])
            raise _empty()
        return Stored(counted.size, f"sha256:{counted.digest.hexdigest()}")

    async def put(self, key: str, content: bytes) -> None:
        """Write a small file."""
        try:
            await obstore.put_async(self._store, key, content)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error

    async def get(self, key: str, most: int | None = None) -> bytes | None:
        """The content of a file; None where there is none, or one of more than ``most`` bytes."""
        try:
            answer = await obstore.get_async(self._store, key)
            if most is not None and answer.meta["size"] > most:
                return None
            return bytes(await answer.buffer_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error

    async def start_of(self, key: str, most: int) -> tuple[int, bytes] | None:
        """Length and first bytes of a file; None where there is none."""
        try:
            answer = await obstore.get_async(self._store, key)
            async for chunk in answer.stream(min_chunk_size=most):
                return answer.meta["size"], bytes(chunk)[:most]
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error
        return answer.meta["size"], b""

    async def digest_of(self, key: str) -> str:
        """The sha256 of a file that came here by another way, read once and never held whole."""
        digest = hashlib.sha256()
        try:
            answer = await obstore.get_async(self._store, key)
            async for chunk in answer.stream(min_chunk_size=HASH_BYTES):
                await asyncio.to_thread(digest.update, chunk)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error
        return f"sha256:{digest.hexdigest()}"

    async def files(self, prefix: str) -> list[Found]:
        """The files below a prefix."""
        try:
            stream = obstore.list(self._store, prefix)
            metas = [meta async for chunk in stream for meta in chunk]
        except (BaseError, OSError) as error:
            raise _unavailable(error) from error
        return [Found(meta["path"], meta["last_modified"]) for meta in metas]

    async def delete(self, keys: list[str]) -> None:
        """Delete files; those that are gone already are passed over."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise _unavailable(error) from error


class MountedStore(Store):
    """The store that a mounted Secret names."""

    def __init__(self, mount: Path, endpoint: str | None) -> None:
        """``endpoint`` is where clients reach it, empty for its own; None where they do not.

        Raises ValueError where they do and it is of a kind that has no signed addresses.
        """
        self._mount, self._endpoint = mount, endpoint
        self._config = read_config(mount)
        super().__init__(*self._opened(self._config))

    def follow(self) -> bool:
        """Open the store anew where another one is mounted by now; whether that was so.

        A rotated credential needs no restart. Raises ValueError or OSError where what is mounted
        cannot be opened; the store stays as it was.
        """
        config = read_config(self._mount)
        if config == self._config:
            return False
        self._store, self._signer = self._opened(config)
        self._config = config
        return True

    def _opened(self, config: StoreConfig) -> tuple[ObjectStore, Signer | None]:
        clients = None if self._endpoint is None else open_signer(config, self._endpoint)
        return open_store(config), clients


class _Counted:
    """Counts and hashes a stream on its way, and remembers why it ended early.

    The store's library turns exceptions of the stream into its own; the first one is kept here.
    """

    def __init__(self, chunks: AsyncIterable[bytes], most: int) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self.fault: Exception | None = None
        self._chunks = chunks
        self._most = most
        self._reader: asyncio.Task[object] | None = None

    def cut(self) -> None:
        """End the stream with an error, also while it waits for the next chunk."""
        if self._reader:
            self._reader.cancel()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            self._reader = asyncio.current_task()
            async for chunk in self._chunks:
                self.size += len(chunk)
                if self.size > self._most:
                    raise _too_large(self._most)
                self.digest.update(chunk)
                yield chunk
                # The library asks for each chunk in a task of its own.
                self._reader = asyncio.current_task()
        except Exception as error:
            self.fault = error
            raise


def check_size(size: int, most: int) -> None:
    """Raise what ``put_stream`` raises of a file that is empty or too large."""
    if not size:
        raise _empty()
    if size > most:
        raise _too_large(most)


def _empty() -> InvalidInputError:
    return InvalidInputError(
        "The file is empty.", suggestions=["Send a CSV, Parquet or JSON Lines file."]
    )


def _too_large(most: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The file has more than {most} bytes, which is the limit.",
        details={"limit_bytes": most},
        suggestions=["Register it with POST /datasets {name, uri}."],
    )


def _unavailable(error: Exception) -> UnavailableError:
    return UnavailableError(
        f"The object store does not answer: {str(error)[:200]}",
        suggestions=["Try again shortly."],
        retry_after=RETRY_SECONDS,
    )
