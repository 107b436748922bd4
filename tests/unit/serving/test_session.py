"""Pitfalls 5.2 and 5.3: threads and memory are bounded, whatever the host has."""

import threading
from pathlib import Path

import numpy as np
import pytest

import modelyard_runtime.serving
from modelyard_runtime.serving.session import MAX_TEXT_ROWS, ORDERED_ROWS, Leading, Session
from unit.serving.conftest import table


def native_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_a_session_starts_no_threads(binary_graph):
    before = native_threads()
    Session(binary_graph, "probabilities")
    assert native_threads() == before
    assert threading.active_count() <= before


@pytest.mark.parametrize("rows", [1, ORDERED_ROWS - 1, ORDERED_ROWS, 2 * ORDERED_ROWS])
def test_rows_keep_their_places_whatever_order_they_are_run_in(binary_graph, rows):
    numbers, texts = table()
    places = np.random.default_rng(1).integers(0, len(numbers), rows)
    feed = {"numeric": numbers[places], "text": texts[places]}
    feed["numeric"][::7, 1] = np.nan
    plain = Session(binary_graph, "probabilities").run(feed)
    for column in (0, 1):
        ordered = Session(binary_graph, "probabilities", Leading("numeric", column)).run(feed)
        assert np.allclose(ordered, plain, rtol=0, atol=1e-7)


def test_sessions_are_opened_in_one_place():
    folder = Path(modelyard_runtime.serving.__file__).parent
    opening = [path.name for path in folder.glob("*.py") if "InferenceSession(" in path.read_text()]
    assert opening == ["session.py"]


def test_nothing_is_unpickled():
    folder = Path(modelyard_runtime.serving.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    assert not any(word in text for word in ("import pickle", "joblib", "allow_pickle"))


def test_rows_of_text_go_through_some_at_a_time(binary_graph):
    numbers, texts = table()
    rows = np.arange(2 * MAX_TEXT_ROWS + 1) % len(numbers)
    sizes = []

    class Counting(Session):
        def _run(self, feed):
            sizes.append(len(feed["text"]))
            return super()._run(feed)

    found = Counting(binary_graph, "probabilities").run(
        {"numeric": numbers[rows], "text": texts[rows]}
    )
    assert sizes == [len(rows), MAX_TEXT_ROWS, MAX_TEXT_ROWS, 1]
    alone = Session(binary_graph, "probabilities").run(
        {"numeric": numbers[rows[-1:]], "text": texts[rows[-1:]]}
    )
    assert np.allclose(found[-1:], alone, rtol=0, atol=1e-7)
    assert len(found) == len(rows)
