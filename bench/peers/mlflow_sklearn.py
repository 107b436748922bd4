"""MLflow: saves the pipeline in its layout and becomes ``mlflow models serve``.

``mlflow_sklearn.py PORT``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import joblib  # type: ignore[import-untyped]  # ships no types
import mlflow.sklearn  # type: ignore[import-not-found]  # in the peer's environment only

FOLDER = Path(os.environ["BENCH_FOLDER"])

if __name__ == "__main__":
    home = FOLDER / "mlflow"
    pipeline = joblib.load(FOLDER / "pipeline.joblib")
    mlflow.sklearn.save_model(pipeline, home, serialization_format="cloudpickle")
    command = str(Path(sys.executable).parent / "mlflow")
    words = [
        "models",
        "serve",
        "-m",
        str(home),
        "--env-manager",
        "local",
        "-w",
        "1",
        "-h",
        "127.0.0.1",
    ]
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.execv(command, [command, *words, "-p", sys.argv[1]])  # noqa: S606 - no shell is wanted
