import asyncio

from hypothesis import given
from hypothesis import strategies as st

from modelyard_api.cache import Entry, ObjectCache
from modelyard_api.cache.objects import TOMBSTONE_SECONDS, Signal


def entry(name: str, revision: int, value: str = "", uid: str = "") -> Entry[str]:
    return Entry("ns", name, uid or f"uid-{name}", revision, value or f"{name}@{revision}")


def take_list(cache: ObjectCache[str], listed: list[Entry[str]], revision: int) -> None:
    for item in listed:
        cache.put(item)
    cache.keep_only({item.uid for item in listed}, revision)


def test_only_what_is_newer_is_taken_over() -> None:
    cache = ObjectCache[str]()
    cache.put(entry("a", 5))
    cache.put(entry("a", 4))
    assert cache.get("ns", "a") == "a@5"
    cache.put(entry("a", 6))
    assert cache.get("ns", "a") == "a@6"


def test_a_new_object_of_the_name_replaces_the_old_one() -> None:
    cache = ObjectCache[str]()
    cache.put(entry("a", 9, uid="old"))
    cache.put(entry("a", 10, uid="new"))
    assert cache.get("ns", "a") == "a@10"


def test_an_old_object_does_not_come_back_over_the_new_one_of_its_name() -> None:
    cache = ObjectCache[str]()
    cache.put(entry("a", 10, uid="new"))
    cache.put(entry("a", 9, uid="old"))
    assert cache.get("ns", "a") == "a@10"


def test_events_of_a_deleted_object_do_not_bring_it_back() -> None:
    cache = ObjectCache[str]()
    cache.put(entry("a", 5))
    cache.remove("ns", "a", "uid-a")
    cache.put(entry("a", 6))
    take_list(cache, [entry("a", 5)], 7)
    assert cache.get("ns", "a") is None
    cache.put(entry("a", 8, uid="another"))
    assert cache.get("ns", "a") == "a@8"


def test_deletions_are_not_remembered_for_ever() -> None:
    """A watch that goes on for weeks brings no list at which they could be forgotten."""
    clock = [0.0]
    cache = ObjectCache[str](clock=lambda: clock[0])
    for number in range(1000):
        clock[0] = 10.0 * number
        cache.remove("ns", "a", f"uid-{number}")
    assert len(cache._tombstones) == TOMBSTONE_SECONDS / 10
    cache.put(entry("a", 5, uid="uid-999"))
    assert cache.get("ns", "a") is None
    cache.put(entry("a", 5, uid="uid-0"))
    assert cache.get("ns", "a") == "a@5"


def test_the_deletion_of_an_old_object_leaves_the_new_one_of_its_name() -> None:
    cache = ObjectCache[str]()
    cache.put(entry("a", 5, uid="new"))
    cache.remove("ns", "a", "old")
    assert cache.get("ns", "a") == "a@5"


def test_a_list_replaces_all_but_what_was_written_after_it() -> None:
    cache = ObjectCache[str]()
    for name, revision in (("gone", 3), ("stays", 4), ("written", 11)):
        cache.put(entry(name, revision))
    cache.put(entry("stays", 12))
    take_list(cache, [entry("stays", 9), entry("new", 8)], 10)
    assert {name: cache.get("ns", name) for name in ("gone", "stays", "written", "new")} == {
        "gone": None,
        "stays": "stays@12",
        "written": "written@11",
        "new": "new@8",
    }


def test_tombstones_are_forgotten_after_a_time() -> None:
    now = [0.0]
    cache = ObjectCache[str](clock=lambda: now[0])
    cache.remove("ns", "a", "uid-a")
    now[0] = 1000.0
    cache.keep_only((), 1)
    cache.put(entry("a", 2))
    assert cache.get("ns", "a") == "a@2"


operations = st.lists(
    st.tuples(
        st.sampled_from(["put", "remove", "replace"]),
        st.sampled_from("abc"),
        st.sampled_from(["x", "y"]),
    ),
    max_size=30,
)


@given(operations)
def test_indexes_always_say_what_the_objects_say(steps: list[tuple[str, str, str]]) -> None:
    cache = ObjectCache[str]({"letter": lambda value: [value[-1]]})
    for revision, (action, name, letter) in enumerate(steps, start=1):
        item = entry(name, revision, f"{revision}{letter}", uid=f"{name}{revision // 4}")
        if action == "put":
            cache.put(item)
        elif action == "remove":
            cache.remove("ns", name, item.uid)
        else:
            take_list(cache, [item], revision)
        for key in "xy":
            expected = [value for value in cache.values("ns") if value.endswith(key)]
            assert sorted(cache.find("letter", "ns", key)) == sorted(expected)


async def test_a_waiter_wakes_with_the_change() -> None:
    changed = Signal()
    cache = ObjectCache[str](changed=changed)
    waiting = asyncio.create_task(changed.until(lambda: cache.get("ns", "a"), 5))
    await asyncio.sleep(0)
    cache.put(entry("b", 1))
    await asyncio.sleep(0)
    cache.put(entry("a", 2))
    assert await waiting == "a@2"
    assert await changed.until(lambda: cache.get("ns", "c"), 0.001) is None
