"""Folds: no entity and no moment on both sides, the same for a seed, and honest for it."""

import json

import numpy as np
import pytest

from modelyard_crds.build import Manifest
from modelyard_runtime.data.table import Column
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.split import Split
from modelyard_runtime.training.by_hand import make_parser, run_by_hand
from modelyard_runtime.training.folds import (
    entities_of,
    folds_by_entity,
    folds_by_time,
    planned_folds,
)
from modelyard_runtime.training.problem import MANY_ROWS


@pytest.mark.parametrize("rows", [600, MANY_ROWS + 2000])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_no_entity_is_on_both_sides(rows, task):
    random = np.random.default_rng(0)
    entities = random.integers(0, rows // 10, rows)
    target = (entities % 3 == 0).astype(np.int64)
    folds = folds_by_entity(target, task, 1, entities)
    assert len(folds) == (5 if rows < MANY_ROWS else 1)
    for fold in folds:
        assert not set(entities[fold.train]) & set(entities[fold.test])
        assert sorted([*fold.train, *fold.test]) == list(range(rows))
    again = folds_by_entity(target, task, 1, entities)
    assert all(np.array_equal(a, b) for one, two in zip(folds, again, strict=True)
               for a, b in zip(one, two, strict=True))  # fmt: skip
    other = folds_by_entity(target, task, 2, entities)
    assert not np.array_equal(np.sort(folds[0].test), np.sort(other[0].test))


@pytest.mark.parametrize("rows", [600, MANY_ROWS + 2000])
def test_the_newest_rows_judge_what_all_older_ones_taught(rows):
    moments = np.random.default_rng(0).integers(0, rows // 3, rows).astype(np.float64)
    moments[:7] = np.nan
    folds = folds_by_time(moments, 0)
    assert len(folds) == (5 if rows < MANY_ROWS else 1)
    for fold in folds:
        assert np.nanmax(moments[fold.train]) < moments[fold.test].min()
        assert set(range(7)) <= set(fold.train.tolist())
    assert np.nanmax(moments) in moments[folds[0].test]
    judged = sum(len(fold.test) for fold in folds)
    assert judged == pytest.approx(rows * (0.4 if rows < MANY_ROWS else 0.2), rel=0.05)


def test_rows_of_two_moments_are_judged_once():
    (fold,) = folds_by_time(np.array([0.0] * 80 + [1.0] * 20), 0)
    assert (len(fold.train), len(fold.test)) == (80, 20)


def test_a_row_without_an_entity_is_one_of_its_own():
    column = Column("id", "string", np.array([0, 0, -1, 1, -1], dtype=np.int32), ("a", "b"))
    assert entities_of(column).tolist() == [1, 1, 3, 2, 4]


def test_a_class_of_one_entity_cannot_be_judged():
    entities = Column("id", "integer", np.repeat([1.0, 2.0], 50))
    target = np.repeat([0, 1], 50)
    with pytest.raises(UserError, match="Rows cannot be split by group of 'id'"):
        planned_folds(target, "binary", 0, Split("group", "id", "asked"), entities)


def _patients(random, count, rows, first=0):
    """Rows whose outcome is the entity's own; the columns tell it only by who it is."""
    lines = []
    for entity in range(first, first + count):
        height, weight, ill = random.normal(size=2), random.normal(), random.random() < 0.5
        for _ in range(rows):
            jitter = random.normal(size=3) * 0.02
            values = [*(height + jitter[:2]), weight + jitter[2], random.normal()]
            lines.append([f"P{entity:04}", *(f"{v:.4f}" for v in values), "yes" if ill else "no"])
    return lines


def _write(path, lines):
    head = "patient_id,height,weight,girth,noise,ill\n"
    path.write_text(head + "".join(",".join(line) + "\n" for line in lines))


def _built(folder, table, *more):
    arguments = ["--dataset", str(table), "--output", str(folder), "--intent", "Predict ill"]
    options = make_parser().parse_args([*arguments, "--max-iterations", "2", *more])
    report = run_by_hand(options, 2, 0.0)
    return report, Manifest.model_validate_json((folder / "manifest.json").read_bytes())


def test_what_is_reported_by_entity_is_what_new_ones_get_and_by_chance_it_is_not(tmp_path):
    from modelyard_runtime.serving.predictor import Predictor

    random = np.random.default_rng(3)
    _write(tmp_path / "known.csv", _patients(random, 120, 8))
    new = _patients(random, 400, 2, first=120)
    report, found = _built(tmp_path / "group", tmp_path / "known.csv")
    _, chance = _built(
        tmp_path / "random", tmp_path / "known.csv", "--plan", '{"split": {"by": "random"}}'
    )
    predictor = Predictor(found, (tmp_path / "group/model.onnx").read_bytes())
    names = ["height", "weight", "girth", "noise"]
    rows = [dict(zip(names, map(float, line[1:5]), strict=True)) for line in new]
    body = predictor.predictions(json.dumps(rows).encode()).body
    answers = [answer["prediction"]["ill"] for answer in json.loads(body)]
    true = float(np.mean([a == line[5] for a, line in zip(answers, new, strict=True)]))
    assert found.metrics["accuracy"] == pytest.approx(true, abs=0.15)
    assert chance.metrics["accuracy"] > true + 0.25
    assert found.plan is not None
    assert found.plan.split is not None
    assert (found.plan.split.by, found.plan.split.column) == ("group", "patient_id")
    assert report["plan"]["split"]["column"] == "patient_id"
    card = json.loads((tmp_path / "group/model_card.json").read_text())
    assert card["split"]["by"] == "group"
    assert card["targets"][0]["evaluation"]["drawn"] == "entities, each with all of its rows"
    words = (tmp_path / "group/card.md").read_text()
    assert "It is judged by rows whose `patient_id` it has not seen" in words
    width = {m["name"]: m["high"] - m["low"] for m in card["targets"][0]["metrics"]}
    assert width["accuracy"] > 0.1
