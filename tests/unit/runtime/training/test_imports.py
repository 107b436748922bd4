"""What a build of one pod does not wait for: libraries that only several pods need."""

import subprocess
import sys

UNNEEDED = ("dask", "distributed", "cryptography")


def test_one_pod_imports_nothing_of_what_binds_several():
    program = (
        "import sys, modelyard_runtime.training.jobs, modelyard_runtime.training.build;"
        f"print([name for name in {UNNEEDED!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"
