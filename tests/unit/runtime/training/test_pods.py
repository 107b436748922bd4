"""Fits over several processes: TLS on every open port, any process may be lost, one result."""

import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from modelyard_crds import memory
from modelyard_crds.build import StoreConfig
from modelyard_runtime.store import open_store
from modelyard_runtime.training import pods
from modelyard_runtime.training.credentials import TlsFiles, make_tls
from modelyard_runtime.training.pods import own_address, pods_runner
from modelyard_runtime.training.records import Records, recording
from modelyard_runtime.training.runner import local_runner
from modelyard_runtime.training.search import Limits, search
from support.kubectl import poll
from unit.runtime.training.test_search import FAR, problem, quiet

TESTS = Path(__file__).parents[3]
SECRET = "of one build"
PATIENCE = 120.0

HELPER = """
import sys
from pathlib import Path
from modelyard_runtime.training import pods
pods.LEADER_PORT, pods.WORKER_PORT = int(sys.argv[1]), 0
pods.AGAIN_SECONDS = 0.1
pods.help_build(pods.own_address(), 1, sys.argv[3], Path(sys.argv[2]))
"""


@pytest.fixture
def port(monkeypatch) -> int:
    with socket.socket() as taken:
        taken.bind((own_address(), 0))
        number: int = taken.getsockname()[1]
    monkeypatch.setattr(pods, "LEADER_PORT", number)
    monkeypatch.setattr(pods, "WORKER_PORT", 0)
    return number


@contextmanager
def helper(port: int, folder: Path, secret: str = SECRET):
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", HELPER, str(port), str(folder), secret], cwd=TESTS
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def leading(given, folder, said=None, began=lambda _fit: None):
    say = print if said is None else said.append
    return pods_runner(given, 1, began, (SECRET, folder), say)


def wait_workers(runner, count: int) -> None:
    def seen():
        return len(runner._client.scheduler_info(n_workers=-1)["workers"]) == count or None

    assert poll(seen, PATIENCE)


def test_two_processes_find_what_one_finds_and_losing_one_loses_no_finished_fit(
    tmp_path, port, monkeypatch
):
    """Rank 0 alone has the data; a second search has all that was finished in the records."""
    monkeypatch.setattr(memory, "LARGE_CELLS", 1)  # one fit at a time a pod: both have work
    said: list[str] = []
    store = open_store(StoreConfig(url=(tmp_path / "store").as_uri()))
    given = problem()
    with leading(given, tmp_path, said) as shared, helper(port, tmp_path / "one") as process:
        wait_workers(shared, 2)
        with recording(shared, Records(store, "fits/", given)) as recorded:
            both = search(given, Limits(FAR, 3), recorded, quiet)
        made = sum(shared.made.values())
        process.send_signal(signal.SIGKILL)
        known = Records(store, "fits/", given)
        assert known.found == made
        with recording(shared, known) as recorded:
            alone = search(given, Limits(FAR, 4), recorded, quiet)
    with local_runner(given, 1) as local:
        expected = search(given, Limits(FAR, 4), local, quiet)
    assert both.tried == 3
    assert len(shared.made) <= 2
    assert [t.candidate for t in alone.ranked] == [t.candidate for t in expected.ranked]
    assert [t.score for t in alone.ranked] == pytest.approx([t.score for t in expected.ranked])
    assert said[0].startswith("Fits by pod: ")


def test_the_helper_makes_fits_of_data_that_it_never_read(tmp_path, port):
    given = problem()
    ended: list[object] = []
    with leading(given, tmp_path, began=ended.append) as shared, helper(port, tmp_path / "one"):
        wait_workers(shared, 2)
        search(given, Limits(FAR, 3), shared, quiet)
        assert sum(shared.made.values()) > len(ended), "rank 0 marks its own fits only"


def test_every_port_that_others_reach_wants_a_certificate_of_the_build(tmp_path, port):
    before = listening()
    with leading(problem(), tmp_path):
        reachable = listening() - before
        assert (own_address(), port) in reachable
        pages = {address for address in reachable if answers_plainly(address)}
        assert {host for host, _ in pages} <= {"127.0.0.1"}, "Dask's pages, for this pod alone"
        (tmp_path / "other").mkdir()
        stranger = make_tls("of another build", tmp_path / "other")
        for address in reachable - pages:
            assert not answers(address, ssl_context(None))
            assert not answers(address, ssl_context(stranger))


def listening() -> set[tuple[str, int]]:
    return {
        (c.laddr.ip, c.laddr.port)
        for c in psutil.Process().net_connections("tcp")
        if c.status == psutil.CONN_LISTEN
    }


def answers_plainly(address: tuple[str, int]) -> bool:
    """Whether a peer without TLS gets one byte."""
    try:
        with socket.create_connection(address, timeout=5) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return plain.recv(4) == b"HTTP"
    except OSError:
        return False


def ssl_context(tls: TlsFiles | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if tls is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def answers(address: tuple[str, int], context: ssl.SSLContext) -> bool:
    """Whether a peer gets one byte of what is spoken behind the TLS."""
    try:
        with (
            socket.create_connection(address, timeout=5) as plain,
            context.wrap_socket(plain) as secured,
        ):
            secured.settimeout(5)
            return bool(secured.recv(1))
    except OSError:
        return False


def test_the_same_secret_makes_one_authority_and_another_a_different_one(tmp_path):
    def authority(name: str, secret: str) -> bytes:
        (tmp_path / name).mkdir()
        files = make_tls(secret, tmp_path / name)
        assert files.key.stat().st_mode & 0o077 == 0
        key = x509.load_pem_x509_certificate(files.authority.read_bytes()).public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    assert authority("a", SECRET) == authority("b", SECRET)
    assert authority("c", SECRET) != authority("d", "another")
