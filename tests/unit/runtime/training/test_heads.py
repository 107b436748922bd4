"""Several targets: one graph, one manifest, one prediction with the fields of each."""

import json

import numpy as np
import pytest

from modelyard_crds.build import MANIFEST_FORMAT, Manifest
from modelyard_runtime.artifacts.persisted import TRUSTED
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.by_hand import make_parser, run_by_hand
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.heads import metrics_of, shares_of
from modelyard_runtime.training.predict import run

ROWS = 200
SCHEMA = {
    "heating": "float",
    "comfort": "string",
    "comfort_probability": "float",
    "leaks": "boolean",
}


def table() -> str:
    random = np.random.default_rng(0)
    lines = ["area,glass,wall,heating,comfort,leaks"]
    for row in range(ROWS):
        area, glass = random.random() * 100, random.random()
        wall = random.choice(["brick", "wood", "stone"])
        heating = "" if row % 20 == 0 else f"{area * 2 + glass * 30:.2f}"
        comfort = ["cold", "mild", "warm"][min(2, int(area / 34))]
        leaks = "yes" if glass + (wall == "wood") > 1 else "no"
        lines.append(f"{area:.2f},{glass:.3f},{wall},{heating},{comfort},{leaks}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several")
    (folder / "t.csv").write_text(table())
    options = make_parser().parse_args(
        [
            *("--dataset", str(folder / "t.csv"), "--intent", "heating, comfort and leaks"),
            *("--output-schema", json.dumps(SCHEMA), "--max-iterations", "2"),
            *("--output", str(folder / "out")),
        ]
    )
    report = run_by_hand(options, 2, 0.0)
    manifest = Manifest.model_validate_json((folder / "out/manifest.json").read_bytes())
    return folder, report, manifest


def test_the_manifest_has_a_head_for_each_target(built):
    _, report, manifest = built
    assert manifest.format == MANIFEST_FORMAT
    assert [(h.target, h.task, h.width) for h in manifest.heads] == [
        ("heating", "regression", 1),
        ("comfort", "multiclass", 3),
        ("leaks", "binary", 2),
    ]
    assert report["onnx_difference"] <= 1e-4
    assert manifest.plan is not None
    assert [target.name for target in manifest.plan.targets] == ["heating", "comfort", "leaks"]
    assert manifest.metrics["heating.r2"] > 0.9
    assert manifest.metrics["accuracy"] == pytest.approx(
        (manifest.metrics["comfort.accuracy"] + manifest.metrics["leaks.accuracy"]) / 2, abs=1e-5
    )


def test_a_prediction_has_the_fields_of_all_targets(built):
    folder, _, manifest = built
    predictor = Predictor(manifest, (folder / "out/model.onnx").read_bytes())
    predictor.warm_up()
    rows = [
        {"area": 95.0, "glass": 0.2, "wall": "wood"},
        {"area": 5.0, "glass": 0.1, "wall": "stone"},
    ]
    first, second = (
        item["prediction"]
        for item in json.loads(predictor.predictions(json.dumps(rows).encode()).body)
    )
    assert list(first) == list(SCHEMA)
    assert (first["comfort"], first["leaks"]) == ("warm", True)
    assert (second["comfort"], second["leaks"]) == ("cold", False)
    assert first["heating"] > 150 > second["heating"]
    assert 0 <= first["comfort_probability"] <= 1


def test_the_joined_graph_says_what_each_pipeline_says(built):
    from skops import io

    folder, _, manifest = built
    pipelines = io.load(folder / "out/model.skops", trusted=list(TRUSTED))
    codes = json.loads((folder / "out/statistics.json").read_text())["categories"]
    encoding = Encoding(manifest.numeric, manifest.text, codes)
    random = np.random.default_rng(1)
    inputs = {
        "numeric": random.random((300, 2)).astype(np.float32) * [100, 1],
        "text": random.choice(np.array(["brick", "wood", "new", ""], dtype=object), (300, 1)),
    }
    inputs["numeric"] = inputs["numeric"].astype(np.float32)
    scores = Session((folder / "out/model.onnx").read_bytes(), "scores").run(inputs)
    matrix = encoding.matrix(inputs)
    for head in manifest.heads:
        _, columns = manifest.columns_of(head.target)
        model = pipelines[head.target]
        expected = model.predict_proba(matrix) if head.classes else model.predict(matrix)[:, None]
        assert np.abs(scores[:, columns] - expected).max() <= 1e-4 * max(1, np.abs(expected).max())


def test_by_hand_each_class_has_its_column(built, capsys):
    folder, _, _ = built
    assert run(["--model", str(folder / "out"), "--input", str(folder / "t.csv")]) == 0
    header = capsys.readouterr().out.splitlines()[0].split(",")
    assert header[:4] == list(SCHEMA)
    assert header[4:] == [
        *("comfort_probability_cold", "comfort_probability_mild", "comfort_probability_warm"),
        *("leaks_probability_false", "leaks_probability_true"),
    ]


def test_metrics_and_shares_of_several_are_means():
    assert metrics_of({"a": {"r2": 0.5}}) == {"r2": 0.5}
    assert metrics_of({"a": {"r2": 0.5}, "b": {"r2": 0.7, "mae": 1.0}}) == {
        **{"r2": 0.6, "mae": 1.0, "a.r2": 0.5, "b.r2": 0.7, "b.mae": 1.0},
    }
    assert shares_of([{"x": 1.0}, {"x": 0.5, "y": 0.5}]) == {"x": 0.75, "y": 0.25}
