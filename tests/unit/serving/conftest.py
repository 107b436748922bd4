"""Versions made by hand: a few rows, a scikit-learn pipeline as ONNX, a manifest, a store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from modelyard_crds.build import (
    Manifest,
    ManifestFile,
    NumericFeature,
    Output,
    ServeRequest,
    manifest_key,
)
from modelyard_crds.fields import FieldSchema
from modelyard_crds.model_version import TrainingInfo
from modelyard_runtime.serving.predictor import Predictor
from support.serving_pod import Pod

EXAMPLE = {"age": 41.0, "visits": 3, "member": True, "joined": "2026-01-31", "plan": "basic"}


class Version(NamedTuple):
    """A version as it lies in a store."""

    store: Path
    secret: Path
    request: ServeRequest
    manifest: Manifest
    model: bytes

    @property
    def model_path(self) -> Path:
        """The graph's file."""
        return self.store / self.manifest.files[0].key

    @property
    def manifest_path(self) -> Path:
        """The manifest's file."""
        return self.store / self.request.manifest_key


def table() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """age, visits, member, joined's epoch day less 20,000; plan."""
    random = np.random.default_rng(0)
    numbers = random.normal(size=(200, 4)) * [10, 3, 0.5, 200] + [40, 5, 0.5, 400]
    texts = random.choice(["basic", "plus", "pro"], size=(200, 1)).astype(object)
    return numbers.astype(np.float32), texts


def graph(estimator: Any, target: np.ndarray[Any, Any], output: str) -> bytes:
    """An ONNX graph over the table, with the manifest's names."""
    numbers, texts = table()
    columns = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), [0, 1, 2, 3]),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [4]),
        ]
    )
    pipeline = make_pipeline(columns, estimator)
    pipeline.fit(np.concatenate([numbers.astype(object), texts], axis=1), target)
    options = {id(pipeline[-1]): {"zipmap": False}} if output == "probabilities" else None
    model = to_onnx(
        pipeline,
        initial_types=[
            ("numeric", FloatTensorType([None, 4])),
            ("text", StringTensorType([None, 1])),
        ],
        options=options,
        final_types=[(output, FloatTensorType([None, 1]))] if output == "value" else None,
    )
    return bytes(model.SerializeToString())


def manifest_of(file: ManifestFile, **changes: Any) -> Manifest:
    """A manifest of a binary classification; keyword arguments replace its fields."""
    fields: dict[str, Any] = {
        "runtime": "0.1.0",
        "libraries": {},
        "namespace": "team-a",
        "model": "churn",
        "version": 2,
        "version_uid": "uid-1",
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "intent": "Predict who leaves",
        "dataset_digest": f"sha256:{'0' * 64}",
        "task": "binary",
        "target": "left",
        "classes": ["no", "yes"],
        "positive_class": "yes",
        "metric": "roc_auc",
        "metrics": {"roc_auc": 0.9},
        "training_info": TrainingInfo(
            dataset_size=200, training_seconds=1, algorithm="LogisticRegression"
        ),
        "input_schema": [
            FieldSchema(name="plan", type="string"),
            FieldSchema(name="age", type="float", required=True, minimum=0, maximum=150),
            FieldSchema(name="visits", type="integer"),
            FieldSchema(name="member", type="boolean"),
            FieldSchema(name="joined", type="datetime"),
        ],
        "output_schema": [
            FieldSchema(name="left", type="string"),
            FieldSchema(name="left_probability", type="float"),
        ],
        "outputs": [
            Output(name="left", source="class"),
            Output(name="left_probability", source="probability", label="yes"),
        ],
        "numeric": [
            NumericFeature(column="age"),
            NumericFeature(column="visits"),
            NumericFeature(column="member"),
            NumericFeature(column="joined", part="epoch_day", offset=20_000.0),
        ],
        "text": ["plan"],
        "example": EXAMPLE,
        "files": [file],
    }
    return Manifest(**(fields | changes))


def digest(content: bytes) -> str:
    """How manifests write a digest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def publish(folder: Path, model: bytes, **changes: Any) -> Version:
    """Lay a version out in a store of its own."""
    file = ManifestFile(
        name="model.onnx",
        key="builds/uid-1/pod/model.onnx",
        digest=digest(model),
        size_bytes=len(model),
    )
    manifest = manifest_of(file, **changes)
    content = manifest.model_dump_json(by_alias=True).encode()
    store, secret = folder / "store", folder / "secret"
    for key, data in ((file.key, model), (manifest_key("uid-1"), content)):
        path = store / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    secret.mkdir()
    (secret / "url").write_text(f"file://{store}")
    request = ServeRequest(
        namespace="team-a",
        model="churn",
        version=2,
        manifest_key=manifest_key("uid-1"),
        manifest_digest=digest(content),
    )
    return Version(store, secret, request, manifest, model)


@pytest.fixture(scope="session")
def binary_graph() -> bytes:
    """A graph with the output ``probabilities``."""
    numbers, texts = table()
    target = (numbers[:, 0] + 10 * (texts[:, 0] == "pro") > 43).astype(int)
    return graph(LogisticRegression(max_iter=1000), target, "probabilities")


@pytest.fixture(scope="session")
def regression_graph() -> bytes:
    """A graph with the output ``value``."""
    numbers, _ = table()
    return graph(LinearRegression(), numbers[:, 0] * 2 + numbers[:, 1], "value")


@pytest.fixture
def version(tmp_path: Path, binary_graph: bytes) -> Version:
    """A published version of a binary classification."""
    return publish(tmp_path, binary_graph)


@pytest.fixture
def published(tmp_path: Path, binary_graph: bytes) -> Callable[..., Version]:
    """Publishes a version whose manifest has some fields replaced."""
    return lambda **changes: publish(tmp_path, changes.pop("model", binary_graph), **changes)


@pytest.fixture(scope="session")
def predictor(binary_graph: bytes, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """A predictor of the binary classification; no test changes it."""
    made = publish(tmp_path_factory.mktemp("version"), binary_graph)
    return Predictor(made.manifest, made.model, max_rows=50)


@pytest.fixture
def start(version: Version, tmp_path: Path) -> Iterator[Callable[..., Pod]]:
    """Starts modelyard-serve with some arguments; ends what is left of it."""
    pods: list[Pod] = []

    def begin(*arguments: str, **environment: str) -> Pod:
        pods.append(Pod(version.request, version.secret, tmp_path, *arguments, **environment))
        return pods[-1]

    yield begin
    for pod in pods:
        if pod.process.poll() is None:
            pod.process.kill()
        pod.process.communicate()
