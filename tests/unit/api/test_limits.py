import pytest

from modelyard_api.errors import RateLimitedError, UnavailableError
from modelyard_api.limits import InFlight, RateLimiter


async def test_a_limit_counts_each_subject_for_itself() -> None:
    limiter = RateLimiter(2, "test")
    first = await limiter.hit("a")
    assert first is not None
    assert dict(first.headers())["RateLimit-Limit"] == "2"
    second = await limiter.hit("a")
    assert second is not None
    assert second.remaining == 0
    with pytest.raises(RateLimitedError) as caught:
        await limiter.hit("a")
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 60
    assert await limiter.hit("b") is not None


async def test_zero_is_no_limit() -> None:
    assert await RateLimiter(0, "test").hit("a") is None


def test_places_in_flight_are_bounded_and_given_back() -> None:
    bound = InFlight(2, 1, 100)
    with bound.admit("a", 10):
        with pytest.raises(UnavailableError) as caught, bound.admit("a", 10):
            pass
        assert caught.value.retry_after == 1
        with bound.admit("b", 10), pytest.raises(UnavailableError), bound.admit("c", 10):
            pass
    with bound.admit("a", 10):
        assert bound.total == 1
    assert bound.total == 0


def test_bytes_in_flight_are_bounded() -> None:
    bound = InFlight(10, 10, 100)
    with bound.admit("a", 60):
        with pytest.raises(UnavailableError), bound.admit("a", 41):
            pass
        with bound.admit("a", 40):
            pass
    with bound.admit("a", 100):
        pass
