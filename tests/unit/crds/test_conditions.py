from datetime import UTC, datetime, timedelta

from modelyard_crds import conditions
from modelyard_crds.conditions import Condition, with_condition
from modelyard_crds.reasons import ConditionType, Reason

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def ready(before, holds, reason=Reason.READY, message="", *, generation=1, now=NOON):
    return with_condition(
        before, ConditionType.READY, holds, reason, message, generation=generation, now=now
    )


def test_transition_time_moves_only_when_the_status_flips():
    first = ready([], holds=False, reason=Reason.BUILDING)
    same = ready(first, holds=False, reason=Reason.TARGET_NOT_FOUND, generation=2, now=LATER)
    assert same[0].last_transition_time == NOON
    assert (same[0].reason, same[0].observed_generation) == ("TargetNotFound", 2)
    flipped = ready(same, holds=True, now=LATER)
    assert flipped[0].last_transition_time == LATER


def test_setting_the_same_again_changes_nothing():
    once = ready([], holds=True, message="As asked.")
    assert ready(once, holds=True, message="As asked.", now=LATER) == once


def test_unknown_is_a_status_of_its_own():
    assert ready([], holds=None)[0].status == "Unknown"
    assert not conditions.is_true(ready([], holds=None), "Ready")


def test_conditions_of_others_stay():
    foreign = Condition(
        type="Foo", status="True", reason="Bar", message="theirs", last_transition_time=NOON
    )
    after = ready([foreign], holds=True)
    assert foreign in after
    assert [condition.type for condition in after] == ["Foo", "Ready"]


def test_a_long_message_is_cut_so_that_status_cannot_outgrow_etcd():
    message = ready([], holds=False, message="x" * 100_000)[0].message
    assert len(message) == conditions.MESSAGE_MAX_LENGTH
    assert message.endswith("…")


def test_times_are_rfc_3339_in_utc():
    assert conditions.rfc3339(NOON) == "2026-01-01T12:00:00Z"
