import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard_cluster import cgroups, mounts, processes
from modelyard_cluster.api import has_condition, is_rolled_out
from modelyard_cluster.errors import StartError
from modelyard_cluster.paths import write_json
from modelyard_cluster.processes import Daemon

SLEEP = Daemon("sleeper", ("sleep", "30"))


def test_a_daemon_starts_once_and_ends(tmp_path: Path) -> None:
    pids, logs = tmp_path / "pids", tmp_path / "logs"
    assert processes.start(SLEEP, pids=pids, logs=logs) is True
    assert processes.start(SLEEP, pids=pids, logs=logs) is False
    assert processes.names(pids) == ["sleeper"]
    assert processes.stop(pids, "sleeper") is True
    assert processes.stop(pids, "sleeper") is False
    assert processes.names(pids) == []


def test_a_number_that_someone_else_has_now_is_not_killed(tmp_path: Path) -> None:
    proof = processes.read_proof(os.getpid())
    assert proof is not None
    forged = proof.__dict__ | {"start_ticks": proof.start_ticks - 1}
    write_json(processes.pid_file(tmp_path, "ours"), forged)
    assert processes.is_running(tmp_path, "ours") is False
    assert processes.stop(tmp_path, "ours") is False


def test_a_pid_file_of_nonsense_is_none(tmp_path: Path) -> None:
    processes.pid_file(tmp_path, "x").write_text("12")
    assert processes.recorded(tmp_path, "x") is None
    processes.forget_dead(tmp_path)
    assert processes.names(tmp_path) == []


def test_a_daemon_that_died_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    failing = Daemon("bad", ("sh", "-c", "echo the reason >&2; sleep 0.1; exit 3"))
    processes.start(failing, pids=tmp_path, logs=tmp_path)
    proof = processes.recorded(tmp_path, "bad")
    if proof is not None:
        os.waitpid(proof.pid, 0)
    with pytest.raises(StartError, match="bad has ended: the reason"):
        processes.require_running(tmp_path, tmp_path, "bad")


def test_a_daemon_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    deaf = Daemon("deaf", ("sh", "-c", "trap '' TERM; sleep 30 & wait; wait"))
    processes.start(deaf, pids=tmp_path, logs=tmp_path)
    proof = processes.recorded(tmp_path, "deaf")
    assert proof is not None
    threading.Event().wait(0.1)
    assert processes.stop(tmp_path, "deaf", grace=0.2) is True
    assert processes.read_proof(proof.pid) is None
    os.killpg(proof.pid, signal.SIGKILL)


def test_a_long_log_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT", 100)
    monkeypatch.setattr(processes, "LOG_KEPT", 10)
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * 200 + b"0123456789")
    processes.shorten(log)
    assert log.read_bytes() == b"0123456789"
    processes.shorten(tmp_path / "none.log")


def test_mounts_below_a_folder_are_found_innermost_first() -> None:
    table = "\n".join(
        [
            "1 0 0:1 / / rw - ext4 /dev/x rw",
            "2 1 0:2 / /s/demo/a rw - tmpfs tmpfs rw",
            r"3 2 0:3 / /s/demo/a/b\040c rw - tmpfs tmpfs rw",
            "4 1 0:4 / /s/demo2/a rw - tmpfs tmpfs rw",
        ]
    )
    assert mounts.mount_points(table, Path("/s/demo")) == [
        Path("/s/demo/a/b c"),
        Path("/s/demo/a"),
    ]


def _hierarchy(root: Path, name: str) -> None:
    (root / name).mkdir()
    (root / name / "cgroup.procs").touch()


def test_cgroups_of_version_1_are_made_in_every_hierarchy(tmp_path: Path) -> None:
    for name in ("cpuset", "freezer", "memory"):
        _hierarchy(tmp_path, name)
    (tmp_path / "cpu").symlink_to("cpuset")
    assert [top.name for top in cgroups.hierarchies(tmp_path)] == ["cpuset", "freezer", "memory"]
    cgroups.create("demo", tmp_path)
    assert len(cgroups.remains("demo", tmp_path)) == 3
    assert (
        cgroups.daemons_file("demo", tmp_path).parent == tmp_path / "freezer/modelyard/demo/system"
    )
    cgroups.remove("demo", tmp_path)
    assert cgroups.remains("demo", tmp_path) == []


def test_cgroups_of_version_2_are_made_once(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    cgroups.create("demo", tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"
    assert (tmp_path / "modelyard" / "demo" / "system").is_dir()


def test_members_are_read_from_every_level(tmp_path: Path) -> None:
    _hierarchy(tmp_path, "freezer")
    cgroups.create("demo", tmp_path)
    cgroups.daemons_file("demo", tmp_path).write_text("10\n11\n0\n")
    assert cgroups.members("demo", tmp_path) == {10, 11}


def test_a_group_that_goes_while_members_are_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hierarchy(tmp_path, "freezer")
    cgroups.create("demo", tmp_path)
    cgroups.daemons_file("demo", tmp_path).write_text("10\n")
    going = tmp_path / "freezer/modelyard/demo/kubepods"
    going.mkdir()
    scandir = os.scandir

    def scan(path: str) -> Iterator[os.DirEntry[str]]:
        if str(path) == str(going):
            going.rmdir()
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    assert cgroups.members("demo", tmp_path) == {10}
    assert not going.exists()


def test_conditions_and_roll_outs() -> None:
    node = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert has_condition(node, "Ready") is True
    assert has_condition(None, "Ready") is False
    fresh = {"metadata": {"generation": 2}, "spec": {"replicas": 1}}
    done = {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1}
    assert is_rolled_out({**fresh, "status": done}) is True
    assert is_rolled_out({**fresh, "status": done | {"observedGeneration": 1}}) is False
    assert is_rolled_out({**fresh, "status": {}}) is False
    assert is_rolled_out(None) is False
