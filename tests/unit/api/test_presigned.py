"""Uploads that clients put into the store themselves, at addresses signed for them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from obstore.store import MemoryStore

from modelyard_api.mapping.uploads import file_key
from modelyard_api.store import Store, open_signer
from modelyard_crds.build import StoreConfig
from unit.api import samples
from unit.api.application import SETTINGS, Facade, fault, running

INSIDE = StoreConfig(
    url="s3://bucket/prod",
    endpoint="http://modelyard-store.svc:7070",
    access_key_id="key",
    secret_access_key="secret",
    allow_http=True,
)
TABLE = b"x,y\n1,2\n"


@pytest.fixture
async def facade() -> AsyncIterator[Facade]:
    signer = open_signer(INSIDE, "https://s3.example.com")
    async with running(SETTINGS, Store(MemoryStore(), signer)) as opened:
        yield opened


async def announced(facade: Facade, *filenames: str) -> str:
    files = [{"filename": name} for name in filenames]
    answer = await facade.send("POST", "/uploads", json={"name": "Usage", "files": files})
    upload_id: str = answer.json()["upload_id"]
    return upload_id


async def put(facade: Facade, upload_id: str, index: int, filename: str, content: bytes) -> str:
    """What a client does at the signed address."""
    key = file_key(samples.ACCOUNT, upload_id, index, filename)
    await facade.services.store.put(key, content)
    return key


async def test_addresses_are_those_that_clients_reach(facade: Facade) -> None:
    upload_id = await announced(facade, "a b.csv")
    answer = await facade.send("GET", f"/uploads/{upload_id}")
    (file,) = answer.json()["files"]
    address = urlsplit(file["upload_url"])
    assert (address.scheme, address.netloc) == ("https", "s3.example.com")
    assert address.path == f"/bucket/prod/uploads/team-a/{upload_id}/000-a_b.csv"
    assert "X-Amz-Signature=" in address.query
    assert file["upload_url_expires_at"] == "2023-06-16T16:00:00Z"
    # What only the cluster knows must not be told.
    assert "svc" not in answer.text
    assert "secret" not in answer.text


async def test_what_was_put_there_is_hashed_when_the_upload_is_completed(facade: Facade) -> None:
    upload_id = await announced(facade, "a.csv", "b.csv")
    place, complete = f"/uploads/{upload_id}", {"status": "complete"}
    await put(facade, upload_id, 0, "a.csv", TABLE)
    early = await facade.send("PATCH", place, json=complete)
    assert fault(early)["details"]["missing"] == ["b.csv"]
    # Through the façade goes as well.
    assert (await facade.send("PUT", f"{place}/files/b.csv", content=TABLE)).status_code == 200
    done = (await facade.send("PATCH", place, json=complete)).json()
    assert done["status"] == "complete"
    digest = f"sha256:{hashlib.sha256(TABLE).hexdigest()}"
    assert [file["digest"] for file in done["files"]] == [digest, digest]
    assert [file["size_bytes"] for file in done["files"]] == [len(TABLE)] * 2
    assert all("upload_url_expires_at" not in file for file in done["files"])


@pytest.mark.parametrize(
    ("content", "status"), [(b"x" * 6000, 413), (b"PK\x03\x04zip", 415), (b"", 422)]
)
async def test_what_cannot_be_a_table_is_refused_and_removed(
    facade: Facade, content: bytes, status: int
) -> None:
    upload_id = await announced(facade, "a.csv")
    key = await put(facade, upload_id, 0, "a.csv", content)
    answer = await facade.send("PATCH", f"/uploads/{upload_id}", json={"status": "complete"})
    assert answer.status_code == status
    fault(answer)
    assert await facade.services.store.get(key) is None


def test_a_store_without_signed_addresses_is_refused_at_the_start(tmp_path: object) -> None:
    with pytest.raises(ValueError, match="no signed addresses"):
        open_signer(StoreConfig(url=f"file://{tmp_path}"), "")
