"""KServe's Python server with a model class of one's own: ``kserve_sklearn.py PORT``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]  # ships no types
import pandas as pd
from kserve import Model, ModelServer  # type: ignore[import-not-found]  # in the peer's environment only

FOLDER = Path(os.environ["BENCH_FOLDER"])


class Bench(Model):  # type: ignore[misc]  # see the import
    def __init__(self) -> None:
        super().__init__("bench")
        self.pipeline = joblib.load(FOLDER / "pipeline.joblib")
        self.columns = list(self.pipeline.feature_names_in_)
        self.ready = True

    def predict(self, payload: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        frame = pd.DataFrame(payload["instances"], columns=self.columns)
        return {"predictions": self.pipeline.predict_proba(frame)[:, 1].tolist()}


if __name__ == "__main__":
    port = int(sys.argv[1])
    ModelServer(http_port=port, enable_grpc=False, workers=1).start([Bench()])
