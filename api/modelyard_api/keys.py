"""API keys: their form, the Secret that stands for one, and the command that makes the first.

A key is ``my_ID_SECRET``. The Secret ``modelyard-key-ID`` of the façade's own namespace holds the
sha256 of salt and secret: the secret has 256 random bits, so a fast hash is as safe as a slow
one, which would only cost every request a tenth of a second. ``python -m modelyard_api.keys`` is
run once by the chart.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from modelyard_api import logs
from modelyard_api.kube import ApiStatusError, KubeApi, secrets_path
from modelyard_api.scopes import Scope
from modelyard_api.settings import DEFAULT_TIER, Settings
from modelyard_crds import names
from modelyard_crds.conditions import rfc3339

log = logging.getLogger(__name__)

LABEL_API_KEY = f"{names.GROUP}/api-key"
LABEL_ACCOUNT = f"{names.GROUP}/account"
#: An administrator may change it: kubectl label secret modelyard-key-ID modelyard.dev/tier=NAME.
LABEL_TIER = f"{names.GROUP}/tier"
SCOPES = frozenset(scope.value for scope in Scope)
FIRST_KEY_SECRET = "modelyard-api-key"  # noqa: S105 - a name, not a secret

_KEY = re.compile(r"my_([a-z0-9]{12})_([0-9a-f]{64})")
ALREADY_EXISTS = 409


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key: all but the key itself."""

    key_id: str
    account: str
    name: str
    salt: str
    digest: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    created_by: str = ""
    tier: str = DEFAULT_TIER
    uid: str = ""

    def opens(self, secret: str, now: Callable[[], datetime]) -> bool:
        """Whether the secret is the right one, compared in constant time, and still valid."""
        matches = hmac.compare_digest(self.digest, digest_of(self.salt, secret))
        return matches and self.holds(now)

    def holds(self, now: Callable[[], datetime]) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now() < self.expires_at


def digest_of(salt: str, secret: str) -> str:
    """The hash that is kept of a secret."""
    return hashlib.sha256(f"{salt}{secret}".encode()).hexdigest()


def generate() -> tuple[str, str]:
    """Id and secret of a new key."""
    return names.public_id("key", secrets.token_hex(16)).removeprefix("key_"), secrets.token_hex(32)


def spell(key_id: str, secret: str) -> str:
    """The key that a client sends."""
    return f"my_{key_id}_{secret}"


def split(key: str) -> tuple[str, str] | None:
    """Id and secret of a key; None for what is not one."""
    match = _KEY.fullmatch(key)
    return (match[1], match[2]) if match else None


def secret_name(key_id: str) -> str:
    """Name of the Secret of a key."""
    return f"modelyard-key-{key_id}"


def build_secret(key: ApiKey) -> dict[str, Any]:
    """The Secret that stands for a key."""
    data = {
        "id": key.key_id,
        "name": key.name,
        "salt": key.salt,
        "hash": key.digest,
        "scopes": ",".join(sorted(key.scopes)),
        "created": rfc3339(key.created_at),
        "createdBy": key.created_by,
        "expires": rfc3339(key.expires_at) if key.expires_at else "",
        "lastUsed": rfc3339(key.last_used_at) if key.last_used_at else "",
    }
    own = {LABEL_API_KEY: "true", LABEL_ACCOUNT: key.account, LABEL_TIER: key.tier}
    labels = names.common_labels("api", own)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": LABEL_API_KEY,
        "metadata": {"name": secret_name(key.key_id), "labels": labels},
        "data": {field: encode(value) for field, value in data.items()},
    }


def encode(value: str) -> str:
    """A value as the data of a Secret has it."""
    return base64.b64encode(value.encode()).decode()


class _SecretMeta(msgspec.Struct):
    name: str
    uid: str
    labels: dict[str, str] = {}


class _RawSecret(msgspec.Struct):
    metadata: _SecretMeta
    data: dict[str, str] = {}


def parse_key(raw: bytes) -> ApiKey:
    """The key that a Secret stands for.

    Raises ValueError where the Secret is not one.
    """
    parsed = msgspec.json.decode(raw, type=_RawSecret)
    meta = parsed.metadata
    data = {field: base64.b64decode(value).decode() for field, value in parsed.data.items()}
    try:
        return ApiKey(
            key_id=data["id"],
            account=meta.labels[LABEL_ACCOUNT],
            name=data.get("name", ""),
            salt=data["salt"],
            digest=data["hash"],
            scopes=frozenset(data["scopes"].split(",")) & SCOPES,
            created_at=datetime.fromisoformat(data["created"]),
            expires_at=_moment(data, "expires"),
            last_used_at=_moment(data, "lastUsed"),
            created_by=data.get("createdBy", ""),
            tier=meta.labels.get(LABEL_TIER, DEFAULT_TIER),
            uid=meta.uid,
        )
    except KeyError as missing:
        msg = f"Secret {meta.name} has no {missing}, so it is not an API key"
        raise ValueError(msg) from None


def _moment(data: Mapping[str, str], field: str) -> datetime | None:
    return datetime.fromisoformat(data[field]) if data.get(field) else None


def new_key(  # noqa: PLR0913 - what a key consists of
    key_id: str,
    secret: str,
    *,
    account: str,
    name: str,
    scopes: frozenset[str],
    now: datetime,
    expires_at: datetime | None = None,
    created_by: str = "",
    tier: str = DEFAULT_TIER,
) -> ApiKey:
    """What is kept of a new key."""
    salt = secrets.token_hex(16)
    return ApiKey(
        key_id=key_id,
        account=account,
        name=name,
        salt=salt,
        digest=digest_of(salt, secret),
        scopes=scopes,
        created_at=now,
        expires_at=expires_at,
        created_by=created_by,
        tier=tier,
    )


async def make_first_key(
    kube: KubeApi, namespace: str, account: str, scopes: frozenset[str]
) -> None:
    """Make the Secret with the first key in clear, then the one that the façade checks.

    Repeating it changes nothing, and completes what an interrupted run began.
    """
    key_id, secret = generate()
    clear = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": FIRST_KEY_SECRET, "labels": names.common_labels("api", {})},
        "data": {"key": encode(spell(key_id, secret)), "account": encode(account)},
    }
    if not await _create(kube, namespace, clear):
        answer = await kube.request("GET", f"{secrets_path(namespace)}/{FIRST_KEY_SECRET}")
        data = msgspec.json.decode(answer, type=_RawSecret).data
        found = split(base64.b64decode(data.get("key", "")).decode())
        if found is None:
            msg = f"Secret {FIRST_KEY_SECRET} holds no key; delete it to have a new one made"
            raise ValueError(msg)
        key_id, secret = found
        account = base64.b64decode(data.get("account", "")).decode() or account
    now = datetime.now(UTC)
    key = new_key(key_id, secret, account=account, name="first", scopes=scopes, now=now)
    created = await _create(kube, namespace, build_secret(key))
    state = "created" if created else "exists"
    log.info("API key %s of account %s: %s", key_id, account, state)


async def _create(kube: KubeApi, namespace: str, secret: dict[str, Any]) -> bool:
    try:
        await kube.request("POST", secrets_path(namespace), body=secret)
    except ApiStatusError as error:
        if error.status != ALREADY_EXISTS:
            raise
        return False
    return True


async def _main(account: str, scopes: frozenset[str]) -> None:
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    kube = await KubeApi.connect(settings)
    try:
        await make_first_key(kube, settings.namespace, account, scopes)
    finally:
        await kube.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the first API key, once.")
    parser.add_argument("--account", required=True, help="the namespace that it opens")
    parser.add_argument("--scopes", default=",".join(sorted(SCOPES)), help="read, write, predict")
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.account, frozenset(arguments.scopes.split(",")) & SCOPES))
