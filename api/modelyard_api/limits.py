"""Rate limits of a key, bounds on what is in flight, rations of what the API server is asked.

``counts`` says where requests are counted; what is in flight is bounded by each replica for itself.
"""

import math
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from modelyard_api.counts import WINDOW_SECONDS, Counts
from modelyard_api.errors import RateLimitedError, UnavailableError


class Allowance(NamedTuple):
    """What is left of a limit after a request, as the RateLimit headers say it."""

    subject: str
    limit: int
    remaining: int
    reset_seconds: int
    counted_by: str
    used_up: bool

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The RateLimit headers (draft-ietf-httpapi-ratelimit-headers-06)."""
        policy = f'{self.limit};w={WINDOW_SECONDS};counted-by="{self.counted_by}"'
        return [
            (b"ratelimit-policy", policy.encode()),
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset_seconds),
        ]

    def check(self) -> None:
        """Raise RateLimitedError where the request is one too many."""
        if self.used_up:
            raise RateLimitedError(
                f"More than {self.limit} {self.subject} a minute with this credential.",
                details={"limit_per_minute": self.limit, "counted_by": self.counted_by},
                suggestions=[f"Try again in {self.reset_seconds} s."],
                retry_after=self.reset_seconds,
            )


class Ration:
    """So many of something a second, some of it saved up."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left, self._at = burst, clock()

    def take(self) -> bool:
        """Use one up; False where none is left."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class RateLimiter:
    """So many of something a minute and credential; 0 is no limit."""

    def __init__(self, subject: str, counts: Counts) -> None:
        self._subject, self._counts = subject, counts

    async def hit(self, credential: str, per_minute: int) -> Allowance | None:
        """Count a request; None where there is no limit."""
        if not per_minute:
            return None
        counted = await self._counts.hit(self._subject, credential, per_minute)
        return Allowance(
            self._subject,
            limit=per_minute,
            remaining=counted.remaining,
            reset_seconds=max(1, math.ceil(counted.reset_at - time.time())),
            counted_by=counted.counted_by,
            used_up=not counted.allowed,
        )


class InFlight:
    """Bounds how many predictions run at a time, in all and for one account, and their bytes.

    Of the bytes one account may have half, so that none takes them from all others.

    A queue without end would answer everybody too late, and fill the memory; beyond the bound
    the answer is an immediate 503, which a client can take to another replica.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._bytes: Counter[str] = Counter()
        self._accounts: Counter[str] = Counter()
        #: How many run now.
        self.total = 0

    def admit(self, account: str, size: int, most_of_account: int) -> "Place":
        """A place for a body of so many bytes; UnavailableError where none is free."""
        if self.total >= self._most or self._accounts[account] >= most_of_account:
            raise self._full()
        self.take(account, size)
        self.total += 1
        self._accounts[account] += 1
        return Place(self, account, size)

    def take(self, account: str, size: int) -> None:
        """Count bytes; UnavailableError where they are too many."""
        of_account = self._bytes[account] + size
        in_all = self._bytes.total() + size
        if in_all > self._most_bytes or of_account > self._most_bytes / 2:
            raise self._full()
        self._bytes[account] = of_account

    def release(self, account: str, size: int) -> None:
        """Give a place back."""
        self.total -= 1
        self._bytes[account] -= size
        self._accounts[account] -= 1
        if not self._accounts[account]:
            del self._accounts[account], self._bytes[account]

    def _full(self) -> UnavailableError:
        return UnavailableError(
            "Too many predictions are running at the moment.",
            details={"in_flight": self.total},
            suggestions=["Try again shortly, or deploy with more replicas."],
            retry_after=1,
        )


class Place:
    """A place in flight, to be held in a ``with``: a class, since a generator costs more."""

    __slots__ = ("_account", "_bound", "_size")

    def __init__(self, bound: InFlight, account: str, size: int) -> None:
        self._bound, self._account, self._size = bound, account, size

    def __enter__(self) -> "Place":
        """Itself: it is held since it was given."""
        return self

    def grow(self, size: int) -> None:
        """Hold more bytes; UnavailableError where they are too many."""
        self._bound.take(self._account, size)
        self._size += size

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._bound.release(self._account, self._size)
