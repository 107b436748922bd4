import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_api.counts import REPLICA, Counts, ReplicaCounts
from modelyard_api.errors import RateLimitedError, UnavailableError
from modelyard_api.limits import InFlight, RateLimiter


async def test_a_limit_counts_each_subject_for_itself() -> None:
    limiter = RateLimiter("requests", Counts())
    first = await limiter.hit("a", 2)
    assert first is not None
    assert (b"ratelimit-limit", b"2") in first.headers()
    second = await limiter.hit("a", 2)
    assert second is not None
    second.check()
    assert second.remaining == 0
    third = await limiter.hit("a", 2)
    assert third is not None
    with pytest.raises(RateLimitedError, match="More than 2 requests a minute") as caught:
        third.check()
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 120
    other = await limiter.hit("b", 2)
    assert other is not None
    other.check()


async def test_zero_is_no_limit() -> None:
    assert await RateLimiter("requests", Counts()).hit("a", 0) is None


def test_places_in_flight_are_bounded_and_given_back() -> None:
    bound = InFlight(2, 100)
    with bound.admit("a", 10, 1):
        with pytest.raises(UnavailableError) as caught, bound.admit("a", 10, 1):
            pass
        assert caught.value.retry_after == 1
        with bound.admit("b", 10, 1), pytest.raises(UnavailableError), bound.admit("c", 10, 1):
            pass
    with bound.admit("a", 10, 1):
        assert bound.total == 1
    assert bound.total == 0


def test_bytes_in_flight_are_bounded() -> None:
    bound = InFlight(10, 100)
    with bound.admit("a", 30, 10):
        with pytest.raises(UnavailableError), bound.admit("a", 21, 10):
            pass
        with bound.admit("a", 0, 10) as place:
            place.grow(15)
            with pytest.raises(UnavailableError):
                place.grow(6)
            place.grow(5)
        # All are taken then, and half of them by each.
        with (
            bound.admit("a", 20, 10),
            bound.admit("b", 50, 10),
            pytest.raises(UnavailableError),
            bound.admit("c", 1, 10),
        ):
            pass
    with bound.admit("a", 50, 10):
        pass


def test_no_account_takes_the_bytes_from_all_others() -> None:
    bound = InFlight(10, 100)
    with bound.admit("a", 50, 10):
        with pytest.raises(UnavailableError), bound.admit("a", 1, 10):
            pass
        with bound.admit("b", 50, 10):
            pass


async def test_a_store_that_is_away_leaves_the_counting_to_the_replica(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counts = Counts("redis://127.0.0.1:9/0")
    limiter = RateLimiter("requests", counts)
    for remaining in (1, 0):
        allowance = await limiter.hit("a", 2)
        assert allowance is not None
        assert (allowance.remaining, allowance.counted_by) == (remaining, REPLICA)
    assert caplog.text.count("counted by this replica alone") == 1
    await counts.close()


@given(
    limit=st.integers(1, 20),
    times=st.lists(st.floats(0, 300), min_size=1, max_size=80).map(sorted),
)
def test_a_sliding_window_holds_its_limit_and_tells_when_it_opens(
    limit: int, times: list[float]
) -> None:
    clock = [0.0]
    counts = ReplicaCounts(lambda: clock[0])
    allowed = []
    for clock[0] in times:
        counted = counts.hit("requests", "a", limit)
        assert clock[0] <= counted.reset_at <= clock[0] + 120
        if not counted.allowed:
            break
        allowed.append(clock[0])
    # In no window that the clock cuts are there more than the limit.
    for start in range(0, 300, 60):
        assert sum(start <= moment < start + 60 for moment in allowed) <= limit
    if not counted.allowed:
        clock[0] = counted.reset_at + 1e-6
        assert counts.hit("requests", "a", limit).allowed
