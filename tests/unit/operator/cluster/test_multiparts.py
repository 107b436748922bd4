"""Multipart uploads that nobody finishes: the signed calls, and what a listing says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from modelyard_crds.build import StoreConfig
from modelyard_operator.cluster.multiparts import Multipart, Multiparts, parse_uploads, sign
from modelyard_operator.errors import StoreUnavailableError

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def listing(*uploads: tuple[str, str, datetime], more: str = "") -> str:
    items = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{upload_id}</UploadId>"
        f"<Initiated>{at:%Y-%m-%dT%H:%M:%S.000Z}</Initiated></Upload>"
        for key, upload_id, at in uploads
    )
    marker = f"<NextKeyMarker>{more}</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"
    truncated = f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>"
    space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    name = "ListMultipartUploadsResult"
    return f"<{name} {space}>{truncated}{marker}{items}</{name}>"


def test_the_signature_of_amazons_own_example() -> None:
    """ "GET Bucket Lifecycle" of the S3 API reference, on authentication by header."""
    headers = sign(
        "GET",
        "examplebucket.s3.amazonaws.com",
        "/",
        {"lifecycle": ""},
        config=StoreConfig(
            url="s3://examplebucket",
            access_key_id="AKIAIOSFODNN7EXAMPLE",
            secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
        now=datetime(2013, 5, 24, tzinfo=UTC),
    )
    expected = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    assert headers["authorization"].endswith(f"Signature={expected}")


def test_a_listing_goes_on_where_it_was_cut() -> None:
    found, following = parse_uploads(listing(("a/b c", "1", NOW), more="a/b c").encode())
    assert found == [Multipart("a/b c", "1", NOW)]
    assert following == {"key-marker": "a/b c", "upload-id-marker": "u"}
    assert parse_uploads(listing().encode()) == ([], None)


async def test_only_old_uploads_are_ended_page_by_page() -> None:
    """Pitfall 9.3: paid parts that no listing of objects shows."""
    ended: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")
        if request.method == "DELETE":
            ended.append(f"{request.path} {request.query['uploadId']}")
            return web.Response(status=204)
        assert request.query["prefix"] == "prod/"
        if "key-marker" in request.query:
            return web.Response(text=listing(("prod/ü.csv", "2", NOW - timedelta(days=2))))
        new = ("prod/new", "0", NOW)
        return web.Response(text=listing(("prod/a", "1", NOW - timedelta(days=2)), new, more="x"))

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as server:
        endpoint = str(server.make_url("")).rstrip("/")
        multiparts = Multiparts(
            StoreConfig(
                url="s3://bucket/prod",
                endpoint=endpoint,
                access_key_id="key",
                secret_access_key="secret",
            )
        )
        assert multiparts.within_reach
        assert await multiparts.abort_older(NOW - timedelta(days=1)) == 2
    assert ended == ["/bucket/prod/a 1", "/bucket/prod/ü.csv 2"]


async def test_a_store_that_refuses_or_is_away_is_said_to_be() -> None:
    keys = {"access_key_id": "key", "secret_access_key": "secret"}
    away = Multiparts(StoreConfig(url="s3://bucket", endpoint="http://127.0.0.1:9", **keys))
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        await away.abort_older(NOW)


@pytest.mark.parametrize("url", ["file:///data", "s3://bucket"])
def test_what_is_out_of_reach(url: str) -> None:
    assert not Multiparts(StoreConfig(url=url)).within_reach
