import json
from datetime import timedelta

import pytest

from modelyard_api import keys
from unit.api.samples import ACCOUNT, NOW


def made(**changes: object) -> tuple[keys.ApiKey, str]:
    key_id, secret = keys.generate()
    fields: dict[str, object] = {"account": ACCOUNT, "name": "ci", "scopes": keys.SCOPES}
    key = keys.new_key(key_id, secret, now=NOW, **{**fields, **changes})  # type: ignore[arg-type]
    return key, secret


def as_stored(key: keys.ApiKey) -> bytes:
    secret = keys.build_secret(key)
    secret["metadata"] |= {"namespace": "ns", "uid": "u", "resourceVersion": "7"}
    return json.dumps(secret).encode()


def test_a_key_comes_back_from_its_secret() -> None:
    key, secret = made(expires_at=NOW + timedelta(days=1))
    found = keys.parse_key(as_stored(key))
    assert found.opens(secret, lambda: NOW)
    assert (found.account, found.scopes, found.created_at) == (ACCOUNT, keys.SCOPES, NOW)
    assert found.uid == "u"


def test_neither_secret_nor_hash_of_it_alone_is_stored() -> None:
    key, secret = made()
    assert secret not in as_stored(key).decode()
    assert key.digest != keys.digest_of("", secret)
    assert made()[0].salt != key.salt


def test_what_does_not_open() -> None:
    key, secret = made(expires_at=NOW)
    assert not key.opens(secret, lambda: NOW)
    assert not made()[0].opens(secret, lambda: NOW)


@pytest.mark.parametrize("text", ["", "my_", "my_a_b", "eyJhbGciOi.x.y", "my_" + "a" * 77])
def test_what_is_no_key(text: str) -> None:
    assert keys.split(text) is None


def test_a_key_is_split_as_it_was_spelled() -> None:
    key_id, secret = keys.generate()
    assert keys.split(keys.spell(key_id, secret)) == (key_id, secret)


def test_a_secret_that_is_no_key_is_refused() -> None:
    raw = json.dumps({"metadata": {"name": "x", "uid": "u"}, "data": {}}).encode()
    with pytest.raises(ValueError, match="not an API key"):
        keys.parse_key(raw)
