"""The façade as a test's client: a key for the test's own namespace, and waits over REST."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from modelyard_api import keys
from modelyard_api.settings import DEFAULT_TIER
from support.durations import SHORT
from support.kubectl import Kubectl, TimedOut, poll

ALL_SCOPES = frozenset(keys.SCOPES)


def make_key(account: str, scopes: frozenset[str] = ALL_SCOPES, tier: str = DEFAULT_TIER) -> str:
    """A new key of the account, made as an administrator would: as a Secret."""
    key_id, secret = keys.generate()
    now = datetime.now(UTC)
    key = keys.new_key(
        key_id, secret, account=account, name="tests", scopes=scopes, now=now, tier=tier
    )
    system = Kubectl(os.environ["MODELYARD_SYSTEM_NAMESPACE"])
    system.create(keys.build_secret(key))
    return keys.spell(key_id, secret)


@contextmanager
def open_client(url: str, key: str) -> Iterator[httpx.Client]:
    """A client with the key, once the façade knows it."""
    with httpx.Client(base_url=url, headers={"x-api-key": key}, timeout=60) as client:

        def accepted() -> bool | None:
            return client.get("/models").status_code != httpx.codes.UNAUTHORIZED or None

        if poll(accepted, SHORT) is None:
            raise TimedOut(f"the façade at {url} does not accept a new key within {SHORT} s")
        yield client


def wait_for(
    client: httpx.Client, path: str, holds: Callable[[Any], bool], *, within: float
) -> Any:
    """Get the path until the answer is as wanted; raises TimedOut with the last one."""
    last: list[str] = [""]

    def look() -> Any:
        answer = client.get(path)
        last[0] = f"{answer.status_code} {answer.text}"
        if answer.status_code != httpx.codes.OK:
            return None
        return answer.json() if holds(answer.json()) else None

    found = poll(look, within)
    if found is None:
        raise TimedOut(f"GET {path} not as wanted within {within:.0f} s; last: {last[0]}")
    return found
