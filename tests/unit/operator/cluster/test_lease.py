"""A Lease is free when its holder was silent for as long as it promised not to be."""

from __future__ import annotations

from typing import Any

from modelyard_operator.cluster.lease import Patience


def lease(version: str = "1", holder: str = "other", seconds: int = 15) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": version},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": seconds,
            "renewTime": "1999-01-01T00:00:00.000000Z",
        },
    }


def test_silence_is_measured_here_and_not_by_the_holders_clock() -> None:
    patience = Patience()
    assert not patience.is_over(lease(), 100)
    assert not patience.is_over(lease(), 115)
    assert patience.is_over(lease(), 115.1)


def test_renewing_starts_it_over() -> None:
    patience = Patience()
    patience.is_over(lease("1"), 100)
    assert not patience.is_over(lease("2"), 114)
    assert not patience.is_over(lease("2"), 120)


def test_released_lease_is_free_at_once() -> None:
    assert Patience().is_over(lease(holder=""), 0)
