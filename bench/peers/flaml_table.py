"""FLAML on one split: ``python flaml_table.py FOLDER``, in an environment of its own.

The folder holds train.csv, test.csv and task.json; predictions.csv and seconds.json are left in
it.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from flaml import AutoML  # type: ignore[import-not-found]  # of an environment of its own

METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "r2"}


def main() -> None:
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text())
    train, test = (pd.read_csv(folder / f"{name}.csv") for name in ("train", "test"))
    target = train.pop(task["target"])
    test = test.drop(columns=task["target"])
    # LightGBM refuses names with brackets, colons and the like.
    for frame in (train, test):
        frame.columns = pd.Index([f"column_{number}" for number in range(frame.shape[1])])
    began = time.monotonic()
    automl = AutoML()
    automl.fit(
        train,
        target,
        task="regression" if task["task"] == "regression" else "classification",
        metric=METRICS[task["task"]],
        time_budget=task["budget"],
        n_jobs=task["cpus"],
        seed=task["seed"],
        verbose=0,
    )
    predictions(automl, test, task["task"]).to_csv(folder / "predictions.csv", index=False)
    (folder / "seconds.json").write_text(json.dumps(time.monotonic() - began))


def predictions(automl: Any, test: pd.DataFrame, task: str) -> pd.DataFrame:
    """One column a class, or one of values."""
    if task == "regression":
        return pd.DataFrame({"value": automl.predict(test)})
    return pd.DataFrame(automl.predict_proba(test), columns=[str(c) for c in automl.classes_])


if __name__ == "__main__":
    main()
