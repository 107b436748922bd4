"""A failing key waits longer each time, and not at all for what it was before."""

from __future__ import annotations

from modelyard_operator.cluster.backoff import Backoff
from modelyard_operator.cluster.routing import Key

KEY = Key("Model", "team-a", "churn")


def test_delays_double_up_to_a_minute() -> None:
    backoff = Backoff(jitter=lambda: 1.0)
    delays = [backoff.failed(KEY, "uid/1") for _ in range(12)]
    assert delays[:4] == [0.5, 1, 2, 4]
    assert max(delays) == delays[-1] == 60


def test_new_spec_is_tried_at_once() -> None:
    """Pitfall 1.13."""
    backoff = Backoff(jitter=lambda: 1.0)
    for _ in range(10):
        backoff.failed(KEY, "uid/1")
    assert backoff.failed(KEY, "uid/2") == 0.5


def test_success_forgets() -> None:
    backoff = Backoff(jitter=lambda: 1.0)
    backoff.failed(KEY, "uid/1")
    backoff.succeeded(KEY)
    assert backoff.failed(KEY, "uid/1") == 0.5
