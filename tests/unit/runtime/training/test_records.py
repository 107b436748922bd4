"""Finished fits in the store: found again by the same build, and only by it."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future

import numpy as np
import pytest

from modelyard_crds.build import StoreConfig, fits_prefix, logs_key, manifest_key
from modelyard_runtime.store import UnavailableError, open_store
from modelyard_runtime.training import records as module
from modelyard_runtime.training.candidates import candidate_of
from modelyard_runtime.training.fitting import STOPPED, Fit, Fitted
from modelyard_runtime.training.records import LOST, Records, identity, recording
from modelyard_runtime.training.runner import local_runner
from modelyard_runtime.training.search import Limits, search
from unit.runtime.training.test_search import FAR, fitted_on, problem, quiet

FIT = Fit(candidate_of("linear", strength=1.0), 0)
PATIENCE_SECONDS = 120.0


@pytest.fixture
def store(tmp_path):
    return open_store(StoreConfig(url=tmp_path.as_uri()))


class Counting:
    """A runner that counts what it is asked for."""

    def __init__(self, runner):
        self.runner, self.fits = runner, []

    def submit(self, fit):
        self.fits.append(fit)
        return self.runner.submit(fit)


def searched(store, given):
    records = Records(store, "fits/", given)
    with local_runner(given, 2, records.begin) as runner:
        counting = Counting(runner)
        with recording(counting, records) as recorded:
            return search(given, Limits(FAR, 4), recorded, quiet), counting.fits


class Answering:
    """A runner that gives the same result to all."""

    def __init__(self, fitted):
        self.fitted = fitted

    def submit(self, _fit):
        future: Future[Fitted] = Future()
        future.set_result(self.fitted)
        return future


@pytest.mark.parametrize(("failure", "kept"), [(STOPPED, 0), ("ValueError", 1)])
def test_a_fit_that_was_stopped_is_not_recorded_as_one_that_failed(store, failure, kept):
    given = problem()
    runner = Answering(Fitted(float("nan"), None, 0.0, failure))
    with recording(runner, Records(store, "fits/", given)) as recorded:
        recorded.submit(FIT)
    assert Records(store, "fits/", given).found == kept


def test_a_second_search_makes_no_fit_and_comes_to_the_same(store):
    given = problem()
    first, made = searched(store, given)
    second, again = searched(store, given)
    assert made
    assert not again
    assert [t.candidate for t in first.ranked] == [t.candidate for t in second.ranked]
    for one, other in zip(first.ranked, second.ranked, strict=True):
        assert (one.score, one.candidate) == (other.score, other.candidate)
        rounds = [[f.rounds for f in trial.folds.values()] for trial in (one, other)]
        assert rounds[0] == rounds[1]
        for fold, fitted in one.folds.items():
            assert np.array_equal(fitted.predicted, other.folds[fold].predicted)


def test_other_data_has_other_records(store):
    searched(store, problem(rows=200))
    assert Records(store, "fits/", problem(rows=201)).found == 0
    assert identity(problem()) == identity(problem())
    assert identity(problem()) != identity(problem("regression"))


def test_a_damaged_record_is_made_again(store):
    given = problem()
    records = Records(store, "fits/", given)
    records.put(FIT, Fitted(0.5, np.zeros((3, 2), np.float32), 1.0))
    (key,) = (file.key for file in store.list("fits/"))
    for content in (
        b"",
        b"{}\n",
        store.get(key)[:-1],
        store.get(key).replace(b"fold-0", b"fold-1"),
    ):
        store.put(key, content)
        assert Records(store, "fits/", given).get(FIT) is None


def test_a_resumed_search_agrees_on_rounds_as_the_first_did(store):
    """Other folds may ask for each step of a fit that was recorded."""
    given, fit = problem(), Fit(candidate_of("boosting", leaves=4), 0)
    fitted = fitted_on(given, fit)
    unknown = fitted.steps[0]._replace(score=float("nan"))
    fitted = fitted._replace(steps=(unknown, *fitted.steps[1:]))
    Records(store, "fits/", given).put(fit, fitted)
    known = Records(store, "fits/", given).get(fit)
    assert known is not None
    assert len(known.steps) > 2
    assert known.steps[-1].score == known.score
    assert known.predicted is not None
    assert np.array_equal(known.steps[-1].predicted, known.predicted)
    for one, other in zip(known.steps, fitted.steps, strict=True):
        assert (one.rounds, one.score) == pytest.approx((other.rounds, other.score), nan_ok=True)
        assert np.array_equal(one.predicted, other.predicted)


def test_a_failed_fit_is_known_to_have_failed(store):
    records = Records(store, "fits/", problem())
    records.put(FIT, Fitted(float("nan"), None, 0.1, "ValueError"))
    known = Records(store, "fits/", problem()).get(FIT)
    assert known is not None
    assert np.isnan(known.score)
    assert known.failure == "ValueError"


def test_a_fit_that_two_pods_were_lost_with_is_not_tried_again(store, monkeypatch):
    monkeypatch.setattr(module, "is_large", lambda _problem: True)
    for lost in range(2):
        records = Records(store, "fits/", problem())
        assert records.get(FIT) is None, f"lost {lost} times"
        records.begin(FIT)
    known = Records(store, "fits/", problem()).get(FIT)
    assert known is not None
    assert known.failure == LOST


def test_a_store_that_does_not_answer_costs_the_records_only(store, monkeypatch):
    def refuse(*_arguments):
        raise UnavailableError("the server does not answer")

    monkeypatch.setattr(store, "put", refuse)
    outcome, made = searched(store, problem())
    assert len(made) > 4
    assert outcome.ranked


def test_the_records_of_a_build_are_bounded(store, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1_000)
    searched(store, problem())
    assert sum(file.size_bytes for file in store.list("fits/")) <= 1_000


def test_fits_given_up_leave_no_record(store):
    records = Records(store, "fits/", problem())

    class Dropping:
        def submit(self, _fit):
            future: Future[Fitted] = Future()
            future.cancel()
            return future

    with recording(Dropping(), records) as recorded:
        recorded.submit(FIT)
    assert not list(store.list("fits/"))


BUILD = """
import sys
from pathlib import Path
from modelyard_runtime.training import jobs, main
main.outcome_of(main.FAULTS["build"], lambda: jobs.run_build(1, 0.0, Path(sys.argv[1])))
"""


def test_a_build_killed_in_mid_search_goes_on_and_ends_with_the_same_winner(
    pod, build_request, tmp_path
):
    """The process is ended by SIGKILL after its first fits, as the kernel or a node's end would."""
    request = build_request(
        "breast_cancer", "Is it malignant?", training={"timeBudget": "300s", "maxIterations": 4}
    )
    environment = os.environ | {"MODELYARD_BUILD_REQUEST": json.dumps(request)}
    prefix = fits_prefix("v-uid")
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(pod.mount)], env=environment)
    until = time.monotonic() + PATIENCE_SECONDS
    while len(list(pod.store.list(prefix))) < 2 and time.monotonic() < until:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not pod.store.exists(manifest_key("v-uid"))

    code, _ = pod.run("build", request)
    assert code == 0
    assert b"fits of an earlier try are used again" in pod.store.get(logs_key("v-uid"))
    assert not list(pod.store.list(prefix))
    resumed = json.loads(pod.store.get(manifest_key("v-uid")))

    pod.use_store((tmp_path / "undisturbed").as_uri())
    pod.run("build", request)
    undisturbed = json.loads(pod.store.get(manifest_key("v-uid")))
    assert resumed["metrics"] == pytest.approx(undisturbed["metrics"])
    assert resumed["trainingInfo"]["algorithm"] == undisturbed["trainingInfo"]["algorithm"]
    assert resumed["trainingInfo"]["candidates"] == undisturbed["trainingInfo"]["candidates"]
