"""Categories of many levels as means of the target, of which no row knows its own."""

import csv
import itertools
from dataclasses import replace

import numpy as np
import pytest

from modelyard_crds.build import Manifest, NumericFeature
from modelyard_crds.fields import Metric
from modelyard_crds.plan import Task
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.by_hand import make_parser, run_by_hand
from modelyard_runtime.training.candidates import Candidate, Family, candidate_of
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.ensemble import mean_of
from modelyard_runtime.training.evaluation import difference
from modelyard_runtime.training.fitting import Fit, predict, run_fit
from modelyard_runtime.training.folds import make_folds
from modelyard_runtime.training.graph import output_name, to_graph
from modelyard_runtime.training.pipelines import build_pipeline
from modelyard_runtime.training.problem import Problem, Shape
from modelyard_runtime.training.runner import bounded_threads
from modelyard_runtime.training.target_means import (
    FEW_LEVELS,
    FOLDS,
    TargetEncoded,
    many_levels,
    shrunk_means,
)

LEVELS = 150


def codes_of(rows: int, seed: int, levels: int = LEVELS) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, levels + 1, rows)


def shape_of(task, classes: int, rows: int, **more) -> Shape:
    return Shape(task, rows, 1, (LEVELS,), classes, 0, **more)


def matrix_of(codes) -> np.ndarray:
    noise = np.random.default_rng(9).normal(size=len(codes))
    return np.column_stack([noise, codes]).astype(np.float32)


def effects() -> np.ndarray:
    """What each level adds, that of code 0 being nothing."""
    return np.concatenate([[0.0], np.random.default_rng(3).normal(size=LEVELS) * 2])


class Seen:
    """A model that only keeps what it was fitted on."""

    def fit(self, matrix, target, eval_set=None):
        self.matrix, self.target, self.eval_set = matrix, target, eval_set
        return self


def test_means_of_levels_that_differ_are_nearly_those_of_their_rows():
    codes = np.repeat([1, 2, 3], [500, 500, 4])
    values = np.where(codes == 1, 0.0, 10.0) + np.tile([-1.0, 1.0], len(codes) // 2)
    overall = values.mean(keepdims=True)
    found = shrunk_means(codes, values[:, None], overall, 4)
    assert found[:, 0].tolist() == pytest.approx([overall[0], 0, 10, 10, overall[0]], abs=0.3)
    distance = np.abs(found[[2, 3], 0] - 10)
    assert distance[1] > distance[0]


def test_means_of_levels_that_differ_by_chance_are_those_of_all():
    codes = np.tile([1, 2], 50)
    values = np.repeat([0.0, 1.0], 50)[:, None]
    found = shrunk_means(codes, values, np.array([0.5]), 2)
    assert found[:, 0].tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("codes", [[0, 0, 0], [1, 1, 1], [1, 2, 3]],
                         ids=["no level", "one level", "a row a level"])  # fmt: skip
def test_where_nothing_can_be_told_all_means_are_that_of_all(codes):
    values = np.array([[0.0], [1.0], [5.0]])
    found = shrunk_means(np.array(codes), values, np.array([2.0]), 3)
    assert found[:, 0].tolist() == [2.0] * 4


def test_no_row_is_encoded_by_its_own_target():
    """Changing one row's target changes the encoding of others, never its own part's."""
    codes = codes_of(300, 1, levels=60)
    target = np.random.default_rng(2).normal(size=300) + 3 * (codes % 2)
    encoded = TargetEncoded(Seen(), {1: 60}, 0, 5)
    encoded.fit(matrix_of(codes), target)
    before = encoded.inner.matrix[:, 0].copy()
    changed = target.copy()
    changed[7] += 1000.0
    # The mean of all moves for each row alike: take it out.
    changed -= changed.mean() - target.mean()
    encoded.fit(matrix_of(codes), changed)
    part = np.random.default_rng(5).permutation(300) % FOLDS
    same_level = codes == codes[7]
    others = same_level & (part != part[7])
    assert np.abs(encoded.inner.matrix[others, 0] - before[others]).min() > 10
    own = part == part[7]
    # What is left is the shift of all targets by 1000 / 300.
    assert np.abs(encoded.inner.matrix[own, 0] - before[own]).max() < 4


def test_what_watches_a_fit_sees_the_means_that_are_served():
    codes = codes_of(200, 1)
    matrix, target = matrix_of(codes), effects()[codes]
    encoded = TargetEncoded(Seen(), {1: LEVELS}, 0, 0)
    encoded.fit(matrix, target, eval_set=[(matrix[:5], target[:5])])
    [(watched, truth)] = encoded.inner.eval_set
    assert np.array_equal(watched, encoded.encoded(matrix[:5]))
    assert np.array_equal(truth, target[:5])


IDS = 900


def random_problem(task: Task) -> Problem:
    """Ids of about three rows each, and a target that has nothing to do with them."""
    random = np.random.default_rng(11)
    rows = 3_000
    binary = task == "binary"
    target = random.integers(0, 2, rows) if binary else random.normal(size=rows)
    shape = Shape(task, rows, 1, (IDS,), 2 if binary else 0, 0)
    metric: Metric = "roc_auc" if binary else "r2"
    folds = make_folds(target, task, 0)
    matrix = matrix_of(codes_of(rows, 4, levels=IDS))
    return Problem(matrix, target, shape, metric, 1 if binary else None, folds)


def mean_score(problem: Problem, family: Family) -> float:
    fits = [Fit(Candidate(family), fold) for fold in range(len(problem.folds))]
    with bounded_threads(1):
        return float(np.mean([run_fit(problem, fit, 1).score for fit in fits]))


@pytest.mark.parametrize("family", ["boosting", "linear", "extra_trees"])
@pytest.mark.parametrize(("task", "chance"), [("binary", 0.5), ("regression", 0.0)])
def test_ids_and_a_random_target_score_no_better_than_chance(task, chance, family):
    assert mean_score(random_problem(task), family) < chance + 0.03


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_means_of_all_rows_before_the_folds_would_score_better_than_chance(task):
    """What the test above would see of a leak between folds."""
    problem = random_problem(task)
    codes = problem.matrix[:, 1].astype(int)
    sums, counts = np.bincount(codes, problem.target, IDS + 1), np.bincount(codes, None, IDS + 1)
    leaked = (sums / np.maximum(counts, 1))[codes]
    shape = replace(problem.shape, categories=())
    matrix = np.column_stack([leaked]).astype(np.float32)
    assert mean_score(replace(problem, matrix=matrix, shape=shape), "linear") > 0.2 + (
        0.5 if task == "binary" else 0.0
    )


def test_targets_that_judge_a_fit_have_no_part_in_it():
    problem = random_problem("binary")
    other = problem.target.copy()
    other[problem.folds[0].test] = 1 - other[problem.folds[0].test]
    fit = Fit(Candidate("linear"), 0)
    with bounded_threads(1):
        before, after = (run_fit(p, fit, 1) for p in (problem, replace(problem, target=other)))
    assert before.score != after.score
    assert before.predicted is not None
    assert after.predicted is not None
    assert np.array_equal(before.predicted, after.predicted)


@pytest.mark.parametrize("family", ["boosting", "linear"])
def test_levels_that_matter_are_learnt_from_few_rows_each(family):
    rows = 1_500
    codes = codes_of(rows, 5)
    chances = 1 / (1 + np.exp(-effects()[codes]))
    target = (np.random.default_rng(6).random(rows) < chances).astype(np.int64)
    shape = shape_of("binary", 2, rows)
    problem = Problem(
        matrix_of(codes), target, shape, "roc_auc", 1, make_folds(target, "binary", 0)
    )
    # What is known of the levels bounds the score: here about 0.88.
    with bounded_threads(1):
        assert run_fit(problem, Fit(Candidate(family), 0), 1).score > 0.75


@pytest.mark.parametrize(("categories", "classes", "expected"), [
    ((FEW_LEVELS, FEW_LEVELS + 1), 2, {3: FEW_LEVELS + 1}),
    ((FEW_LEVELS + 1,), 11, {}),
    ((), 0, {}),
])  # fmt: skip
def test_only_many_levels_and_few_classes_have_means(categories, classes, expected):
    assert many_levels(2, categories, classes) == expected


KINDS = [("binary", 2), ("multiclass", 4), ("regression", 0)]
CANDIDATES = [
    *(Candidate(family) for family in ("boosting", "linear", "extra_trees", "network")),
    candidate_of("boosting", log=1),
]


def fitted(task, classes: int, candidate: Candidate, encoding: Encoding, inputs):
    matrix = encoding.matrix(inputs)
    signal = effects()[matrix[:, 1].astype(int)] + matrix[:, 0] * 0.1
    cuts = np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1]) if classes else []
    target = np.digitize(signal, cuts) if classes else np.sinh(signal)
    with bounded_threads(1):
        return build_pipeline(candidate, shape_of(task, classes, len(matrix)), 1).fit(
            matrix, target
        )


def inputs_of(rows: int, seed: int):
    random = np.random.default_rng(seed)
    names = [*(f"größe {number}" for number in range(LEVELS)), "", "never seen"]
    return {
        "numeric": random.normal(size=(rows, 1)).astype(np.float32),
        "text": random.choice(np.array(names, dtype=object), (rows, 1)),
    }


def encoding_of() -> Encoding:
    levels = [f"größe {number}" for number in range(LEVELS)]
    return Encoding([NumericFeature(column="n")], ["k"], {"k": levels})


@pytest.mark.parametrize(("kind", "candidate"), [
    pair for pair in itertools.product(KINDS, CANDIDATES)
    if pair[0][0] == "regression" or not pair[1].settings
])  # fmt: skip
def test_the_graph_predicts_what_scikit_learn_predicts(kind, candidate):
    task, classes = kind
    encoding = encoding_of()
    model = fitted(task, classes, candidate, encoding, inputs_of(900, 1))
    compare(task, model, encoding)


def test_a_mean_of_models_has_the_means_of_each():
    encoding, inputs = encoding_of(), inputs_of(900, 1)
    models = [fitted("binary", 2, candidate, encoding, inputs) for candidate in CANDIDATES[:3]]
    compare("binary", mean_of("binary", list(zip([0.5, 0.3, 0.2], models, strict=True))), encoding)


def compare(task, model, encoding: Encoding) -> None:
    unseen = inputs_of(400, 2)
    session = Session(to_graph(model, encoding, task), output_name(task))
    with bounded_threads(1):
        expected = predict(model, encoding.matrix(unseen), task)
    assert difference(task, expected, session.run(unseen)) <= 1e-4


def test_a_table_of_many_shops_is_learnt_from(tmp_path):
    random = np.random.default_rng(8)
    effect = random.normal(size=80)
    with (tmp_path / "sales.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["shop", "size", "sold"])
        for _ in range(600):
            shop, size = int(random.integers(0, 80)), float(random.random())
            writer.writerow([f"shop {shop}", size, round(10 * effect[shop] + size, 3)])
    arguments = ["--dataset", str(tmp_path / "sales.csv"), "--intent", "How much is sold?"]
    arguments += ["--max-iterations", "2", "--output", str(tmp_path / "out")]
    report = run_by_hand(make_parser().parse_args(arguments), 2, 0.0)
    manifest = Manifest.model_validate_json((tmp_path / "out/manifest.json").read_bytes())
    assert manifest.metrics["r2"] > 0.9
    assert report["onnx_difference"] <= 1e-4
    assert (tmp_path / "out/model.skops").exists()
