"""Who learns a table in the training benchmark, each judged by the same held-out rows.

A score is 1 for a perfect model and 0 for one that knows nothing: area under the ROC curve for
two classes (0.5 for one that knows nothing), the share of the prior's log-loss that is gone for
more, R² for a quantity.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from environments import interpreter, product
from modelyard_crds.build import Manifest
from modelyard_runtime.features import BOOLEAN_WORDS
from modelyard_runtime.training.by_hand import MANIFEST
from modelyard_runtime.training.predict import with_all_classes
from tables import BenchTable, Split

HERE = Path(__file__).parent
FLAML = ("flaml[automl]==2.7.0",)
#: More categories than these are not native to scikit-learn's boosting.
MAX_NATIVE = 255
#: What is judged, as modelyard-train calls it.
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "r2"}
#: A process that takes so much longer than its budget does not end by itself.
GRACE_SECONDS = 900


class Task(NamedTuple):
    """One split of a table, and what each contestant may use."""

    table: BenchTable
    split: Split
    intent: str
    budget: int
    cpus: int
    seed: int


class Result(NamedTuple):
    """How good a contestant was, and how long it took from the table in memory to the model."""

    score: float
    seconds: float
    algorithm: str = ""
    #: Largest difference between the graph and scikit-learn, over the rows that it was judged by.
    onnx_difference: float = 0.0


Contestant = Callable[[Task], Result]


def ours(task: Task) -> Result:
    """modelyard-train and modelyard-predict, as a person runs them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(task, folder)
        report = json.loads(
            _run(
                *(product("modelyard-train"), "--dataset", folder / "train.csv", "--json"),
                *("--intent", task.intent, "--metric", METRICS[task.table.task]),
                *("--time-budget", task.budget, "--seed", task.seed, "--output", folder / "model"),
            )
        )
        _run(
            *(product("modelyard-predict"), "--model", folder / "model"),
            *("--input", folder / "test.csv", "--output", folder / "predictions.csv"),
        )
        manifest = Manifest.model_validate_json((folder / "model" / MANIFEST).read_text())
        predicted = _by_class(task, manifest, pd.read_csv(folder / "predictions.csv"))
    return Result(
        score(task, predicted),
        float(report["learning_seconds"]),
        f"{report['algorithm']}, best of {report['candidates']}",
        float(report["onnx_difference"]),
    )


def _by_class(task: Task, manifest: Manifest, predicted: pd.DataFrame) -> pd.DataFrame:
    """A column for each class, or one of values."""
    outputs = with_all_classes(manifest).outputs
    if not manifest.classes:
        value = next(output.name for output in outputs if output.source == "value")
        return pd.DataFrame({"value": predicted[value]})
    names = {output.label: output.name for output in outputs if output.source == "probability"}
    # yes and no are booleans there.
    spelled = {
        str(BOOLEAN_WORDS.get(label.lower(), label)).lower(): label for label in labels_of(task)
    }
    return pd.DataFrame(
        {spelled.get(label.lower(), label): predicted[names[label]] for label in manifest.classes}
    )


def boosting(task: Task) -> Result:
    """scikit-learn's boosting with its defaults, categories as its documentation says."""
    train, test = _encoded(task)
    target = task.split.train[task.table.target]
    began = time.monotonic()
    if task.table.task == "regression":
        regressor = HistGradientBoostingRegressor(random_state=task.seed).fit(train, target)
        predicted = pd.DataFrame({"value": regressor.predict(test)})
    else:
        classifier = HistGradientBoostingClassifier(random_state=task.seed).fit(train, target)
        labels = [_text(label) for label in classifier.classes_.tolist()]
        predicted = pd.DataFrame(classifier.predict_proba(test), columns=labels)
    return Result(score(task, predicted), time.monotonic() - began, "HistGradientBoosting")


def flaml(task: Task) -> Result:
    """FLAML with the same budget and cores, told what is judged."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(task, folder)
        settings = {
            "target": task.table.target,
            "task": task.table.task,
            "budget": task.budget,
            "cpus": task.cpus,
            "seed": task.seed,
        }
        (folder / "task.json").write_text(json.dumps(settings))
        _run(interpreter("flaml", FLAML), HERE / "peers" / "flaml_table.py", folder)
        seconds = json.loads((folder / "seconds.json").read_text())
        predicted = pd.read_csv(folder / "predictions.csv")
    return Result(score(task, predicted.rename(columns=_text)), seconds)


def score(task: Task, predicted: pd.DataFrame) -> float:
    """How good the predictions of the held-out rows are."""
    truth = task.split.test[task.table.target]
    if task.table.task == "regression":
        return float(metrics.r2_score(truth, predicted["value"]))
    labels = labels_of(task)
    spoken = truth.map(_text)
    if task.table.task == "binary":
        return float(metrics.roc_auc_score(spoken == labels[1], predicted[labels[1]]))
    shown: NDArray[Any] = predicted[labels].to_numpy()
    # What is written is rounded.
    loss = metrics.log_loss(spoken, shown / shown.sum(axis=1, keepdims=True), labels=labels)
    shares = task.split.train[task.table.target].map(_text).value_counts(normalize=True)
    prior: NDArray[Any] = np.tile(shares[labels].to_numpy(), (len(spoken), 1))
    return 1.0 - float(loss / metrics.log_loss(spoken, prior, labels=labels))


def labels_of(task: Task) -> list[str]:
    """The classes as text, sorted."""
    return sorted(map(_text, task.split.train[task.table.target].unique().tolist()))


def _text(label: Any) -> str:
    """A class as modelyard spells it."""
    if isinstance(label, bool) or label in {"True", "False"}:
        return str(label).lower()
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _encoded(task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers as they are, text as categories: what a person does before the first model."""
    target = task.table.target
    train, test = (part.drop(columns=target) for part in task.split)
    for name in train:
        if pd.api.types.is_numeric_dtype(train[name]):
            continue
        kinds = train[name].astype(str).astype("category").cat.categories
        as_kinds = pd.CategoricalDtype(kinds)
        for frame in (train, test):
            values = frame[name].astype(str).astype(as_kinds)
            frame[name] = values if len(kinds) <= MAX_NATIVE else values.cat.codes
    return train, test


def _write(task: Task, folder: Path) -> None:
    task.split.train.to_csv(folder / "train.csv", index=False)
    task.split.test.to_csv(folder / "test.csv", index=False)


def _run(*words: object) -> str:
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, check=False, timeout=GRACE_SECONDS
    )
    if done.returncode != 0:
        msg = (
            f"{words[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}{done.stdout[-2000:]}"
        )
        raise RuntimeError(msg)
    return done.stdout
