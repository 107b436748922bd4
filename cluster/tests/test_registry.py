from pathlib import Path

import pytest

from modelyard_cluster import registry
from modelyard_cluster.errors import MachineError
from modelyard_cluster.paths import StatePaths


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of our own: its registry, its packet forwarding and no routes."""
    (tmp_path / "ip_forward").write_text("0\n")
    monkeypatch.setattr(registry, "REGISTRY", tmp_path / "run")
    monkeypatch.setattr(registry, "LOCK_FOLDER", tmp_path / "lock")
    monkeypatch.setattr(registry, "FORWARDING", tmp_path / "ip_forward")
    monkeypatch.setattr(registry, "host_networks", list)
    return tmp_path


def paths(folder: Path, name: str) -> StatePaths:
    root = folder / "modelyard" / name
    root.mkdir(parents=True, exist_ok=True)
    return StatePaths(name, root)


def test_a_claim_is_kept_and_differs_from_the_others(machine: Path) -> None:
    demo, test = paths(machine, "demo"), paths(machine, "test")
    assert registry.claim(demo).index == 0
    assert registry.claim(test).index == 1
    assert registry.claim(demo).index == 0


def test_a_released_link_is_given_again(machine: Path) -> None:
    registry.claim(paths(machine, "demo"))
    registry.claim(paths(machine, "test"))
    registry.release("demo")
    assert registry.claim(paths(machine, "other")).index == 0


def test_packet_forwarding_goes_back_with_the_last_cluster(machine: Path) -> None:
    registry.claim(paths(machine, "demo"))
    registry.claim(paths(machine, "test"))
    registry.release("demo")
    assert (machine / "ip_forward").read_text() == "1"
    registry.release("test")
    assert (machine / "ip_forward").read_text() == "0"
    assert not (machine / "run").exists()


def test_releasing_what_was_never_claimed_is_fine(machine: Path) -> None:
    registry.release("demo")
    assert (machine / "ip_forward").read_text() == "0\n"


def test_a_name_of_another_state_folder_is_refused_while_that_is_there(machine: Path) -> None:
    ours, theirs = paths(machine / "a", "demo"), paths(machine / "b", "demo")
    registry.claim(theirs)
    with pytest.raises(MachineError, match="runs already") as caught:
        registry.claim(ours)
    assert f"XDG_STATE_HOME={machine / 'b'}" in caught.value.advice
    theirs.root.rmdir()
    registry.check_owner(ours)
