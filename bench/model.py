"""The model that every server of the comparison serves, and the rows that are sent.

26 columns (20 numeric, 6 categorical), HistGradientBoosting behind an ordinal encoder: the shape
of the measurements that the targets come from.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import joblib  # type: ignore[import-untyped]  # ships no types
import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    FloatTensorType,
    StringTensorType,
)
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from modelyard_crds.build import (
    Manifest,
    ManifestFile,
    NumericFeature,
    Output,
    ServeRequest,
    manifest_key,
)
from modelyard_crds.fields import FieldSchema
from modelyard_crds.model_version import MAX_FEATURE_IMPORTANCE, TrainingInfo
from modelyard_runtime.artifacts.statistics import statistics_of
from modelyard_runtime.data.table import Column, Table

NUMERIC = [f"n{index}" for index in range(20)]
TEXT = [f"c{index}" for index in range(6)]
ROWS = 5_000
SENT_ROWS = 1_000
MISSING_SHARE = 0.02
NOISE = 0.3
VERSION_UID = "bench"


class Served(NamedTuple):
    """Where the pieces of the model are."""

    folder: Path
    request: ServeRequest
    pipeline: Path
    rows: list[dict[str, Any]]


def build(folder: Path) -> Served:
    """Train, convert, and lay out a store that modelyard-serve reads."""
    frame, target = _table()
    pipeline = _pipeline(NUMERIC, TEXT).fit(frame, target)
    # By positions, since the graph takes two matrices and no named columns.
    twin = _pipeline(list(range(20)), list(range(20, 26))).fit(frame.to_numpy(dtype=object), target)
    graph = to_onnx(
        twin,
        initial_types=[
            ("numeric", FloatTensorType([None, len(NUMERIC)])),
            ("text", StringTensorType([None, len(TEXT)])),
        ],
        options={id(twin[-1]): {"zipmap": False}},
    ).SerializeToString()
    rows = _records(frame.head(SENT_ROWS))
    joblib.dump(pipeline, folder / "pipeline.joblib")
    (folder / "rows.json").write_text(json.dumps(rows))
    sample, outcome = frame.head(SENT_ROWS), target[:SENT_ROWS]
    found = permutation_importance(pipeline, sample, outcome, n_repeats=1, random_state=0)
    ranked = sorted(zip(found.importances_mean.clip(0).tolist(), frame.columns, strict=True))
    shares = {name: share for share, name in ranked[-MAX_FEATURE_IMPORTANCE:]}
    contents = {"model.onnx": graph, "statistics.json": _statistics(frame)}
    files = {_file(name, content): content for name, content in contents.items()}
    request = _store(folder, files, _manifest(list(files), rows[0], shares))
    return Served(folder, request, folder / "pipeline.joblib", rows)


def _table() -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    # Four decimals, as tables have them: a float32 spelled as a double has seventeen digits.
    numbers = random.normal(size=(ROWS, len(NUMERIC))).round(4)
    numbers[random.random(numbers.shape) < MISSING_SHARE] = np.nan
    words = np.array([f"category_{index}" for index in range(8)], dtype=object)
    texts = words[random.integers(0, len(words), (ROWS, len(TEXT)))]
    signal = np.nan_to_num(numbers[:, 0]) + (texts[:, 0] == words[1])
    target = (signal + random.normal(size=ROWS) * NOISE > NOISE).astype(int)
    frame = pd.concat(
        [pd.DataFrame(numbers, columns=NUMERIC), pd.DataFrame(texts, columns=TEXT)], axis=1
    )
    return frame, target


def _pipeline(numeric: list[Any], text: list[Any]) -> Pipeline:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("numeric", "passthrough", numeric), ("text", encoder, text)])
    return Pipeline([("columns", columns), ("model", HistGradientBoostingClassifier(max_iter=100))])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): None if pd.isna(value) else value for name, value in record.items()}
        for record in frame.astype(object).to_dict("records")
    ]


def _statistics(frame: pd.DataFrame) -> bytes:
    """What drift is counted against."""
    columns = [Column(name, "float", frame[name].to_numpy()) for name in NUMERIC]
    for name in TEXT:
        codes, labels = pd.factorize(frame[name])
        columns.append(Column(name, "string", codes, tuple(labels)))
    table = Table(tuple(columns), len(frame))
    return statistics_of(table, [*NUMERIC, *TEXT], columns[:1], {})


def _file(name: str, content: bytes) -> ManifestFile:
    return ManifestFile(
        name=name,
        key=f"builds/{VERSION_UID}/{name}",
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        size_bytes=len(content),
    )


def _store(folder: Path, files: dict[ManifestFile, bytes], described: Manifest) -> ServeRequest:
    store = folder / "store"
    manifest = described.model_dump_json(by_alias=True).encode()
    key = manifest_key(VERSION_UID)
    for name, content in (*((file.key, data) for file, data in files.items()), (key, manifest)):
        path = store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    secret = folder / "secret"
    secret.mkdir()
    (secret / "url").write_text(f"file://{store}")
    return ServeRequest(
        namespace="bench",
        model="bench",
        version=1,
        manifest_key=key,
        manifest_digest=f"sha256:{hashlib.sha256(manifest).hexdigest()}",
    )


def _manifest(
    files: list[ManifestFile], example: dict[str, Any], importance: dict[str, float]
) -> Manifest:
    return Manifest(
        runtime="bench",
        libraries={},
        namespace="bench",
        model="bench",
        version=1,
        version_uid=VERSION_UID,
        created_at=datetime.now(UTC),
        intent="Predict the outcome",
        dataset_digest=f"sha256:{'0' * 64}",
        task="binary",
        target="outcome",
        classes=["0", "1"],
        positive_class="1",
        metric="roc_auc",
        metrics={},
        training_info=TrainingInfo(
            dataset_size=ROWS,
            training_seconds=1,
            algorithm="HistGradientBoosting",
            feature_importance=importance,
        ),
        input_schema=[
            *(FieldSchema(name=name, type="float") for name in NUMERIC),
            *(FieldSchema(name=name, type="string") for name in TEXT),
        ],
        output_schema=[
            FieldSchema(name="outcome", type="integer"),
            FieldSchema(name="outcome_probability", type="float"),
        ],
        outputs=[
            Output(name="outcome", source="class"),
            Output(name="outcome_probability", source="probability", label="1"),
        ],
        numeric=[NumericFeature(column=name) for name in NUMERIC],
        text=TEXT,
        example=example,
        files=files,
    )
