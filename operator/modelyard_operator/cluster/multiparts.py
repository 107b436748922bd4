"""Ends multipart uploads that nobody will finish; their parts are paid for and seen in no listing.

A writer takes its parts back when it fails, but not when it is killed. Called by ``sweeper``. The
store's library can neither list nor abort the uploads of others, so the two calls of S3 are made
here, signed as Signature Version 4 says. Stores that are no S3, and those that are opened with an
identity instead of keys, need a lifecycle rule of their own instead; the how-to says so.
"""

import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import aiohttp
from yarl import URL

from modelyard_crds.build import StoreConfig
from modelyard_operator.errors import StoreUnavailableError

logger = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_NO_BODY = hashlib.sha256(b"").hexdigest()
_OK = range(200, 300)
_GONE = 404


class Multipart(NamedTuple):
    """An upload that has begun and has not been completed."""

    key: str
    upload_id: str
    begun_at: datetime


class Multiparts:
    """The unfinished multipart uploads below a store's prefix."""

    def __init__(self, config: StoreConfig) -> None:
        self._config = config
        address = urlsplit(config.url)
        self._bucket, self._prefix = address.netloc, address.path.strip("/")
        endpoint = config.endpoint or f"https://s3.{config.region}.amazonaws.com"
        self._endpoint = endpoint.rstrip("/")

    @property
    def within_reach(self) -> bool:
        """Whether the store is one whose uploads can be listed and ended here."""
        return self._config.url.startswith("s3://") and bool(self._config.secret_access_key)

    async def unfinished(self) -> list[Multipart]:
        """All that have begun.

        Raises StoreUnavailableError.
        """
        async with self._session() as session:
            return [item async for item in self._list(session)]

    async def abort_older(self, threshold: datetime) -> int:
        """End all that began before a moment; tells how many.

        Raises StoreUnavailableError.
        """
        old = [item for item in await self.unfinished() if item.begun_at < threshold]
        async with self._session() as session:
            for item in old:
                query = {"uploadId": item.upload_id}
                await self._call(session, "DELETE", f"/{item.key}", query)
                logger.info("an unfinished upload was ended", extra={"key": item.key})
        return len(old)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
                yield session
        except (aiohttp.ClientError, TimeoutError, ElementTree.ParseError) as error:
            msg = f"The object store at {self._endpoint} does not answer: {error!r}"
            raise StoreUnavailableError(msg) from error

    async def _list(self, session: aiohttp.ClientSession) -> AsyncIterator[Multipart]:
        query = {"uploads": "", "prefix": f"{self._prefix}/" if self._prefix else ""}
        more: dict[str, str] | None = {}
        while more is not None:
            answer = await self._call(session, "GET", "", query | more)
            found, more = parse_uploads(answer)
            for item in found:
                yield item

    async def _call(
        self, session: aiohttp.ClientSession, method: str, path: str, query: Mapping[str, str]
    ) -> bytes:
        address = f"/{self._bucket}{quote(path, safe='/-_.~')}"
        host = urlsplit(self._endpoint).netloc
        headers = sign(method, host, address, query, config=self._config, now=datetime.now(UTC))
        url = f"{self._endpoint}{address}?{canonical_query(query)}"
        # It must be sent as it is signed, so it is encoded once, here.
        async with session.request(method, URL(url, encoded=True), headers=headers) as answer:
            content = await answer.read()
            if answer.status not in _OK and not (method == "DELETE" and answer.status == _GONE):
                msg = (
                    f"{method} {address}: {answer.status} {content[:200].decode(errors='replace')}"
                )
                raise StoreUnavailableError(msg)
            return content


def parse_uploads(content: bytes) -> tuple[list[Multipart], dict[str, str] | None]:
    """A page of a listing, and the query of the next one; None where it is the last."""
    root = ElementTree.fromstring(content)  # noqa: S314 - from the store that we own
    space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""

    def text(element: ElementTree.Element, name: str) -> str:
        return element.findtext(f"{space}{name}") or ""

    found = [
        Multipart(
            text(item, "Key"),
            text(item, "UploadId"),
            datetime.fromisoformat(text(item, "Initiated")),
        )
        for item in root.iter(f"{space}Upload")
    ]
    if text(root, "IsTruncated") != "true":
        return found, None
    return found, {
        "key-marker": text(root, "NextKeyMarker"),
        "upload-id-marker": text(root, "NextUploadIdMarker"),
    }


def canonical_query(query: Mapping[str, str]) -> str:
    """A query as it is signed: sorted, and encoded strictly."""
    encoded = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query.items())
    return "&".join(f"{key}={value}" for key, value in encoded)


def sign(
    method: str,
    host: str,
    path: str,
    query: Mapping[str, str],
    *,
    config: StoreConfig,
    now: datetime,
) -> dict[str, str]:
    """The headers of a request without a body, signed as AWS Signature Version 4 says."""
    moment, day = f"{now:%Y%m%dT%H%M%SZ}", f"{now:%Y%m%d}"
    headers = {"host": host, "x-amz-content-sha256": _NO_BODY, "x-amz-date": moment}
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            method,
            path or "/",
            canonical_query(query),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            _NO_BODY,
        ]
    )
    scope = f"{day}/{config.region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{config.secret_access_key}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{config.access_key_id}/{scope}"
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={key.hex()}"
    )
    return headers | {"authorization": authorization}
