"""The operator killed at each of its calls, before and after it, five times over.

The suite does this once. Which call comes first differs from run to run, so that more runs meet
more orders. Pitfalls 1.5 and 1.11.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.soak import scaled

ROOT = Path(__file__).parents[2]
TEST = "tests/cluster/test_operator_every_call.py"


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_kill_at_every_call_again_and_again() -> None:
    for _ in range(scaled(5)):
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "cluster", TEST], check=True, cwd=ROOT
        )
