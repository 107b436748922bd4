"""Whole builds by hand, and what serving makes of them."""

import csv
import json
from datetime import date, timedelta

import numpy as np
import pytest

from modelyard_crds.build import Manifest
from modelyard_crds.model_card import ModelCard
from modelyard_runtime.artifacts.persisted import TRUSTED
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.training.by_hand import make_parser, run_by_hand, summary
from modelyard_runtime.training.main import run


def write_table(path, rows: int = 240) -> None:
    random = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer_id", "age", "plan", "since", "spend", "member", "churned"])
        for number in range(rows):
            age, plan = int(random.integers(18, 80)), str(random.choice(["basic", "größe", "none"]))
            member, spend = bool(random.random() < 0.5), round(float(random.lognormal(3, 1)), 2)
            gone = (age < 40) + (
                plan == "basic"
            ) - spend / 60 - member + random.normal() * 0.3 > 0.4
            since = date(2020, 1, 1) + timedelta(int(random.integers(0, 900)))
            writer.writerow(
                [
                    f"C{number:05d}",
                    "" if random.random() < 0.1 else age,
                    "" if random.random() < 0.1 else plan,
                    since,
                    "NA" if random.random() < 0.1 else spend,
                    "yes" if member else "no",
                    "Yes" if gone else "No",
                ]
            )


def build(tmp_path, table, *arguments: str):
    options = make_parser().parse_args(
        ["--dataset", str(table), "--output", str(tmp_path / "out"), *arguments]
    )
    report = run_by_hand(options, 2, 0.0)
    manifest = Manifest.model_validate_json((tmp_path / "out/manifest.json").read_bytes())
    return report, manifest, Predictor(manifest, (tmp_path / "out/model.onnx").read_bytes())


@pytest.fixture(scope="module")
def churn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("churn")
    write_table(folder / "churn.csv")
    return folder, *build(folder, folder / "churn.csv", "--intent", "Will they churn?",
                          "--max-iterations", "2")  # fmt: skip


def test_a_mixed_table_becomes_a_good_model(churn):
    _, report, manifest, _ = churn
    assert (manifest.target, manifest.task, manifest.positive_class) == (
        *("churned", "binary", "Yes"),
    )
    assert manifest.metrics["roc_auc"] > 0.75
    assert report["onnx_difference"] <= 1e-4
    assert manifest.text == ["plan"]
    assert {(f.column, f.part) for f in manifest.numeric} >= {
        *(("age", "value"), ("member", "value"), ("since", "year"), ("since", "epoch_day")),
    }
    assert sum(manifest.training_info.feature_importance.values()) == pytest.approx(1, abs=0.01)
    assert set(manifest.training_info.feature_importance) <= {f.name for f in manifest.input_schema}
    assert "customer_id" in dict(report["plan"]["dropped"])


def test_serving_predicts_every_row_like_the_graph_that_was_judged(churn):
    folder, _, _, predictor = churn
    rows = []
    with (folder / "churn.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            rows.append(
                {
                    "age": float(line["age"]) if line["age"] else None,
                    "plan": line["plan"] or None,
                    "since": line["since"],
                    "spend": None if line["spend"] == "NA" else float(line["spend"]),
                    "member": line["member"] == "yes",
                }
            )
            rows[-1]["_truth"] = line["churned"]
    answers = json.loads(predictor.predictions(json.dumps(rows).encode()).body)
    right = [
        answer["prediction"]["churned"] == row["_truth"]
        for answer, row in zip(answers, rows, strict=True)
    ]
    assert np.mean(right) > 0.8
    assert all(0 <= a["prediction"]["churned_probability"] <= 1 for a in answers)


def test_the_example_of_the_manifest_is_served(churn):
    _, _, manifest, predictor = churn
    predictor.warm_up()
    assert set(manifest.example) == {field.name for field in manifest.input_schema}


def test_a_category_never_seen_is_a_missing_value(churn):
    _, _, manifest, predictor = churn
    rows = [manifest.example | {"plan": plan} for plan in (None, "", "never seen", "nan")]
    answers = json.loads(predictor.predictions(json.dumps(rows).encode()).body)
    assert len({json.dumps(answer) for answer in answers}) == 1


def test_files_for_people_say_what_was_built(churn):
    folder, report, _, _ = churn
    card = (folder / "out/card.md").read_text()
    assert "Will they churn?" in card
    assert "`customer_id`: an identifier" in card
    assert "roc_auc" in card
    data = ModelCard.model_validate_json((folder / "out/model_card.json").read_bytes())
    (area,) = [figure for figure in data.targets[0].metrics if figure.name == "roc_auc"]
    assert area.low
    assert area.high
    assert area.low < area.value < area.high
    assert area.baseline == 0.5
    assert data.targets[0].evaluation.judging == "cross-validation"
    assert sum(attempt.weight for attempt in data.targets[0].attempts) == pytest.approx(1, abs=1e-5)
    statistics = json.loads((folder / "out/statistics.json").read_text())
    assert statistics["columns"]["age"]["quantiles"]["0.5"] > 18
    assert sorted(statistics["categories"]["plan"]) == ["basic", "größe", "none"]
    assert "churned (binary)" in summary(report)


def test_the_pipeline_loads_with_the_listed_types_only(churn):
    from skops import io

    folder, _, _, _ = churn
    model = io.load(folder / "out/model.skops", trusted=list(TRUSTED))
    assert hasattr(model, "predict_proba")


def test_large_numbers_are_told_apart(tmp_path):
    random = np.random.default_rng(0)
    lines = ["stamp,other,y"]
    for _ in range(200):
        bit = int(random.integers(0, 2))
        lines.append(f"{1_700_000_000_000 + bit * 3 + int(random.integers(0, 2))},"
                     f"{random.random():.3f},{'ab'[bit]}")  # fmt: skip
    (tmp_path / "t.csv").write_text("\n".join(lines))
    _, manifest, predictor = build(
        tmp_path, tmp_path / "t.csv", "--intent", "Predict y", "--max-iterations", "2"
    )
    assert manifest.metrics["accuracy"] > 0.95
    rows = [{"stamp": 1_700_000_000_000 + d, "other": 0.5} for d in (0, 4)]
    first, second = json.loads(predictor.predictions(json.dumps(rows).encode()).body)
    assert (first["prediction"]["y"], second["prediction"]["y"]) == ("a", "b")


def test_a_class_of_one_row_is_left_out_of_the_model(tmp_path):
    lines = [f"{i % 29},{i * 7 % 13},{'xyz'[i % 29 // 10] if i else 'w'}" for i in range(150)]
    (tmp_path / "t.csv").write_text("\n".join(["size,other,kind", *lines]))
    _, manifest, predictor = build(
        tmp_path, tmp_path / "t.csv", "--intent", "Which kind?", "--max-iterations", "1"
    )
    assert manifest.classes == ["x", "y", "z"]
    assert any("'w'" in text for text in manifest.warnings)
    row = [{"size": 25, "other": 3}]
    (answer,) = json.loads(predictor.predictions(json.dumps(row).encode()).body)
    assert answer["prediction"]["kind"] == "z"


def test_by_hand_a_fault_is_one_line_and_an_exit_code(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    code = run(
        ["--dataset", str(tmp_path / "t.csv"), "--intent", "b", "--output", str(tmp_path), "--json"]
    )
    assert code == 65
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["reason"] == "TooFewRows"
    assert "TooFewRows" in captured.err
