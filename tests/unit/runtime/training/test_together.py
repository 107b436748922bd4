"""One boosting from the rows of several processes: as good as from one, safe, and no must."""

import json
import logging
import multiprocessing
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor

from modelyard_crds.build import BuildRequest, Manifest, StoreConfig
from modelyard_crds.memory import build_bytes
from modelyard_runtime.artifacts.progress import Reporter, to_store
from modelyard_runtime.data.reading import Reading
from modelyard_runtime.data.source import Fetched, fetch_local
from modelyard_runtime.data.table import Table
from modelyard_runtime.store import Store, open_store
from modelyard_runtime.training import exchange, pods, together
from modelyard_runtime.training.build import Job, build_version, team_of
from modelyard_runtime.training.credentials import TlsFiles, make_tls
from modelyard_runtime.training.encoding import Matrix
from modelyard_runtime.training.exchange import Seat, meet
from modelyard_runtime.training.partner import Part, do_part
from modelyard_runtime.training.pods import own_address
from modelyard_runtime.training.runner import TogetherError
from support.tables import rule_of_cells

TESTS = Path(__file__).parents[3]
SECRET = "of one build"
PATIENCE = 120.0
#: Rows that a pod of the tests below has room for, and those of its table.
ROOM, ROWS, COLUMNS = 21_000, 60_000, 5
MEMORY = build_bytes(ROOM, COLUMNS)

HELPER = """
import sys
from pathlib import Path
from modelyard_runtime.data.source import fetch_local
from modelyard_runtime.training import pods, together
port, folder, secret, table, memory = sys.argv[1:]
pods.LEADER_PORT, pods.WORKER_PORT = int(port), 0
pods.AGAIN_SECONDS = 0.1
read = lambda: fetch_local(Path(table))
together.bring(together.Reader(read, "auto", {}, Path(folder), int(memory), 1))
pods.help_build(pods.own_address(), 1, secret, Path(folder))
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind((own_address(), 0))
        number: int = taken.getsockname()[1]
    return number


def tls_of(folder: Path, secret: str = SECRET) -> TlsFiles:
    folder.mkdir(exist_ok=True)
    return make_tls(secret, folder)


def seats(folder: Path, ranks: int) -> list[Seat]:
    deadline = time.monotonic() + PATIENCE
    common = (own_address(), free_port(), tls_of(folder), deadline)
    return [Seat(rank, ranks, *common) for rank in range(ranks)]


def learnt_by(folder: Path, parts: list[Part]):
    with ThreadPoolExecutor(len(parts)) as pool:
        found = list(pool.map(do_part, parts, seats(folder, len(parts))))
    assert found[1:] == [None] * (len(parts) - 1), "rank 0 alone has the model"
    return found[0]


def whole_numbers(rows: int) -> Matrix:
    """Few values, so that each process finds the same bins as one does with all rows."""
    return np.random.default_rng(0).integers(0, 20, size=(rows, 4)).astype(np.float32)


SETTINGS: dict[str, Any] = {
    "n_estimators": 20,
    "num_leaves": 15,
    "deterministic": True,
    "force_row_wise": True,
    "random_state": 0,
    "verbosity": -1,
}


def test_two_processes_learn_what_one_learns_from_all_rows(tmp_path):
    """Values of trees are sums over processes: what differs is the order in which they add up."""
    matrix = whole_numbers(6_000)
    values = matrix[:, 0] * matrix[:, 1] + 3 * matrix[:, 2]
    halves = [np.arange(0, 6_000, 2), np.arange(1, 6_000, 2)]
    parts = [Part(LGBMRegressor(**SETTINGS), 0, matrix[h], values[h], 1) for h in halves]
    alone = LGBMRegressor(**SETTINGS).fit(matrix, values)
    model = learnt_by(tmp_path / "tls", parts)
    one, many = np.asarray(alone.predict(matrix)), model.predict(matrix)
    assert np.abs(one - many).mean() < 0.01 * values.std()
    assert (model.num_machines, model.tree_learner) == (1, "serial")
    half = LGBMRegressor(**SETTINGS).fit(matrix[halves[0]], values[halves[0]])
    assert np.abs(one - np.asarray(half.predict(matrix))).mean() > 0.03 * values.std(), (
        "the test can fail"
    )


def test_a_share_may_lack_a_class(tmp_path):
    matrix = whole_numbers(6_000)
    classes = np.digitize(matrix[:, 0] + matrix[:, 1], [8, 34])
    first, second = np.arange(3_000), np.flatnonzero((np.arange(6_000) >= 3_000) & (classes < 2))
    assert set(classes[first]) == {0, 1, 2}
    parts = [Part(LGBMClassifier(**SETTINGS), 3, matrix[h], classes[h], 1) for h in (first, second)]
    model = learnt_by(tmp_path / "tls", parts)
    assert list(model.classes_) == [0, 1, 2]
    assert np.mean(model.predict(matrix) == classes) > 0.99


def test_a_partner_that_never_comes_ends_with_the_deadline(tmp_path):
    seat = seats(tmp_path / "tls", 2)[0]._replace(deadline=time.monotonic() + 0.1)
    with pytest.raises(TogetherError, match="the time budget ended"):
        do_part(Part(LGBMRegressor(**SETTINGS), 0, whole_numbers(10), np.zeros(10), 1), seat)
    assert not multiprocessing.active_children()


def test_who_waits_may_stop_and_the_process_is_gone(tmp_path):
    seat = seats(tmp_path / "tls", 2)[0]
    part = Part(LGBMRegressor(**SETTINGS), 0, whole_numbers(10), np.zeros(10), 1)
    with pytest.raises(TogetherError, match="a pod was lost"):
        do_part(part, seat, lambda: False)
    assert not multiprocessing.active_children()


def test_a_partner_that_goes_ends_the_process_that_learns(tmp_path):
    """Its connection ends in the first sum: nobody goes on with half of one."""
    first, second = seats(tmp_path / "tls", 2)

    def leave() -> None:
        (partner,) = meet(second)
        partner.close()

    leaving = threading.Thread(target=leave)
    leaving.start()
    part = Part(LGBMRegressor(**SETTINGS), 0, whole_numbers(100), np.arange(100.0), 1)
    with pytest.raises(TogetherError, match="exit code 3"):
        do_part(part, first)
    leaving.join(PATIENCE)
    assert not multiprocessing.active_children()


def test_only_pods_of_the_build_with_a_rank_that_is_missing_take_a_seat(tmp_path):
    first, second = seats(tmp_path / "tls", 2)
    strangers = [
        second._replace(tls=tls_of(tmp_path / "other", "of another build")),
        second._replace(rank=7),
        second._replace(rank=0),
    ]
    found: list[list[ssl.SSLSocket]] = []
    waiting = threading.Thread(target=lambda: found.append(meet(first)))
    waiting.start()
    for stranger in strangers:
        knock(stranger)
    plain = connect(first)
    plain.sendall(b"\0" * 64)
    (partner,) = meet(second)
    waiting.join(PATIENCE)
    ((taken,),) = found
    partner.sendall(b"one")
    assert exchange._read(taken, 3) == b"one"
    assert taken.version() == "TLSv1.3"
    for one in (plain, partner, taken):
        one.close()


def connect(seat: Seat) -> socket.socket:
    """A connection as soon as there is a listener."""
    while True:
        try:
            return socket.create_connection((seat.address, seat.port), timeout=PATIENCE)
        except OSError:
            assert time.monotonic() < seat.deadline
            time.sleep(0.01)


def knock(seat: Seat) -> None:
    """Come as a partner would, and be sent away: at whichever step the other side is by then."""
    context = exchange._context(ssl.PROTOCOL_TLS_CLIENT, seat.tls)
    context.verify_mode = ssl.CERT_NONE
    with connect(seat) as plain, suppress(OSError), context.wrap_socket(plain) as secured:
        secured.sendall(exchange._RANK.pack(seat.rank))
        assert secured.recv(1) == b""


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("table") / "rows.csv"
    path.write_text(rule_of_cells(ROWS, COLUMNS))
    return path


@pytest.fixture
def port(monkeypatch) -> int:
    number = free_port()
    monkeypatch.setattr(pods, "LEADER_PORT", number)
    monkeypatch.setattr(pods, "WORKER_PORT", 0)
    monkeypatch.setattr(together, "LEARNING_PORT", free_port())
    return number


@contextmanager
def helper(port: int, folder: Path, table: Path) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir()
    given = [str(one) for one in (port, folder, SECRET, table, MEMORY)]
    process = subprocess.Popen([sys.executable, "-c", HELPER, *given], cwd=TESTS)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Build:
    """A build of rank 0 in this process, with what it leaves in a store."""

    def __init__(self, folder: Path, table: Path, parallelism: int, memory: int = MEMORY) -> None:
        self.store: Store = open_store(StoreConfig(url=(folder / "store").as_uri()))
        self.fetched: Fetched = fetch_local(table)
        build = {
            "intent": "Predict whether a customer is gone",
            "datasetRef": {"name": "rows"},
            "datasetDigest": self.fetched.digest,
            "source": {"uri": "https://example.com/rows.csv"},
            "training": {"maxIterations": 1, "parallelism": parallelism, "timeBudget": "5m"},
        }
        request = BuildRequest(
            namespace="team-a",
            model="gone",
            version=1,
            version_uid="v-uid",
            job_id="job",
            build=build,
        )
        self.job = Job(
            request=request,
            store=self.store,
            prefix="builds/v-uid/pod/",
            manifest_key="builds/v-uid/manifest.json",
            records_prefix="builds/v-uid/fits/",
            folder=folder,
            pods_secret=SECRET if parallelism > 1 else None,
            cpus=1,
            memory=memory,
            started=time.monotonic(),
        )

    def run(self) -> Manifest:
        log = logging.getLogger("test")
        with Reporter(to_store(self.store, "v-uid"), log) as reporter:
            return build_version(self.job, lambda: self.fetched, reporter).manifest

    @property
    def said(self) -> list[str]:
        lines = self.store.get("builds/v-uid/logs.jsonl").splitlines()
        return [json.loads(line)["message"] for line in lines]


def test_a_build_of_two_pods_learns_from_what_does_not_fit_into_one(tmp_path, port, table):
    build = Build(tmp_path, table, 2)
    with helper(port, tmp_path / "one", table):
        manifest = build.run()
    taught = 2 * ROOM - 4_200
    assert f"Boosting on 2 pods learns from {taught:,} rows, the search saw 21,000." in build.said
    assert manifest.training_info.dataset_size == taught
    assert manifest.training_info.dataset_rows == ROWS
    assert manifest.warnings[0].startswith("'gone' is predicted by what 37,800 of 60,000 rows")
    assert not [text for text in manifest.warnings if text.startswith("Trained on")]
    card = json.loads(build.store.get("builds/v-uid/pod/model_card.json"))
    assert card["rows"] == taught
    compared = next(text for text in build.said if "is the winner" in text)
    assert "on the same unseen rows" in compared


def test_a_partner_that_is_lost_leaves_the_winner_of_the_search(tmp_path, port, table, monkeypatch):
    """It is killed when it has read its rows, and is about to learn."""
    build = Build(tmp_path, table, 2)
    with helper(port, tmp_path / "one", table) as process:
        learn = together._learn

        def lose(*given):
            process.kill()
            process.wait()
            return learn(*given)

        monkeypatch.setattr(together, "_learn", lose)
        manifest = build.run()
    assert any(text.startswith("Boosting did not learn") for text in manifest.warnings)
    assert any(text.startswith("Trained on 21,000 of 60,000") for text in manifest.warnings)
    assert manifest.training_info.dataset_size == ROOM
    assert manifest.metrics["roc_auc"] > 0.6
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("parallelism", "left_out", "asked"),
    [(1, ("Trained on",), False), (2, (), False), (2, ("Trained on",), True)],
    ids=["one pod", "all rows fit", "several, and rows left out"],
)
def test_others_are_asked_only_where_rows_were_left_out_and_there_are_others(
    tmp_path, table, parallelism, left_out, asked
):
    reading = Reading(Table((), 0), "csv", ROWS, left_out)
    with Reporter(lambda *_: None, logging.getLogger("test")) as reporter:
        team = team_of(Build(tmp_path, table, parallelism).job, reading, reporter)
    assert (team is not None) == asked
