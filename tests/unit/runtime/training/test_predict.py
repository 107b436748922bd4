"""Predictions by hand: those of the served version, for files as people have them."""

import csv
import io
import json
import math
import random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard_crds.build import Manifest
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.training.by_hand import make_parser, run_by_hand
from modelyard_runtime.training.predict import run

INPUTS = (
    '{"age": {"type": "integer", "minimum": 0}, "plan": "string", "since": "datetime",'
    ' "spend": "float", "member": {"type": "boolean", "required": true}}'
)


def make_rows(count: int = 120):
    """Objects as a caller of /infer would send them, and the truth."""
    source = random.Random(1)  # noqa: S311 - a table of its own, nothing secret
    for _ in range(count):
        age = source.randint(18, 80)
        row = {
            "age": None if source.random() < 0.1 else age,
            "plan": source.choice(["basic", "größe", "a, b", None]),
            "since": f"20{source.randint(10, 22)}-0{source.randint(1, 9)}-1{source.randint(0, 9)}",
            "spend": None if source.random() < 0.1 else round(source.lognormvariate(3, 1), 2),
            "member": source.random() < 0.5,
        }
        yield row, age < 40 or row["plan"] == "basic"


ROWS, TRUTH = zip(*make_rows(), strict=True)
SPECIES = [("low", "mid", "high")[min(2, (row["age"] or 50) // 30)] for row in ROWS]
PAY = [(row["spend"] or 20) * 3 + row["member"] * 40 for row in ROWS]


def write_csv(path, rows, extra=None, delimiter: str = ","):
    def spelt(value):
        if value is None:
            return "NA"
        return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value

    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([*rows[0], *(extra or {})])
        for number, row in enumerate(rows):
            more = [spelt(values[number]) for values in (extra or {}).values()]
            writer.writerow([*map(spelt, row.values()), *more])
    return path


def build(folder, target: str, values, *arguments: str):
    dataset = write_csv(folder / "train.csv", ROWS, {target: values})
    options = make_parser().parse_args(
        ["--dataset", str(dataset), "--output", str(folder / "model"), "--max-iterations", "1",
         "--intent", f"Predict `{target}`", "--input-schema", INPUTS, *arguments]
    )  # fmt: skip
    run_by_hand(options, 2, 0.0)
    return folder / "model"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    make = tmp_path_factory.mktemp
    schema = '{"gone": "boolean", "gone_risk": "float"}'
    sure = '{"band": "string", "confidence_score": "float"}'
    return {
        "binary": build(make("binary"), "gone", TRUTH),
        "stated": build(make("stated"), "gone", TRUTH, "--output-schema", schema),
        "multiclass": build(make("multi"), "band", SPECIES),
        "confident": build(make("confident"), "band", SPECIES, "--output-schema", sure),
        "regression": build(make("regression"), "pay", PAY),
    }


@pytest.fixture
def predicted(models, tmp_path, capsys):
    """Runs the command over a file; its rows, as CSV has them."""

    def predict(name: str, path) -> list[dict[str, str]]:
        assert run(["--model", str(models[name]), "--input", str(path)]) == 0
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))

    return predict


@pytest.fixture
def refused(models, capsys):
    def predict(path, model=None) -> str:
        assert run(["--model", str(model or models["binary"]), "--input", str(path)]) > 0
        captured = capsys.readouterr()
        assert captured.out == ""
        assert len(captured.err.strip().splitlines()) == 1
        return str(captured.err)

    return predict


def serving(model) -> Predictor:
    manifest = Manifest.model_validate_json((model / "manifest.json").read_bytes())
    return Predictor(manifest, (model / "model.onnx").read_bytes())


def in_batch(model, rows) -> list[dict[str, Any]]:
    answers = json.loads(serving(model).predictions(json.dumps(rows).encode()).body)
    return [answer["prediction"] for answer in answers]


def one_by_one(model, rows) -> list[dict[str, Any]]:
    predictor = serving(model)
    bodies = (json.dumps(row).encode() for row in rows)
    answers = [predictor.infer(body, "req_1", 0.0, explain=False).body for body in bodies]
    return [json.loads(answer)["result"] for answer in answers]


def same(text: str, value, tolerance: float) -> bool:
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, float):
        return math.isclose(float(text), value, rel_tol=0, abs_tol=tolerance)
    return text == str(value)


# Rows alone add up float32 in another order than rows together: a part in a million of the
# greatest value, which is 1 for probabilities.
@pytest.mark.parametrize("name", ["binary", "stated", "multiclass", "confident", "regression"])
@pytest.mark.parametrize(("way", "tolerance"), [(in_batch, 0.0), (one_by_one, 1e-6)])
def test_predictions_are_the_served_ones_in_the_order_of_the_rows(
    models, predicted, tmp_path, name, way, tolerance
):
    found = predicted(name, write_csv(tmp_path / "in.csv", ROWS, delimiter=";"))
    expected = way(models[name], ROWS)
    tolerance *= max(PAY) if name == "regression" else 1.0
    assert len(found) == len(expected) == len(ROWS)
    for row, result in zip(found, expected, strict=True):
        if name == "multiclass":
            each = result.pop("band_probabilities")
            result |= {f"band_probability_{label}": value for label, value in each.items()}
        assert all(same(row[field], value, tolerance) for field, value in result.items())


def test_columns_are_the_output_schema_then_the_class_and_each_probability(predicted, tmp_path):
    path = write_csv(tmp_path / "in.csv", ROWS[:1])
    assert list(predicted("stated", path)[0]) == [
        *("gone", "gone_risk", "gone_probability_false", "gone_probability_true"),
    ]
    bands = predicted("multiclass", path)[0]
    assert list(bands) == ["band", *(f"band_probability_{k}" for k in ("high", "low", "mid"))]
    assert sum(float(value) for key, value in bands.items() if key != "band") == pytest.approx(1)
    assert list(predicted("regression", path)[0]) == ["pay"]


def test_a_confidence_is_the_probability_of_the_predicted_class(predicted, tmp_path):
    for row in predicted("confident", write_csv(tmp_path / "in.csv", ROWS[:20])):
        assert row["confidence_score"] == row[f"band_probability_{row['band']}"]


def test_json_lines_and_parquet_give_what_csv_gives(predicted, tmp_path):
    from_csv = predicted("binary", write_csv(tmp_path / "in.csv", ROWS))
    lines = tmp_path / "in.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert predicted("binary", lines) == from_csv
    pq.write_table(pa.Table.from_pylist(list(ROWS)), tmp_path / "in.parquet")
    assert predicted("binary", tmp_path / "in.parquet") == from_csv


def test_json_lines_out_keep_types(models, tmp_path):
    path, output = write_csv(tmp_path / "in.csv", ROWS[:3]), tmp_path / "out.jsonl"
    arguments = ["--model", str(models["binary"]), "--input", str(path), "--output", str(output)]
    assert run(arguments) == 0
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    expected = in_batch(models["binary"], ROWS[:3])
    assert [line["gone"] for line in lines] == [result["gone"] for result in expected]
    assert all(isinstance(line["gone_probability_yes"], float) for line in lines)


def test_other_columns_in_any_order_are_passed_over(predicted, tmp_path):
    rows = [dict(reversed(row.items())) | {"name": f"n{i}"} for i, row in enumerate(ROWS)]
    found = predicted("binary", write_csv(tmp_path / "other.csv", rows))
    assert found == predicted("binary", write_csv(tmp_path / "in.csv", ROWS))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"member": None}, "row 3, field 'member': a required field is null"),
        ({"age": -4}, "row 3, field 'age': expected a number of at least 0, got -4"),
        ({"age": "old"}, "'age' cannot be read as integer: row 3 is not one"),
        ({"since": "soon"}, "'since' cannot be read as datetime: row 3 is not one"),
    ],
)
def test_a_cell_that_does_not_fit_is_named_by_row_and_field(refused, tmp_path, change, words):
    rows = [*ROWS[:2], ROWS[2] | change, *ROWS[3:6]]
    assert words in refused(write_csv(tmp_path / "in.csv", rows))


def test_a_column_that_is_missing_is_named(refused, tmp_path):
    rows = [{key: value for key, value in row.items() if key != "member"} for row in ROWS[:9]]
    said = refused(write_csv(tmp_path / "in.csv", rows))
    assert "row 1, field 'member': a required field is missing" in said
    assert "and more" in said


def test_files_that_are_not_there_are_named(refused, tmp_path, models):
    assert "in.csv cannot be read" in refused(tmp_path / "in.csv")
    path = write_csv(tmp_path / "in.csv", ROWS[:3])
    assert "holds no manifest.json" in refused(path, tmp_path)
    (tmp_path / "empty.csv").write_text("age,plan\n")
    assert "no row of data" in refused(tmp_path / "empty.csv")


def test_a_model_that_was_changed_is_not_used(refused, tmp_path, models):
    copy = tmp_path / "model"
    copy.mkdir()
    (copy / "manifest.json").write_bytes((models["binary"] / "manifest.json").read_bytes())
    (copy / "model.onnx").write_bytes(b"something else")
    said = refused(write_csv(tmp_path / "in.csv", ROWS[:3]), copy)
    assert "ArtifactMismatch" in said


def test_an_output_that_cannot_be_written_is_named(models, tmp_path, capsys):
    path = write_csv(tmp_path / "in.csv", ROWS[:3])
    output = tmp_path / "nowhere" / "out.csv"
    arguments = ["--model", str(models["binary"]), "--input", str(path), "--output", str(output)]
    assert run(arguments) == 1
    assert "nowhere/out.csv: No such file or directory" in capsys.readouterr().err
