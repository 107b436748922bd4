"""The Idempotency-Key of a request: what makes a retry answer the first result.

Nothing is remembered here. The hashes of key and request are annotations of what the request
made, so that every replica finds them, also after a restart.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from modelyard_api.annotations import ANSWERED_VERSIONS, IDEMPOTENCY, IDEMPOTENT_REQUEST
from modelyard_api.auth import Caller
from modelyard_api.errors import ConflictError
from modelyard_crds.names import content_hash

#: Retries of so many requests are recognised on one model.
REMEMBERED = 8
HASH_LENGTH = 32


class Token(NamedTuple):
    """A key, and the hashes that objects carry: of the key, and of the request it came with."""

    key: str
    key_hash: str
    request_hash: str

    @property
    def annotations(self) -> dict[str, str]:
        """What an object that the request makes is marked with."""
        return {IDEMPOTENCY: self.key_hash, IDEMPOTENT_REQUEST: self.request_hash}

    def made(self, annotations: Mapping[str, str]) -> bool:
        """Whether an earlier try of the request made the object of these annotations.

        Raises ConflictError where another request with the same key made it.
        """
        if annotations.get(IDEMPOTENCY) != self.key_hash:
            return False
        if annotations.get(IDEMPOTENT_REQUEST) != self.request_hash:
            raise used_twice(self.key)
        return True


class Answer(NamedTuple):
    """The version that a request was answered with."""

    version: int
    request_hash: str


_ANSWERS: TypeAdapter[dict[str, Answer]] = TypeAdapter(dict[str, Answer])


def key_hash(caller: Caller, operation: str, key: str) -> str:
    """The hash of a key, different for each account and operation."""
    content = f"{caller.account}\n{operation}\n{key}"
    return hashlib.sha256(content.encode()).hexdigest()[:HASH_LENGTH]


def token(caller: Caller, operation: str, key: str | None, request: object) -> Token | None:
    """The token of a request, given as the JSON of what it asks for; None without a key."""
    if not key:
        return None
    request_hash = content_hash(request)[:HASH_LENGTH]
    return Token(key, key_hash(caller, operation, key), request_hash)


def used_twice(key: str) -> ConflictError:
    """The error of a key that came with two different requests."""
    return ConflictError(
        f"The Idempotency-Key '{key[:80]}' has been used for another request.",
        details={"idempotency_key": key[:80]},
        suggestions=["Take a new key for each request; the same one only to try it again."],
    )


def answered_version(annotations: Mapping[str, str], given: Token | None) -> int | None:
    """The version that the first request of a key was answered with.

    Raises ConflictError where that request was another one.
    """
    answer = _read(annotations).get(given.key_hash) if given else None
    if given is None or answer is None:
        return None
    if answer.request_hash != given.request_hash:
        raise used_twice(given.key)
    return answer.version


def with_answer(annotations: Mapping[str, str], given: Token, version: int) -> dict[str, str]:
    """The annotation that remembers one more answer."""
    answers = {**_read(annotations), given.key_hash: Answer(version, given.request_hash)}
    newest = dict(list(answers.items())[-REMEMBERED:])
    return {ANSWERED_VERSIONS: json.dumps(newest)}


def _read(annotations: Mapping[str, str]) -> dict[str, Answer]:
    try:
        return _ANSWERS.validate_json(annotations.get(ANSWERED_VERSIONS, "{}"))
    except ValidationError:
        return {}
