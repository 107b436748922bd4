"""How much a pod asks for and may use, from the size of its dataset where nothing is said."""

from modelyard_crds.fields import Resources
from modelyard_crds.model_version import Build
from modelyard_operator.resources.quantity import at_least, at_most, mebibytes
from modelyard_operator.resources.runtime import Manifest

#: What the interpreter and the libraries take before a row is read.
BASE_MEBIBYTES = 512
#: A cell is one float64 in the frame; features, folds and candidates keep about this many copies.
CELL_BYTES = 8
CELL_COPIES = 24
#: Text in memory takes several times its bytes in the file.
FILE_COPIES = 6
_STEP = 256
_MEBI = 1024 * 1024

PROFILING = Resources(
    requests={"cpu": "250m", "memory": "512Mi"}, limits={"cpu": "2", "memory": "2Gi"}
)
SERVING = Resources(
    requests={"cpu": "150m", "memory": "256Mi"}, limits={"cpu": "2", "memory": "1Gi"}
)


def training_resources(build: Build) -> Manifest:
    """Requests and limits of a training pod.

    The request is what the build should need, the limit twice that, since the estimate cannot
    know the widths of one-hot columns; memory is rounded up to 256 MiB.
    """
    cells = build.dataset_rows * build.dataset_columns * CELL_BYTES * CELL_COPIES
    needed = BASE_MEBIBYTES + (cells + build.dataset_size_bytes * FILE_COPIES) // _MEBI
    request = max(BASE_MEBIBYTES, -(-needed // _STEP) * _STEP if needed > BASE_MEBIBYTES else 0)
    defaults = Resources(
        requests={"cpu": "250m", "memory": mebibytes(request)},
        limits={"cpu": "2", "memory": mebibytes(max(2048, 2 * request))},
    )
    return merged(defaults, build.training.resources)


def merged(defaults: Resources, given: Resources | None) -> Manifest:
    """What was given, completed by defaults that never contradict it."""
    asked = dict((given.requests if given else None) or {})
    capped = dict((given.limits if given else None) or {})
    requests = {
        name: at_most(quantity, capped.get(name))
        for name, quantity in (defaults.requests or {}).items()
    }
    limits = {
        name: at_least(quantity, asked.get(name))
        for name, quantity in (defaults.limits or {}).items()
    }
    return {"requests": {**requests, **asked}, "limits": {**limits, **capped}}
