"""How long a key that failed waits, forgotten as soon as its object is no longer the same."""

import random
from collections.abc import Callable

from modelyard_operator.cluster.routing import Key

FIRST_DELAY = 0.5
LAST_DELAY = 60.0
_MAX_DOUBLINGS = 16


class Backoff:
    """Delays that double by key; a new token (uid and generation) starts them over."""

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._failures: dict[Key, tuple[object, int]] = {}
        self._jitter = jitter

    def failed(self, key: Key, token: object) -> float:
        """Count a failure; the delay before the next try."""
        known, count = self._failures.get(key, (token, 0))
        count = count if known == token else 0
        self._failures[key] = (token, count + 1)
        delay = min(LAST_DELAY, FIRST_DELAY * float(2 ** min(count, _MAX_DOUBLINGS)))
        return delay * (0.8 + 0.2 * self._jitter())

    def succeeded(self, key: Key) -> None:
        """Start over with this key."""
        self._failures.pop(key, None)
