"""What libraries warn of stays out of a build's output, whatever runs beside the search."""

import subprocess
import sys

PROGRAM = """
import warnings
from modelyard_runtime.artifacts.persisted import prepare
from modelyard_runtime.training import main
from modelyard_runtime.training.runner import bounded_threads

def search(*_):
    prepare()
    beside = warnings.catch_warnings()
    beside.__enter__()
    with bounded_threads(1):
        # An import in another thread puts back the filters that it found.
        beside.__exit__(None, None, None)
        warnings.warn("it has not converged")
    return 0

main._by_hand = search
main.run([])
"""


def test_an_import_beside_the_search_brings_no_warnings_back():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
