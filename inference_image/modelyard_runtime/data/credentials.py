"""Open the bucket of an ``s3://``, ``gs://`` or ``az://`` address with a dataset's own Secret.

The Secret's keys may be spelled as environment variables (``AWS_ACCESS_KEY_ID``) or as fields
(``accessKeyId``). Without a Secret the surroundings are asked, else the bucket is read as public.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from obstore import exceptions
from obstore.store import from_url

from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.store import RETRY, TIMEOUTS, Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

#: By scheme: how a Secret may spell an option (lower case, no separators) and its name here.
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "s3": {
        "accesskeyid": "access_key_id",
        "secretaccesskey": "secret_access_key",
        "sessiontoken": "session_token",
        "endpointurl": "endpoint",
        "endpointurls3": "endpoint",
        "endpoint": "endpoint",
        "region": "region",
        "defaultregion": "region",
    },
    "gs": {
        "serviceaccountkey": "service_account_key",
        "serviceaccount": "service_account_key",
        "keyjson": "service_account_key",
        "applicationcredentials": "service_account_key",
    },
    "az": {
        "accountname": "account_name",
        "account": "account_name",
        "accountkey": "account_key",
        "key": "account_key",
        "sastoken": "sas_token",
        "clientid": "client_id",
        "clientsecret": "client_secret",
        "tenantid": "tenant_id",
        "endpoint": "endpoint",
    },
}
_PREFIXES = ("aws", "s3", "google", "gcp", "gcs", "azurestorage", "azure")
_EXAMPLES = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT_KEY",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_AMBIENT = {
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT"),
    "az": ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_FEDERATED_TOKEN_FILE"),
}


def open_bucket(uri: str, credentials: Mapping[str, str]) -> tuple[Store, str]:
    """The bucket of an address and the key in it.

    Raises UserError where the address has no key, or the Secret none that opens a bucket.
    """
    parts = urlsplit(uri)
    key = unquote(parts.path).lstrip("/")
    if not key or key.endswith("/"):
        raise UserError(
            Reason.SOURCE_NOT_FOUND,
            f"{uri} names a bucket or folder, not a file: add the file's key.",
        )
    options = bucket_options(parts.scheme, credentials)
    plain = str(options.get("endpoint", "")).startswith("http://")
    address = f"{parts.scheme}://{parts.netloc}"
    client: ClientConfig = {**TIMEOUTS, "allow_http": plain}
    try:
        backend = from_url(
            address,
            config=cast("S3Config", options),  # the library takes what fits the scheme
            client_options=client,
            retry_config=RETRY,
        )
    except (exceptions.BaseError, ValueError) as error:
        raise UserError(
            Reason.ACCESS_DENIED, f"{uri} cannot be opened with this Secret: {error}"
        ) from error
    return Store(backend, address), key


def bucket_options(scheme: str, credentials: Mapping[str, str]) -> dict[str, Any]:
    """The library's options from the keys of a Secret."""
    known = _OPTIONS[scheme]
    options: dict[str, Any] = {}
    for key, value in credentials.items():
        option = known.get(_plain(key))
        if option is not None and value:
            options[option] = value
    if credentials and not options:
        raise UserError(
            Reason.ACCESS_DENIED,
            f"The Secret has the keys {', '.join(sorted(credentials))}; "
            f"{scheme}:// needs {_EXAMPLES[scheme]}.",
        )
    if scheme == "s3":
        options.setdefault("region", "us-east-1")
    if "endpoint" in options and scheme == "s3":
        options["virtual_hosted_style_request"] = False
    if not credentials and not any(name in os.environ for name in _AMBIENT[scheme]):
        options["skip_signature"] = True
    return options


def _plain(key: str) -> str:
    letters = "".join(character for character in key.lower() if character.isalnum())
    for prefix in _PREFIXES:
        if letters.startswith(prefix):
            return letters.removeprefix(prefix)
    return letters
