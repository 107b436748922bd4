"""What looks on while rows are predicted: counts for drift, and the log of a sample.

``main`` makes them from the artifact and the pod's request; the predictor tells them of every
row, ``metrics`` exposes and ``reporting`` reports them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from modelyard_crds.build import ENV_POD_UID, ServeRequest
from modelyard_crds.data_drift import drift_key
from modelyard_runtime.serving.artifact import Artifact
from modelyard_runtime.serving.drift import DriftMonitor, utc_now
from modelyard_runtime.serving.encoding import row_order
from modelyard_runtime.serving.prediction_log import Origin, PredictionLog
from modelyard_runtime.serving.results import Renderer, Scores
from modelyard_runtime.serving.values import Row


@dataclass(frozen=True)
class Watchers:
    """Those of a pod; each may be absent."""

    drift: DriftMonitor | None = None
    log: PredictionLog | None = None

    @property
    def all(self) -> list[DriftMonitor | PredictionLog]:
        """Those that are there."""
        return [watcher for watcher in (self.drift, self.log) if watcher is not None]

    def note(self, rows: Sequence[Row], scores: Scores, request_id: str) -> None:
        """Tell of predicted rows."""
        if self.drift is not None:
            self.drift.note(rows)
        if self.log is not None:
            self.log.note(rows, scores, request_id)


NO_WATCHERS = Watchers()


def watchers_of(artifact: Artifact, request: ServeRequest) -> Watchers:
    """What a deployment's pod counts and logs."""
    manifest, deployment = artifact.manifest, request.deployment_uid
    pod = os.environ.get(ENV_POD_UID, "")
    schema = row_order(manifest)
    drift = None
    if artifact.statistics is not None:
        key = drift_key(deployment, pod) if deployment and pod else None
        fields = [field.name for field in schema]
        drift = DriftMonitor(fields, artifact.statistics, request.version, key, utc_now)
    log = None
    if request.prediction_log is not None and deployment and pod:
        log = PredictionLog(
            request.prediction_log,
            schema,
            Renderer(manifest),
            Origin(deployment, pod, request.version),
            utc_now,
        )
    return Watchers(drift, log)
