"""Secrets as people write them, and what opens a bucket."""

import pytest

from modelyard_crds.reasons import Reason
from modelyard_runtime.data.credentials import bucket_options, open_bucket
from modelyard_runtime.errors import UserError

AMBIENT = ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"]


@pytest.mark.parametrize(
    "secret",
    [
        {
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
            "AWS_REGION": "eu",
        },
        {
            "accessKeyId": "id",
            "secretAccessKey": "secret",
            "endpoint": "http://127.0.0.1:9000",
            "region": "eu",
            "somethingElse": "is passed over",
        },
    ],
)
def test_both_spellings_open_an_s3_bucket_by_path(secret):
    assert bucket_options("s3", secret) == {
        "access_key_id": "id",
        "secret_access_key": "secret",
        "endpoint": "http://127.0.0.1:9000",
        "region": "eu",
        "virtual_hosted_style_request": False,
    }
    store, key = open_bucket("s3://bucket/a%20b/c d.csv", secret)
    assert key == "a b/c d.csv"
    assert store.uri(key).startswith("s3://bucket/")


def test_without_a_secret_a_bucket_is_read_as_public(monkeypatch):
    for name in AMBIENT:
        monkeypatch.delenv(name, raising=False)
    assert bucket_options("s3", {})["skip_signature"] is True
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    assert "skip_signature" not in bucket_options("s3", {})


@pytest.mark.parametrize(
    ("scheme", "secret", "options"),
    [
        ("gs", {"GOOGLE_SERVICE_ACCOUNT_KEY": "{}"}, {"service_account_key": "{}"}),
        (
            "az",
            {"AZURE_STORAGE_ACCOUNT_NAME": "a", "accountKey": "k"},
            {"account_name": "a", "account_key": "k"},
        ),
    ],
)
def test_other_clouds_have_their_own_keys(scheme, secret, options):
    assert bucket_options(scheme, secret) == options


def test_a_secret_of_something_else_is_named_with_what_is_needed():
    with pytest.raises(UserError, match=r"keys password; s3:// needs AWS_ACCESS_KEY_ID") as caught:
        bucket_options("s3", {"password": "x"})
    assert caught.value.reason is Reason.ACCESS_DENIED
    assert "x" not in caught.value.message.split("password")[0]


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "s3://bucket/folder/"])
def test_a_folder_is_no_file(uri):
    with pytest.raises(UserError, match="add the file's key"):
        open_bucket(uri, {})
