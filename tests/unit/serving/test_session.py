"""Pitfalls 5.2 and 5.3: threads and memory are bounded, whatever the host has."""

import threading
from pathlib import Path

import modelyard_runtime.serving
from modelyard_runtime.serving.session import Session


def native_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def test_a_session_starts_no_threads(binary_graph):
    before = native_threads()
    Session(binary_graph, "probabilities")
    assert native_threads() == before
    assert threading.active_count() <= before


def test_sessions_are_opened_in_one_place():
    folder = Path(modelyard_runtime.serving.__file__).parent
    opening = [path.name for path in folder.glob("*.py") if "InferenceSession(" in path.read_text()]
    assert opening == ["session.py"]


def test_nothing_is_unpickled():
    folder = Path(modelyard_runtime.serving.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    assert not any(word in text for word in ("import pickle", "joblib", "allow_pickle"))
