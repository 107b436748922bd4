"""FastAPI + scikit-learn: a typed row, a data frame, the pipeline."""

from __future__ import annotations

import os
from pathlib import Path

import joblib  # type: ignore[import-untyped]  # ships no types
import pandas as pd
from fastapi import FastAPI
from pydantic import create_model

FOLDER = Path(os.environ["BENCH_FOLDER"])
PIPELINE = joblib.load(FOLDER / "pipeline.joblib")
COLUMNS = list(PIPELINE.feature_names_in_)
Row = create_model(
    "Row",
    **{name: ((float if name[0] == "n" else str) | None, None) for name in COLUMNS},  # type: ignore[call-overload]  # made from the columns
)

app = FastAPI()


@app.get("/ready")
def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/infer")
def infer(row: Row) -> dict[str, float]:
    frame = pd.DataFrame([row.model_dump()], columns=COLUMNS)
    return {"outcome_probability": float(PIPELINE.predict_proba(frame)[0, 1])}


@app.post("/predictions")
def predictions(rows: list[Row]) -> list[dict[str, float]]:
    frame = pd.DataFrame([row.model_dump() for row in rows], columns=COLUMNS)
    return [{"outcome_probability": float(p)} for p in PIPELINE.predict_proba(frame)[:, 1]]
