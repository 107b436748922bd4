"""The Idempotency-Key of a request: what makes a retry answer the first result.

Nothing is remembered here. The key's hash is an annotation of what the request made, so that
every replica finds it, also after a restart.
"""

import hashlib
import json
from collections.abc import Mapping

from modelyard_api.annotations import ANSWERED_VERSIONS
from modelyard_api.auth import Caller

#: Retries of so many requests are recognised on one model.
REMEMBERED = 8


def token(caller: Caller, operation: str, key: str | None) -> str | None:
    """The hash of a key, different for each account and operation; None without a key."""
    if not key:
        return None
    content = f"{caller.account}\n{operation}\n{key}"
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def answered_version(annotations: Mapping[str, str], key_token: str | None) -> int | None:
    """The version that the first request of a key was answered with."""
    return _read(annotations).get(key_token) if key_token else None


def with_answer(annotations: Mapping[str, str], key_token: str, version: int) -> dict[str, str]:
    """The annotation that remembers one more answer."""
    answers = {**_read(annotations), key_token: version}
    newest = dict(list(answers.items())[-REMEMBERED:])
    return {ANSWERED_VERSIONS: json.dumps(newest)}


def _read(annotations: Mapping[str, str]) -> dict[str, int]:
    try:
        answers = json.loads(annotations.get(ANSWERED_VERSIONS, "{}"))
    except ValueError:
        return {}
    return answers if isinstance(answers, dict) else {}
