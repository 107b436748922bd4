"""What ``bentoml serve`` and ``bentoml build`` load: the service of this pod's version.

The version comes from the same environment as in a Modelyard pod.
"""

from modelyard_runtime.serving.main import load
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.service import make_service
from modelyard_runtime.serving.settings import read_settings


def _load() -> Predictor:
    return load(read_settings([]))


service = make_service(_load)
