"""The model card: Markdown, data and plots of one version."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_crds import model_card as types
from modelyard_crds.fields import FieldSchema
from modelyard_runtime.artifacts import svg
from modelyard_runtime.artifacts.card import card_files

EVALUATION = types.Evaluation(
    judging="cross-validation", rows=90, folds=5, confidence=0.95, draws=500, drawn="rows"
)
CLASSES = types.TargetCard(
    target="churned",
    task="binary",
    metric="roc_auc",
    positive_class="<yes>",
    evaluation=EVALUATION,
    metrics=[types.MetricFigure(name="roc_auc", value=0.9, low=0.8, high=0.95, baseline=0.5)],
    confusion_matrix=types.ConfusionMatrix(labels=["a&b", "<yes>"], counts=[[5, 1], [0, 12_345]]),
    operating_points=[
        types.OperatingPoint(threshold=0.5, precision=1, recall=0.5, false_positive_rate=0),
        types.OperatingPoint(threshold=0.1, precision=0.6, recall=1, false_positive_rate=1),
    ],
    calibration=types.Calibration(
        of="<yes>",
        figures=types.CalibrationFigures(log_loss=0.3, brier=0.1, ece=0.02),
        bins=[types.CalibrationBin(rows=9, predicted=0.5, observed=0.4)],
    ),
    attempts=[
        types.Attempt(algorithm="boosting", settings={"l2": None}, score=0.9, seconds=1, weight=1)
    ],
    learning=[types.LearningPoint(rows=10, score=0.7), types.LearningPoint(rows=72, score=0.9)],
)
VALUES = types.TargetCard(
    target="price",
    task="regression",
    metric="r2",
    evaluation=EVALUATION,
    metrics=[types.MetricFigure(name="r2", value=0.4)],
    residuals=types.Residuals(
        mean=0,
        quantiles={"0.5": 0.0},
        histogram=types.Histogram(edges=[-1.0, 0.0, 1.0], counts=[3, 4]),
        by_prediction=[types.ResidualBin(rows=7, predicted=3, low=1, middle=3, high=6)],
    ),
    attempts=[],
    learning=[],
)


def card(*targets: types.TargetCard) -> types.ModelCard:
    return types.ModelCard(
        model="churn",
        version=2,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        runtime="0.1.0",
        intent="Will they churn?",
        algorithm="LGBMClassifier",
        candidates=12,
        dataset_digest="sha256:0",
        rows=90,
        seconds=1.5,
        targets=list(targets),
        importance={"plan|tier": 0.8, "age": 0.2},
        input_schema=[FieldSchema(name="plan|tier", type="string", required=True)],
        output_schema=[],
        dropped=[],
        warnings=["few rows"],
        matrix_columns=["plan|tier"],
        onnx_difference=1e-7,
        libraries={"numpy": "2"},
    )


def test_the_markdown_links_to_every_plot_and_each_is_svg():
    files = card_files(card(CLASSES, VALUES))
    text = files["card.md"].decode()
    plots = [name for name in files if name.endswith(".svg")]
    assert plots == [
        *("importance.svg", "confusion_matrix.svg", "curves.svg", "calibration.svg"),
        *("learning.svg", "residuals-2.svg", "predicted-2.svg"),
    ]
    for name in plots:
        assert f"]({name})" in text
        assert ElementTree.fromstring(files[name]).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
    assert "| roc_auc | 0.9 | 0.8 to 0.95 | 0.5 |" in text
    assert "plan\\|tier" in text


def test_the_data_follows_its_schema():
    content = card_files(card(CLASSES, VALUES))["model_card.json"]
    schema = types.ModelCard.model_json_schema(by_alias=True, mode="serialization")
    found = types.ModelCard.model_validate_json(content)
    jsonschema.validate(found.model_dump(mode="json", by_alias=True), schema)
    assert found == card(CLASSES, VALUES)
    assert found.format == types.CARD_FORMAT


def test_a_card_stays_small():
    many = [f"class {number}" * 20 for number in range(types.MAX_LABELS)]
    wide = types.ConfusionMatrix(labels=many, counts=[[1000] * 21] * 21)
    files = card_files(card(CLASSES.model_copy(update={"confusion_matrix": wide})))
    assert max(map(len, files.values())) < 150_000


NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@settings(max_examples=80, deadline=None)
@given(
    points=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8),
    title=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40),
)
def test_any_curve_and_any_title_is_well_formed(points, title):
    drawn = svg.lines(svg.Axes(title, "x", "y"), [svg.Line(title, points, dots=True)])
    ElementTree.fromstring(drawn)  # noqa: S314 - our own
    ElementTree.fromstring(svg.bars(title, [(title, abs(y)) for _, y in points]))  # noqa: S314


@pytest.mark.parametrize(
    ("low", "high", "first"), [(0.0, 1.0, "0.2"), (0.0, 33_000.0, "10k"), (-2e6, 2e6, "-1M")]
)
def test_ticks_are_round_numbers(low, high, first):
    drawn = svg.lines(svg.Axes("t", "x", "y"), [svg.Line("a", [(low, 0), (high, 1)])])
    assert f">{first}</text>" in drawn


def test_columns_of_words_are_named_once_with_their_number():
    made = card(CLASSES).model_copy(update={"matrix_columns": ["age", *["note (words)"] * 41]})
    assert "`age`, `note (words)` × 41, text as" in card_files(made)["card.md"].decode()  # noqa: RUF001 - times, not a letter
