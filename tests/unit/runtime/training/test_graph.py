"""ONNX against scikit-learn: every entry of the search space, on the values that hurt.

Pitfalls of conversion: thresholds between float32 and float64 (group 4, 1), large integers (2),
category codes (4, 5), strings and imputers (6), numbers of any JSON type (7).
"""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from modelyard_crds.build import NumericFeature
from modelyard_crds.plan import Task
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.candidates import Candidate, Family
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.ensemble import mean_of
from modelyard_runtime.training.evaluation import difference
from modelyard_runtime.training.fitting import predict
from modelyard_runtime.training.graph import align_thresholds, output_name, to_graph
from modelyard_runtime.training.pipelines import build_pipeline
from modelyard_runtime.training.problem import Shape
from modelyard_runtime.training.runner import bounded_threads

KINDS = ["plain", "größe ☃", "nan", " ", "NA", "Ünseen", "日本語", "UPPER", "upper"]
FAMILIES: tuple[Family, ...] = get_args(Family)
TASKS: tuple[Task, ...] = get_args(Task)


def encoding_of(categories: list[str]) -> Encoding:
    numeric = [NumericFeature(column=name) for name in ("a", "b", "c")]
    return Encoding(numeric, ["kind"] if categories else [], {"kind": categories})


def frame(random: np.random.Generator, rows: int, text: bool):
    numbers = np.column_stack(
        [
            random.normal(size=rows),
            # Prices and large counts: neighbours in float64 may be equal in float32.
            random.integers(2**24, 2**25, rows) + random.random(rows),
            np.round(random.lognormal(3, 2, rows), 2),
        ]
    ).astype(np.float32)
    numbers[random.random(numbers.shape) < 0.1] = np.nan
    inputs = {"numeric": numbers}
    if text:
        inputs["text"] = random.choice(np.array([*KINDS, ""], dtype=object), (rows, 1))
    return inputs


def fitted(task: Task, family: Family, inputs, encoding: Encoding, seed: int):
    random = np.random.default_rng(seed)
    matrix = encoding.matrix(inputs)
    known = np.nan_to_num(matrix, nan=0.0)
    signal = known[:, 0] + np.log1p(np.abs(known[:, 2])) + random.normal(size=len(matrix))
    target: NDArray[Any] = signal * 1000
    if task != "regression":
        cuts = np.quantile(signal, [0.5] if task == "binary" else [0.3, 0.6])
        target = np.digitize(signal, cuts)
    shape = Shape(
        task=task,
        rows=len(matrix),
        numeric=3,
        categories=tuple(len(c) for c in encoding.categories.values()) if encoding.text else (),
        classes=0 if task == "regression" else len(np.unique(target)),
        seed=0,
    )
    with bounded_threads(1):
        return build_pipeline(Candidate(family), shape, 1).fit(matrix, target)


def compare(task, model, encoding, inputs):
    graph = to_graph(model, encoding, task)
    session = Session(graph, output_name(task))
    assert session.outputs == [output_name(task)]
    found = session.run(inputs)
    with bounded_threads(1):
        expected = predict(model, encoding.matrix(inputs), task)
    if task != "regression":
        sure = np.ptp(np.sort(expected, axis=1)[:, -2:], axis=1) > 1e-5
        assert (found.argmax(axis=1) == expected.argmax(axis=1))[sure].all()
    assert difference(task, expected, found) <= 1e-4


@pytest.mark.parametrize("text", [False, True], ids=["numbers", "with text"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_predicts_what_scikit_learn_predicts(family, task, text):
    random = np.random.default_rng(7)
    encoding = encoding_of(KINDS[:5] if text else [])
    model = fitted(task, family, frame(random, 400, text), encoding, 1)
    unseen = frame(random, 400, text)
    unseen["numeric"][0] = np.nan
    compare(task, model, encoding, unseen)


@pytest.mark.parametrize("family", ["boosting", "forest", "extra_trees"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_values_at_and_beside_every_threshold_take_the_same_branch(family, task):
    random = np.random.default_rng(3)
    encoding = encoding_of([])
    model = fitted(task, family, frame(random, 300, False), encoding, 2)
    thresholds = np.array(sorted(all_thresholds(model)), dtype=np.float32)
    near = np.concatenate(
        [thresholds, np.nextafter(thresholds, np.inf), np.nextafter(thresholds, -np.inf)]
    )
    chosen = random.choice(near.astype(np.float32), (2000, 3))
    compare(task, model, encoding, {"numeric": chosen.astype(np.float32)})


def all_thresholds(model) -> set[float]:
    estimator = getattr(model, "steps", [(None, model)])[-1][1]
    found: set[float] = set()
    if hasattr(estimator, "booster_"):
        table = estimator.booster_.trees_to_dataframe()
        # Beyond float32 is a split by whether a value is missing.
        found |= {value for value in table["threshold"].dropna() if abs(value) < 1e38}
    for tree in getattr(estimator, "estimators_", []):
        found |= set(tree.tree_.threshold.tolist())
    return found


@pytest.mark.parametrize("family", ["forest", "extra_trees"])
def test_aligning_thresholds_changes_no_prediction(family):
    random = np.random.default_rng(5)
    encoding = encoding_of([])
    inputs = frame(random, 300, False)
    model = fitted("binary", family, inputs, encoding, 3)
    matrix = encoding.matrix(inputs)
    before = model.predict_proba(matrix)
    align_thresholds(model)
    assert np.array_equal(before, model.predict_proba(matrix))
    assert all(value == np.float32(value) for value in all_thresholds(model))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_number_and_any_text_predicts_the_same(data):
    task, model, encoding = cached_model()
    number = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))
    rows = data.draw(st.lists(st.tuples(number, number, number, st.text()), min_size=1, max_size=8))
    numeric = np.array([row[:3] for row in rows], dtype=np.float64).astype(np.float32)
    text = np.array([[row[3].strip()] for row in rows], dtype=object)
    compare(task, model, encoding, {"numeric": numeric, "text": text})


_CACHE: list[Any] = []


def cached_model():
    if not _CACHE:
        encoding = encoding_of(KINDS[:5])
        inputs = frame(np.random.default_rng(1), 300, True)
        _CACHE.append(
            ("multiclass", fitted("multiclass", "boosting", inputs, encoding, 1), encoding)
        )
    return _CACHE[0]


def test_text_alone_is_enough():
    random = np.random.default_rng(1)
    encoding = Encoding([], ["kind"], {"kind": KINDS[:5]})
    inputs = {"text": random.choice(np.array(KINDS, dtype=object), (200, 1))}
    matrix = encoding.matrix(inputs)
    shape = Shape("binary", 200, 0, (5,), 2, 0)
    for family in FAMILIES:
        with bounded_threads(1):
            model = build_pipeline(Candidate(family), shape, 1)
            model.fit(matrix, random.integers(0, 2, 200))
        compare("binary", model, encoding, inputs)


@pytest.mark.parametrize("task", TASKS)
def test_a_mean_of_all_families_is_one_graph(task):
    """Pitfall 4.10: an ensemble is exported as one graph and predicts the same."""
    encoding = encoding_of(KINDS[:5])
    inputs = frame(np.random.default_rng(2), 300, True)
    models = [fitted(task, family, inputs, encoding, 4) for family in FAMILIES]
    weights = [0.3, 0.3, 0.2, 0.1, 0.1]
    compare(task, mean_of(task, list(zip(weights, models, strict=True))), encoding, inputs)


@pytest.mark.parametrize("missing", [False, True], ids=["never in training", "in training"])
def test_a_missing_value_goes_where_boosting_sends_it(missing):
    """Pitfall 4.3 and 4.6: LightGBM takes NaN for zero where training had none."""
    encoding = encoding_of([])
    inputs = frame(np.random.default_rng(6), 300, False)
    if not missing:
        inputs["numeric"] = np.nan_to_num(inputs["numeric"], nan=1.0)
    model = fitted("multiclass", "boosting", inputs, encoding, 5)
    compare("multiclass", model, encoding, {"numeric": np.full((5, 3), np.nan, dtype=np.float32)})
