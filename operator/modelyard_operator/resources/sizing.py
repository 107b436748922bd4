"""How much a pod asks for and may use, from the size of its dataset where nothing is said."""

from modelyard_crds.fields import Resources
from modelyard_crds.memory import MEBI, build_bytes
from modelyard_crds.model_version import Build
from modelyard_operator.resources.quantity import at_least, at_most, mebibytes
from modelyard_operator.resources.runtime import Manifest

#: What a pod gets by itself at most; of a larger table it learns from a sample that fits.
MOST_MEBIBYTES = 4096
LEAST_MEBIBYTES, LEAST_LIMIT_MEBIBYTES = 512, 2048
_STEP = 256

PROFILING = Resources(
    requests={"cpu": "250m", "memory": "512Mi"}, limits={"cpu": "2", "memory": "2Gi"}
)
SERVING = Resources(
    requests={"cpu": "150m", "memory": "256Mi"}, limits={"cpu": "2", "memory": "1Gi"}
)


def training_resources(build: Build) -> Manifest:
    """Requests and limits of a training pod.

    The request is what the build should need, the limit twice that, since the estimate cannot
    know the widths of one-hot columns; both end at MOST_MEBIBYTES, where they are equal: a pod
    that draws its sample by its limit must have it. Memory is rounded up to 256 MiB.
    """
    needed = build_bytes(build.dataset_rows, build.dataset_columns) // MEBI
    request = min(MOST_MEBIBYTES, max(LEAST_MEBIBYTES, -(-needed // _STEP) * _STEP))
    limit = min(MOST_MEBIBYTES, max(LEAST_LIMIT_MEBIBYTES, 2 * request))
    defaults = Resources(
        requests={"cpu": "250m", "memory": mebibytes(request)},
        limits={"cpu": "2", "memory": mebibytes(limit)},
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
