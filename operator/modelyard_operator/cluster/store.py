"""The object store, as the operator needs it: read what pods wrote, remove what is left over."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore, S3Store, from_url
from pydantic import ValidationError

from modelyard_crds.build import StoreConfig
from modelyard_operator.errors import SettingsError, StoreUnavailableError

if TYPE_CHECKING:
    from obstore.store import S3Config

_TIMEOUT = 20.0
_TRUE = ("true", "1", "yes")


def read_config(folder: Path) -> StoreConfig:
    """The store's configuration from a mounted Secret, one file a key.

    Raises SettingsError.
    """
    values: dict[str, Any] = {}
    for field in StoreConfig.model_fields.values():
        file = folder / str(field.alias)
        if file.is_file():
            values[str(field.alias)] = file.read_text().strip()
    if "allowHttp" in values:
        values["allowHttp"] = values["allowHttp"].lower() in _TRUE
    try:
        return StoreConfig.model_validate(values)
    except ValidationError as error:
        msg = (
            f"{folder} does not configure the object store: {error.errors()[0]['msg']} "
            f"({error.errors()[0]['loc']}); mount the Secret modelyard-store there"
        )
        raise SettingsError(msg) from error


def open_store(config: StoreConfig) -> ObjectStore:
    """The store of a configuration; no call is made yet."""
    if not config.url.startswith("s3://"):
        return from_url(config.url)
    options = {
        "endpoint": config.endpoint,
        "region": config.region,
        "access_key_id": config.access_key_id,
        "secret_access_key": config.secret_access_key,
    }
    return S3Store.from_url(
        config.url,
        config=cast("S3Config", {key: value for key, value in options.items() if value}),
        client_options={
            "allow_http": config.allow_http,
            "connect_timeout": "5s",
            "timeout": "15s",
        },
        retry_config={"max_retries": 2},
    )


class Store:
    """The store behind a mounted Secret; a rotated Secret is picked up without a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: object = None
        self._config = read_config(folder)
        self._store = open_store(self._config)

    @property
    def config(self) -> StoreConfig:
        """The configuration, as it is mounted now."""
        stamp = _stamp(self._folder)
        if stamp != self._stamp:
            config = read_config(self._folder)
            if config != self._config:
                self._config, self._store = config, open_store(config)
            self._stamp = stamp
        return self._config

    @property
    def url(self) -> str:
        """Bucket and prefix."""
        return self.config.url

    async def read(self, key: str) -> bytes | None:
        """The content of a key; None where there is none.

        Raises StoreUnavailableError.
        """
        store = self._opened()
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await obstore.get_async(store, key)
                return bytes(await answer.bytes_async())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, TimeoutError, OSError) as error:
            raise _unavailable(self._config, error) from error

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete keys.

        Raises StoreUnavailableError.
        """
        try:
            await obstore.delete_async(self._opened(), keys)
        except (BaseError, OSError) as error:
            raise _unavailable(self._config, error) from error

    async def delete_prefix(self, prefix: str) -> int:
        """Delete all keys under a prefix; tells how many there were.

        Raises StoreUnavailableError.
        """
        store, count = self._opened(), 0
        try:
            async for page in obstore.list(store, prefix):
                keys = [entry["path"] for entry in page]
                await obstore.delete_async(store, keys)
                count += len(keys)
        except (BaseError, OSError) as error:
            raise _unavailable(self._config, error) from error
        return count

    async def folders(self, prefix: str, depth: int = 1) -> AsyncIterator[tuple[str, datetime]]:
        """Paths of so many parts under a prefix, each with the newest change below it.

        Raises StoreUnavailableError.
        """
        newest: dict[str, datetime] = {}
        try:
            async for page in obstore.list(self._opened(), prefix):
                for entry in page:
                    parts = entry["path"].removeprefix(prefix).split("/")
                    name = "/".join(parts[:depth])
                    seen = newest.get(name, entry["last_modified"])
                    newest[name] = max(seen, entry["last_modified"])
        except (BaseError, OSError) as error:
            raise _unavailable(self._config, error) from error
        for item in newest.items():
            yield item

    async def subfolders(self, prefix: str) -> list[str]:
        """Names of the folders right under a prefix, without a look at what they hold.

        Raises StoreUnavailableError.
        """
        try:
            found = await obstore.list_with_delimiter_async(self._opened(), prefix)
        except (BaseError, OSError) as error:
            raise _unavailable(self._config, error) from error
        return [str(path).rstrip("/").rpartition("/")[2] for path in found["common_prefixes"]]

    async def files(self, prefix: str) -> dict[str, datetime]:
        """Keys under a prefix, each with its last change.

        Raises StoreUnavailableError.
        """
        found: dict[str, datetime] = {}
        try:
            async for page in obstore.list(self._opened(), prefix):
                found |= {entry["path"]: entry["last_modified"] for entry in page}
        except (BaseError, OSError) as error:
            raise _unavailable(self._config, error) from error
        return found

    def _opened(self) -> ObjectStore:
        _ = self.config  # looks at the mount, and opens anew what changed
        return self._store


def _stamp(folder: Path) -> object:
    """What changes when the kubelet swaps a mounted Secret."""
    link = folder / "..data"
    try:
        return os.readlink(link)
    except OSError:
        return folder.stat().st_mtime_ns if folder.exists() else None


def _unavailable(config: StoreConfig, error: Exception) -> StoreUnavailableError:
    first_line = str(error).strip().splitlines()[0][:300] if str(error).strip() else repr(error)
    where = config.endpoint or config.url
    return StoreUnavailableError(f"The object store at {where} does not answer: {first_line}")
