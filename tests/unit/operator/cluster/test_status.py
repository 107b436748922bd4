"""Status and events: what is ours of them."""

from __future__ import annotations

from modelyard_operator.cluster.events import build_event
from modelyard_operator.cluster.kinds import MODEL
from modelyard_operator.cluster.status import ours
from modelyard_operator.reconcile.transitions import Transition
from unit.operator import samples

FOREIGN = {"type": "Audited", "status": "True"}
READY = {"type": "Ready", "status": "True"}
TOLD = Transition("Warning", "OutOfMemory", "x" * 5000)


def test_foreign_conditions_are_not_claimed() -> None:
    """Pitfall 1.20."""
    status = {"phase": "READY", "conditions": [READY, FOREIGN]}
    assert ours(status) == {"phase": "READY", "conditions": [READY]}


def test_order_of_conditions_is_no_difference() -> None:
    stalled = {"type": "Stalled", "status": "False"}
    assert ours({"conditions": [READY, stalled]}) == ours({"conditions": [stalled, READY]})


def test_event_is_the_same_for_two_tellers() -> None:
    raw = {"metadata": samples.meta("churn")}
    first = build_event(MODEL, raw, TOLD, "operator-a", samples.NOW)
    second = build_event(MODEL, raw, TOLD, "operator-b", samples.NOW)
    assert first["metadata"] == second["metadata"]
    assert len(first["message"]) <= 1024
    assert first["involvedObject"]["uid"] == "uid-churn"
