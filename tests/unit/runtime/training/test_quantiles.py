"""Quantiles around a value: the right share below, in order, the same in ONNX and when served."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from modelyard_crds.build import Manifest, NumericFeature
from modelyard_crds.model_card import ModelCard
from modelyard_runtime.serving.documents import openapi
from modelyard_runtime.serving.open_inference import OpenInference
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.by_hand import make_parser, run_by_hand
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.ensemble import Unseen
from modelyard_runtime.training.evaluation import difference
from modelyard_runtime.training.fitting import predict
from modelyard_runtime.training.folds import make_folds
from modelyard_runtime.training.graph import to_graph
from modelyard_runtime.training.predict import run
from modelyard_runtime.training.problem import Problem, Shape, spread_of
from modelyard_runtime.training.quantiles import (
    Asked,
    WithQuantiles,
    baseline_metrics,
    quantile_metrics,
    surround,
)
from modelyard_runtime.training.runner import bounded_threads

ENCODING = Encoding([NumericFeature(column=name) for name in "ab"], [], {})
LEVELS = (0.05, 0.5, 0.9)
FOREVER = float("inf")


def noisy(rows: int, seed: int, *, skewed: bool = False):
    """A matrix and a target whose noise grows with its first column."""
    random = np.random.default_rng(seed)
    matrix = random.random((rows, 2)).astype(np.float32) * 10
    noise = random.normal(size=rows)
    if skewed:
        return matrix, np.exp(3 + 0.3 * matrix[:, 0] + 0.5 * noise)
    return matrix, 20 + 3 * matrix[:, 1] + (0.3 + matrix[:, 0]) * noise


def surrounded(matrix, target, levels=LEVELS, deadline=FOREVER):
    rows = len(target)
    shape = Shape("regression", rows, 2, (), 0, 0, spread=spread_of(target))
    problem = Problem(matrix, target, shape, "r2", None, make_folds(target, "regression", 0))
    unseen = np.concatenate([fold.test for fold in problem.folds])
    values = np.concatenate(
        [
            Ridge().fit(matrix[fold.train], target[fold.train]).predict(matrix[fold.test])
            for fold in problem.folds
        ]
    )
    with bounded_threads(1):
        model = Ridge().fit(matrix, target)
        return surround(problem, Unseen(unseen, values[:, None]), model, Asked(levels, deadline), 1)


@pytest.mark.parametrize("skewed", [False, True])
def test_the_right_share_of_new_rows_lies_below_each_level_wherever_noise_is_large(skewed):
    found = surrounded(*noisy(1500, 0, skewed=skewed))
    matrix, target = noisy(4000, 1, skewed=skewed)
    below = target[:, None] <= predict(found.model, matrix, "regression")[:, 1:]
    assert below.mean(axis=0) == pytest.approx(LEVELS, abs=0.03)
    for part in (matrix[:, 0] < 5, matrix[:, 0] >= 5):
        assert below[part].mean(axis=0) == pytest.approx(LEVELS, abs=0.08)


def test_what_is_said_of_unseen_rows_holds_for_new_ones():
    found = surrounded(*noisy(1500, 0))
    said = quantile_metrics(found.levels, found.truth, found.predicted)
    matrix, target = noisy(4000, 1)
    true = quantile_metrics(LEVELS, target, predict(found.model, matrix, "regression")[:, 1:])
    naive = baseline_metrics(LEVELS, target)
    for name in ("pinball_p5", "pinball_p50", "pinball_p90"):
        assert said[name] == pytest.approx(true[name], rel=0.15)
        assert true[name] < 0.8 * naive[name]
    assert said["coverage_p90"] == pytest.approx(0.9, abs=0.03)


def test_pinball_and_coverage_are_what_they_are_called():
    truth, predicted = np.array([1.0, 2.0, 3.0, 6.0]), np.array([[2.0], [2.0], [2.0], [2.0]])
    assert quantile_metrics([0.9], truth, predicted) == {
        "pinball_p90": pytest.approx((0.1 + 0.9 + 3.6) / 4),
        "coverage_p90": 0.5,
    }


def test_a_time_that_is_over_still_gives_quantiles_of_one_fold():
    matrix, target = noisy(400, 0)
    found = surrounded(matrix, target, deadline=0.0)
    assert len(found.truth) == 80
    assert predict(found.model, noisy(50, 1)[0], "regression").shape == (50, 4)


@pytest.mark.parametrize("rows", [10, 25])
def test_few_rows_and_no_noise_have_quantiles_too(rows):
    matrix, _ = noisy(rows, 0)
    for target in (matrix[:, 0] * 2.0, np.arange(rows) % 3.0):
        found = surrounded(matrix, np.asarray(target, dtype=np.float64))
        assert np.isfinite(predict(found.model, matrix, "regression")).all()


class Margin:
    """A margin that is a column of the matrix."""

    def __init__(self, column: int) -> None:
        self.column = column

    def predict(self, matrix):
        return matrix[:, self.column]


margins = st.lists(
    st.tuples(st.floats(-8, 8, width=32), st.floats(-8, 8, width=32)), min_size=1, max_size=20
)


@given(
    margins=margins,
    unit=st.sampled_from([None, 0.5, 1000.0]),
    floor=st.sampled_from([None, 0.0]),
    shifts=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
)
def test_quantiles_never_cross(margins, unit, floor, shifts):
    matrix = np.array(margins, dtype=np.float32)
    inner = Ridge().fit(np.eye(2, dtype=np.float32), [1.0, -1.0])
    model = WithQuantiles(inner, [Margin(0), Margin(1)], shifts, unit, None, floor)
    found = model.predict(matrix)[:, 1:]
    assert (np.diff(found, axis=1) >= 0).all()
    assert floor is None or (found >= floor).all()


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 50),
    skewed=st.booleans(),
    relative=st.booleans(),
    power=st.floats(-3, 5),
)
def test_the_graph_has_the_same_quantiles_in_order(seed, skewed, relative, power):
    matrix, target = noisy(200, seed, skewed=skewed)
    model = surrounded(matrix, target * 10.0**power).model
    if relative:
        model.unit, model.column = None, 0
    graph = Session(to_graph(model, ENCODING, "regression"), "value")
    rows = noisy(300, seed + 1)[0]
    found = graph.run({"numeric": rows})
    assert found.shape == (300, 4)
    assert (np.diff(found[:, 1:], axis=1) >= 0).all()
    assert difference("regression", predict(model, rows, "regression"), found) <= 1e-4


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quantiles")
    matrix, target = noisy(300, 0)
    lines = [f"{a:.3f},{b:.3f},{c:.4f}" for (a, b), c in zip(matrix.tolist(), target, strict=True)]
    (folder / "t.csv").write_text("\n".join(["age,size,price", *lines]) + "\n")
    schema = {"price": "float", "price_lower": "float", "price_upper": "integer"}
    options = make_parser().parse_args(
        [
            *("--dataset", str(folder / "t.csv"), "--intent", "Predict price"),
            *("--output-schema", json.dumps(schema), "--max-iterations", "2"),
            *("--plan", '{"quantiles": [0.9, 0.1, 0.5]}', "--output", str(folder / "out")),
        ]
    )
    report = run_by_hand(options, 2, 0.0)
    manifest = Manifest.model_validate_json((folder / "out/manifest.json").read_bytes())
    return folder, report, manifest


NAMES = ["price", "price_lower", "price_upper", "price_p50"]


def test_a_build_states_its_quantiles_and_how_good_they_are(built):
    folder, report, manifest = built
    assert manifest.quantiles == [0.1, 0.5, 0.9]
    assert report["onnx_difference"] <= 1e-4
    assert [output.name for output in manifest.outputs] == NAMES
    assert manifest.metrics["coverage_p90"] == pytest.approx(0.9, abs=0.05)
    card = ModelCard.model_validate_json((folder / "out/model_card.json").read_bytes())
    figures = {figure.name: figure for figure in card.targets[0].metrics}
    baseline = figures["pinball_p10"].baseline
    assert baseline is not None
    assert figures["pinball_p10"].value < baseline
    assert figures["coverage_p10"].baseline == pytest.approx(0.1, abs=0.01)
    assert "| coverage_p90 |" in (folder / "out/card.md").read_text()
    assert (folder / "out/model.skops").exists()


def test_every_way_of_serving_has_the_fields(built):
    folder, _, manifest = built
    predictor = Predictor(manifest, (folder / "out/model.onnx").read_bytes())
    predictor.warm_up()
    body = json.dumps([{"age": 9.0, "size": 5.0}, {"age": 0.5, "size": 5.0}]).encode()
    wide, narrow = (item["prediction"] for item in json.loads(predictor.predictions(body).body))
    assert list(wide) == NAMES
    assert isinstance(wide["price_upper"], int)
    assert wide["price_lower"] <= wide["price_p50"] <= wide["price_upper"] + 0.5
    assert wide["price_upper"] - wide["price_lower"] > 2 * (
        narrow["price_upper"] - narrow["price_lower"]
    )
    results = openapi(manifest, 10)["components"]["schemas"]["Result"]["properties"]
    assert [results[name]["type"] for name in NAMES] == ["number", "number", "integer", "number"]
    outputs = OpenInference(predictor).metadata()["outputs"]
    assert [(o["name"], o["datatype"]) for o in outputs] == [
        *(("price", "FP32"), ("price_lower", "FP32"), ("price_upper", "INT64")),
        ("price_p50", "FP32"),
    ]


def test_by_hand_the_file_has_a_column_for_each(built, capsys):
    folder, _, _ = built
    assert run(["--model", str(folder / "out"), "--input", str(folder / "t.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(",") == NAMES
    rows = np.array([line.split(",") for line in lines[1:]], dtype=np.float64)
    truth = np.loadtxt(folder / "t.csv", delimiter=",", skiprows=1)[:, 2]
    assert (truth <= rows[:, 3]).mean() == pytest.approx(0.5, abs=0.1)


def test_a_forecast_and_another_target_have_quantiles_too(tmp_path):
    random = np.random.default_rng(0)
    days = np.datetime64("2025-01-01") + np.arange(120)
    sales = 100 + np.arange(120) % 7 * 10 + random.normal(size=120) * 8
    lines = [f"{day},{value:.2f}" for day, value in zip(days, sales, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["day,sales", *lines]) + "\n")
    options = make_parser().parse_args(
        [
            *("--dataset", str(tmp_path / "t.csv"), "--max-iterations", "2"),
            *("--intent", "Forecast sales with a 90 % prediction interval"),
            *("--output", str(tmp_path / "out")),
        ]
    )
    report = run_by_hand(options, 2, 0.0)
    assert report["onnx_difference"] <= 1e-4
    manifest = Manifest.model_validate_json((tmp_path / "out/manifest.json").read_bytes())
    predictor = Predictor(manifest, (tmp_path / "out/model.onnx").read_bytes())
    body = b'{"day": "2025-05-02"}'
    result = json.loads(predictor.infer(body, "r", 0.0, explain=False).body)["result"]
    assert list(result) == ["sales", "sales_p5", "sales_p95"]
    assert 5 < result["sales_p95"] - result["sales_p5"] < 80


def test_of_several_targets_each_has_its_own(tmp_path):
    matrix, target = noisy(200, 0)
    lines = [
        f"{a:.3f},{b:.3f},{c:.4f},{c * 2 + a:.4f},{'yes' if c > 35 else 'no'}"
        for (a, b), c in zip(matrix.tolist(), target, strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["age,size,price,rent,sold", *lines]) + "\n")
    schema = {"rent_p90": "float", "sold": "string", "price": "float", "price_p10": "float"}
    options = make_parser().parse_args(
        [
            *("--dataset", str(tmp_path / "t.csv"), "--intent", "rent, sold and price"),
            *("--output-schema", json.dumps(schema), "--max-iterations", "1"),
            *("--output", str(tmp_path / "out")),
        ]
    )
    run_by_hand(options, 2, 0.0)
    manifest = Manifest.model_validate_json((tmp_path / "out/manifest.json").read_bytes())
    assert [(head.target, head.quantiles) for head in manifest.heads] == [
        *(("rent", [0.9]), ("sold", []), ("price", [0.1])),
    ]
    predictor = Predictor(manifest, (tmp_path / "out/model.onnx").read_bytes())
    body = b'{"age": 2.0, "size": 5.0}'
    result = json.loads(predictor.infer(body, "r", 0.0, explain=False).body)["result"]
    assert set(result) == set(schema)
    assert result["rent_p90"] > 2 * result["price"] > 2 * result["price_p10"]
