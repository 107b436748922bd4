"""Datasets in a bucket of the account's own, with the account's own credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from support import objects
from support.durations import MEDIUM
from support.kubectl import Kubectl, condition
from support.operator_process import store_from_outside

pytestmark = pytest.mark.cluster

Put = Callable[[str, bytes], str]


@pytest.fixture
def put(kubectl: Kubectl, system: Kubectl, tmp_path: Path) -> Iterator[Put]:
    """Puts a file into the bucket and gives its address; the account has a Secret for it."""
    with store_from_outside(system, tmp_path / "store") as folder:
        outside = {path.name: path.read_text() for path in folder.iterdir()}
        secret = system.get("secret", "modelyard-store")
        assert secret is not None
        kubectl.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "bucket"},
                "data": {
                    "AWS_ACCESS_KEY_ID": secret["data"]["accessKeyId"],
                    "AWS_SECRET_ACCESS_KEY": secret["data"]["secretAccessKey"],
                    "AWS_ENDPOINT_URL": secret["data"]["endpoint"],
                    "AWS_REGION": secret["data"]["region"],
                },
            }
        )
        store = S3Store.from_url(
            outside["url"],
            endpoint=outside["endpoint"],
            region=outside["region"],
            access_key_id=outside["accessKeyId"],
            secret_access_key=outside["secretAccessKey"],
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )

        def do(name: str, content: bytes) -> str:
            key = f"outside/{kubectl.namespace}/{name}"
            obstore.put(store, key, content)
            return f"{outside['url']}/{key}"

        yield do


def with_bucket(uri: str) -> dict[str, object]:
    return objects.dataset(
        "prices", source={"uri": uri, "credentialsSecretRef": {"name": "bucket"}}
    )


def test_a_table_in_a_bucket_is_read_with_the_accounts_credentials(
    kubectl: Kubectl, put: Put
) -> None:
    rows = "".join(f"{n},{n * 3}\n" for n in range(50))
    kubectl.apply(with_bucket(put("prices.csv", f"size,price\n{rows}".encode())))
    dataset = kubectl.wait_condition("dataset", "prices", "Ready", within=MEDIUM)
    assert dataset["status"]["rows"] == 50
    assert [c["name"] for c in dataset["status"]["columns"]] == ["size", "price"]


BAD_OBJECTS = [
    ("empty.csv", b"", "EmptyFile"),
    ("binary.csv", bytes(range(256)) * 40, "NotTabular"),
    ("workbook.csv", b"PK\x03\x04\x14\x00\x06\x00" + bytes(200), "NotTabular"),
]


@pytest.mark.parametrize(
    ("name", "content", "reason"), BAD_OBJECTS, ids=[b[0] for b in BAD_OBJECTS]
)
def test_an_object_that_is_no_table(
    kubectl: Kubectl, put: Put, name: str, content: bytes, reason: str
) -> None:
    kubectl.apply(with_bucket(put(name, content)))
    dataset = kubectl.wait_reason("dataset", "prices", reason, within=MEDIUM)
    assert name in condition(dataset, "Ready")["message"]


def test_an_object_that_is_not_there_yet_is_found_when_it_comes(kubectl: Kubectl, put: Put) -> None:
    there = put("other.csv", b"a,b\n1,2\n")
    address = there.replace("other.csv", "late.csv")
    kubectl.apply(with_bucket(address))
    dataset = kubectl.wait_reason("dataset", "prices", "SourceNotFound", within=MEDIUM)
    assert "late.csv" in condition(dataset, "Ready")["message"]
    rows = "".join(f"{n},{n * 3}\n" for n in range(50))
    put("late.csv", f"size,price\n{rows}".encode())
    kubectl.wait_condition("dataset", "prices", "Ready", within=MEDIUM)


def test_a_secret_that_is_missing_is_named(kubectl: Kubectl, put: Put) -> None:
    rows = "".join(f"{n},{n * 3}\n" for n in range(50))
    address = put("prices.csv", f"size,price\n{rows}".encode())
    kubectl.delete("secret", "bucket")
    kubectl.apply(with_bucket(address))
    dataset = kubectl.wait_reason("dataset", "prices", "SecretMissing", within=MEDIUM)
    assert "bucket" in condition(dataset, "Ready")["message"]
