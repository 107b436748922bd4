import io
import socket
import sys
from pathlib import Path

import pytest

from modelyard_cluster import builds, checks, console, packages, run, tools
from modelyard_cluster.components import ETCD, KUBERNETES
from modelyard_cluster.errors import CommandError, MachineError


def test_kubernetes_is_one_call_and_etcd_has_its_own_name() -> None:
    ((binary, kubernetes),) = builds.grouped(KUBERNETES)
    assert binary is None
    assert len(kubernetes) == 5
    assert builds.grouped(ETCD) == [("etcd", ("go.etcd.io/etcd/server/v3",))]


@pytest.mark.parametrize(("processors", "jobs"), [(1, 2), (2, 2), (6, 3), (64, 4)])
def test_the_number_of_builds_at_once_is_bounded(processors: int, jobs: int) -> None:
    assert builds.job_count(processors) == jobs


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (245, "4 min 05 s")]
)
def test_elapsed(seconds: float, text: str) -> None:
    assert console.elapsed_text(seconds) == text


def test_steps_are_numbered_and_show_that_they_live(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    progress = console.Progress(total=2)
    with console.step(progress.next_label("etcd"), heartbeat=0.01):
        while "still at it" not in out.getvalue():
            pass
    lines = out.getvalue().splitlines()
    assert lines[0] == "[1/2] etcd …"
    assert lines[1].startswith("[1/2] etcd: still at it, ")
    assert lines[-1].startswith("[1/2] etcd: done in ")


def test_a_closed_pipe_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    console.say("line")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version devel go1.27-abc", (1, 27)),
        ("", None),
    ],
)
def test_go_versions(text: str, version: tuple[int, int] | None) -> None:
    assert checks.go_version(text) == version


def test_a_taken_port_names_the_port_and_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MachineError, match=f"Port {port} on loopback is taken") as caught:
            checks.check_port(port)
    assert "--port" in caught.value.advice
    checks.check_port(port)


def test_a_full_disk_says_how_much_is_there_and_needed() -> None:
    with pytest.raises(MachineError, match=r"free and 1048576\.0 GiB are needed"):
        checks.check_disk(1024**5)


def test_missing_go_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "which", lambda _program: None)
    with pytest.raises(MachineError, match="Go is not installed") as caught:
        checks.check_go()
    assert "1.26" in caught.value.advice


def test_without_root_the_packages_to_install_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "which", lambda program: "/usr/bin/" + program)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(MachineError, match="Debian packages are missing: runc conntrack") as caught:
        packages.install(["runc", "conntrack"])
    assert caught.value.advice == "Run: sudo apt-get install runc conntrack"


def test_a_failed_program_shows_the_end_of_what_it_said() -> None:
    with pytest.raises(CommandError, match="failed with 3: the reason"):
        run.run(["sh", "-c", "echo the reason >&2; exit 3"])
    assert run.attempt(["no-such-program"])[0] == 127
    assert run.attempt(["sleep", "5"], timeout=0.1)[0] == 124


def test_long_lines_of_a_program_are_cut() -> None:
    assert len(run.last_lines("x" * 5000)) == run.LINE_LIMIT
    assert run.last_lines("\n \n") == "it printed nothing"


def test_a_tool_link_is_replaced(tmp_path: Path) -> None:
    tools.link("kubectl", tmp_path / "old")
    place = tools.link("kubectl", tmp_path / "new")
    assert place.readlink() == tmp_path / "new"
    assert [p.name for p in tools.bin_folder().iterdir()] == ["kubectl"]


def test_a_proxy_is_not_asked_for_the_clusters_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "intranet")
    direct = run.environment()["NO_PROXY"].split(",")
    assert direct[0] == "intranet"
    assert "10.231.0.0/20" in direct


def test_the_administrators_folders_are_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/bin")
    assert run.environment()["PATH"] == "/bin:/usr/local/sbin:/usr/sbin:/sbin"
    assert run.environment({"A": "b"})["A"] == "b"
