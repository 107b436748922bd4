"""Putting the parts of a pod together around a predictor. Called by ``server`` and tests."""

import os
import tempfile
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelyard_crds.names import version_label
from modelyard_runtime.serving.app import App
from modelyard_runtime.serving.behind import Behind, confine_bentoml
from modelyard_runtime.serving.documents import documents
from modelyard_runtime.serving.health import Health
from modelyard_runtime.serving.lines import LineLimits
from modelyard_runtime.serving.metrics import Metrics
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.requests import BodyReader
from modelyard_runtime.serving.routes import (
    Work,
    open_inference_routes,
    pod_routes,
    rest_routes,
)
from modelyard_runtime.serving.settings import Settings
from modelyard_runtime.serving.tracing import Tracing, tracing_for

if TYPE_CHECKING:
    from starlette.applications import Starlette


class Pod(NamedTuple):
    """The app of a pod and the parts that live longer than a request."""

    app: App
    health: Health
    behind: Behind
    tracing: Tracing | None


def assemble(predictor: Predictor, settings: Settings, executor: Executor) -> Pod:
    """The parts of a pod that serves one version."""
    health = Health(predictor.warm_up, executor)
    metrics = Metrics(_info(predictor), lambda: health.ready, predictor.watchers.all)
    behind = Behind(lambda: _bentoml_app(predictor))
    bodies = BodyReader(settings.max_body_bytes, settings.held_bytes, settings.body_seconds)
    work = Work(bodies, executor, metrics)
    lines = LineLimits(settings.max_lines_bytes, settings.body_seconds)
    routes = {
        **rest_routes(predictor, work, lines),
        **pod_routes(health, metrics, documents(predictor.manifest, settings.max_rows)),
        **open_inference_routes(predictor, work, health),
    }
    tracing = tracing_for(_info(predictor), os.environ)
    return Pod(App(routes, health, metrics, behind, tracing), health, behind, tracing)


def _info(predictor: Predictor) -> dict[str, str]:
    manifest = predictor.manifest
    return {
        "namespace": manifest.namespace,
        "model": manifest.model,
        "version": version_label(manifest.version),
    }


def _bentoml_app(predictor: Predictor) -> "Starlette":
    confine_bentoml(Path(tempfile.gettempdir()) / "bentoml")
    from modelyard_runtime.serving.service import make_app

    return make_app(predictor)
