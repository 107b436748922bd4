"""Plain BentoML + scikit-learn: typed APIs over the pipeline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bentoml
import joblib  # type: ignore[import-untyped]  # ships no types
import pandas as pd

FOLDER = Path(os.environ["BENCH_FOLDER"])


@bentoml.service(workers=1)
class Bench:
    def __init__(self) -> None:
        self.pipeline = joblib.load(FOLDER / "pipeline.joblib")
        self.columns = list(self.pipeline.feature_names_in_)

    @bentoml.api  # type: ignore[untyped-decorator]  # half typed in bentoml
    def infer(self, row: dict[str, Any]) -> dict[str, float]:
        return self._predict([row])[0]

    @bentoml.api  # type: ignore[untyped-decorator]  # as above
    def predictions(self, rows: list[dict[str, Any]]) -> list[dict[str, float]]:
        return self._predict(rows)

    def _predict(self, rows: list[dict[str, Any]]) -> list[dict[str, float]]:
        frame = pd.DataFrame(rows, columns=self.columns)
        shares = self.pipeline.predict_proba(frame)[:, 1]
        return [{"outcome_probability": float(share)} for share in shares]
