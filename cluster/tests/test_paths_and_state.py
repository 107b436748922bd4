import json
from pathlib import Path

import pytest

from modelyard_cluster import paths, state
from modelyard_cluster.errors import InterruptedByUser, UsageError
from modelyard_cluster.run import ending
from modelyard_cluster.state import Record


@pytest.mark.parametrize("name", ["demo", "t", "test-2", "a" * 20])
def test_names_that_can_be_part_of_a_host_name_are_taken(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert paths.state_paths(name).root == Path("/s/modelyard") / name


@pytest.mark.parametrize("name", ["", "Demo", "-a", "a-", "a_b", "../x", "a" * 21])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a cluster's name"):
        paths.state_paths(name)


def test_a_folder_too_long_for_a_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/" + "long/" * 20)
    with pytest.raises(UsageError, match="too long"):
        paths.state_paths("demo")


def test_a_fresh_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with pytest.raises(IsADirectoryError), paths.fresh_folder(target) as work:
        work.write_text("fails half-way")
    assert list(tmp_path.iterdir()) == []
    with paths.fresh_folder(target) as work:
        (work / "whole").touch()
    assert [p.name for p in target.iterdir()] == ["whole"]


def test_a_fresh_folder_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    stale = tmp_path / ".made.tmp123"
    stale.mkdir()
    with paths.fresh_folder(tmp_path / "made"):
        assert not stale.exists()


def test_waiting_for_a_lock_ends_when_the_command_is_to_stop(tmp_path: Path) -> None:
    ending.set()
    try:
        with (
            paths.locked("x", folder=tmp_path),
            pytest.raises(InterruptedByUser),
            paths.locked("x", folder=tmp_path),
        ):
            pass
    finally:
        ending.clear()


def test_a_record_survives_writing_and_reading(
    tmp_path: Path,
) -> None:
    where = paths.StatePaths("demo", tmp_path)
    record = Record("demo", "local", 8080, node_address="10.231.0.2", ready=True)
    state.save(where, record)
    assert state.load(where) == record


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"name": "demo"})])
def test_a_record_that_makes_no_sense_is_no_record(content: str, tmp_path: Path) -> None:
    where = paths.StatePaths("demo", tmp_path)
    where.record.write_text(content)
    assert state.load(where) is None


def test_a_record_of_a_later_version_is_read(tmp_path: Path) -> None:
    where = paths.StatePaths("demo", tmp_path)
    where.record.write_text(
        json.dumps({"name": "demo", "provider": "kind", "port": 1, "later": True})
    )
    assert state.load(where) == Record("demo", "kind", 1)


def test_a_cluster_that_is_not_there_is_said_so() -> None:
    with pytest.raises(UsageError, match="no cluster called demo"):
        state.existing("demo")
