"""The queue of keys, on a clock that the test turns."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import given
from hypothesis import strategies as st

from modelyard_operator.cluster.queue import KeyQueue, Schedule
from modelyard_operator.cluster.routing import Key


def key(name: str, namespace: str = "a") -> Key:
    return Key("Model", namespace, name)


def drain(schedule: Schedule, now: float) -> list[str]:
    taken = []
    while (item := schedule.take(now)) is not None:
        taken.append(item.name)
        schedule.done(item, now)
    return taken


def test_key_is_there_once() -> None:
    schedule = Schedule()
    for _ in range(3):
        schedule.add(key("x"), 0)
    assert drain(schedule, 0) == ["x"]


def test_key_at_work_comes_again_only_when_that_is_done() -> None:
    schedule = Schedule()
    schedule.add(key("x"), 0)
    assert schedule.take(0) == key("x")
    schedule.add(key("x"), 0)
    assert schedule.take(0) is None
    schedule.done(key("x"), 0)
    assert schedule.take(0) == key("x")


def test_namespaces_take_turns() -> None:
    """Pitfall 1.12: a thousand keys of one account do not keep another waiting."""
    schedule = Schedule()
    for number in range(1000):
        schedule.add(key(f"a{number}", "big"), 0)
    schedule.add(key("b", "small"), 0)
    assert drain(schedule, 0).index("b") == 1


def test_later_means_later_and_the_earliest_holds() -> None:
    schedule = Schedule()
    schedule.add_later(key("x"), 10)
    schedule.add_later(key("x"), 5)
    schedule.add_later(key("x"), 20)
    assert schedule.take(4.9) is None
    assert schedule.next_time() == 5
    assert drain(schedule, 5) == ["x"]
    assert drain(schedule, 30) == []


def test_now_takes_the_place_of_later() -> None:
    schedule = Schedule()
    schedule.add_later(key("x"), 10)
    schedule.add(key("x"), 0)
    assert drain(schedule, 0) == ["x"]
    assert drain(schedule, 10) == []


def test_age_of_the_oldest() -> None:
    schedule = Schedule()
    assert schedule.oldest(9) == 0
    schedule.add(key("x"), 2)
    schedule.add(key("y"), 7)
    assert schedule.oldest(9) == 7


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "later", "take", "done"]),
        st.sampled_from("uvwxyz"),
        st.sampled_from("ab"),
        st.floats(0, 10),
    ),
    max_size=60,
)


@given(ACTIONS)
def test_no_key_is_lost_and_none_is_at_two_workers(
    actions: list[tuple[str, str, str, float]],
) -> None:
    schedule, now = Schedule(), 0.0
    wanted: set[Key] = set()
    active: set[Key] = set()
    for action, name, namespace, delta in actions:
        item = key(name, namespace)
        now += delta
        if action == "add":
            schedule.add(item, now)
            wanted.add(item)
        elif action == "later":
            schedule.add_later(item, now + delta)
            wanted.add(item)
        elif action == "take" and (taken := schedule.take(now)) is not None:
            assert taken not in active
            active.add(taken)
            wanted.discard(taken)
        elif action == "done" and active:
            schedule.done(active.pop(), now)
    for item in active:
        schedule.done(item, now)
    remaining = set()
    while (taken := schedule.take(now + 100)) is not None:
        remaining.add(taken)
    assert wanted <= remaining


async def test_takers_wait_and_closing_sends_them_home() -> None:
    queue = KeyQueue(itertools.count().__next__)
    takers = [asyncio.create_task(queue.take()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.add(key("x"))
    done, pending = await asyncio.wait(takers, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [key("x")]
    queue.close()
    assert [await task for task in pending] == [None]
