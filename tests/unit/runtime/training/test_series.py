"""Forecasts: what a row may know, what the graph answers, and how good that is."""

import json
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelyard_crds.build import Manifest
from modelyard_crds.fields import FieldSchema
from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from modelyard_runtime.plan.series import steps_of
from modelyard_runtime.serving.errors import InvalidRowsError
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.session import Session
from modelyard_runtime.training.by_hand import make_parser, run_by_hand
from modelyard_runtime.training.encoding import make_encoding
from modelyard_runtime.training.ensemble import mean_of
from modelyard_runtime.training.evaluation import difference
from modelyard_runtime.training.fitting import predict
from modelyard_runtime.training.graph import output_name, to_graph
from modelyard_runtime.training.series import Relative, backtest, history
from support.tables import table_of

STORES = {"a": 100.0, "b": 1000.0, "7": 10.0}
DAYS = 200


def sales(store: str, day: int) -> float:
    """A level, a week and a trend; each store is the same but for its size."""
    return STORES[store] * (1 + 0.003 * day) * (1.6 if day % 7 >= 5 else 1.0)


def daily(stores=("a", "b", "7")) -> str:
    lines = [
        f"{date(2025, 1, 6) + timedelta(day)},{store},{day % 13},{sales(store, day):.3f}"
        for day in range(DAYS)
        for store in stores
    ]
    return "day,store,visitors,sales\n" + "\n".join(lines) + "\n"


def monthly() -> str:
    lines = [
        f"{2005 + month // 12}-{1 + month % 12:02d}-01,"
        f"{(100 + 2 * month) * (1 + 0.3 * np.sin(month % 12 / 12 * 2 * np.pi)):.2f}"
        for month in range(144)
    ]
    return "month,passengers\n" + "\n".join(lines) + "\n"


def build(folder, text: str, intent: str, *arguments: str):
    (folder / "t.csv").write_text(text)
    options = make_parser().parse_args(
        [
            *("--dataset", str(folder / "t.csv"), "--intent", intent, "--max-iterations", "3"),
            *("--output", str(folder / "out"), *arguments),
        ]
    )
    report = run_by_hand(options, 2, 0.0)
    manifest = Manifest.model_validate_json((folder / "out/manifest.json").read_bytes())
    return report, manifest, Predictor(manifest, (folder / "out/model.onnx").read_bytes())


def ask(predictor, *rows):
    answers = json.loads(predictor.predictions(json.dumps(rows).encode()).body)
    return [answer["prediction"] for answer in answers]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return build(tmp_path_factory.mktemp("daily"), daily(), "Forecast the sales of each store")


def test_a_row_of_date_and_series_is_answered_from_the_history(stores):
    report, manifest, predictor = stores
    assert manifest.plan is not None
    assert (manifest.plan.time_index, manifest.plan.group_by) == ("day", "store")
    assert [(f.name, f.required) for f in manifest.input_schema] == [("day", True), ("store", True)]
    assert report["onnx_difference"] <= 1e-4
    assert manifest.metrics["mape"] < 0.1
    days = [DAYS, DAYS + 1, DAYS + 9]
    rows = [
        {"day": str(date(2025, 1, 6) + timedelta(day)), "store": store}
        for day in days
        for store in STORES
    ]
    expected = [sales(store, day) for day in days for store in STORES]
    found = [result["sales"] for result in ask(predictor, *rows)]
    assert np.allclose(found, expected, rtol=0.15)


def test_the_example_is_a_date_that_can_be_asked_for(stores):
    _, manifest, predictor = stores
    predictor.warm_up()
    assert str(manifest.example["day"]) > "2025-07-24"


@pytest.mark.parametrize("day", ["2025-03-01", "2025-07-24", "2026-07-01"])
def test_a_date_within_the_history_or_too_far_ahead_is_refused(stores, day):
    _, _, predictor = stores
    with pytest.raises(InvalidRowsError, match="expected a date from 2025-07-24"):
        ask(predictor, {"day": day, "store": "a"})


def test_an_unknown_series_is_answered_like_the_mean_of_the_known_ones(stores):
    _, _, predictor = stores
    (found,) = ask(predictor, {"day": "2025-07-28", "store": "new"})
    assert 10 < found["sales"] < 2000


def test_what_is_not_known_ahead_is_left_out_unless_the_input_schema_has_it(stores, tmp_path):
    report, _, _ = stores
    assert "not known ahead" in report["plan"]["dropped"]["visitors"]
    schema = '{"day": "datetime", "store": "string", "visitors": "integer"}'
    _, manifest, _ = build(tmp_path, daily(("a",)), "Forecast sales", "--input-schema", schema)
    assert "visitors" in [field.column for field in manifest.numeric]


def test_a_trend_and_a_season_by_months_go_on(tmp_path):
    _, manifest, predictor = build(tmp_path, monthly(), "Forecast passengers of next year")
    assert manifest.plan is not None
    assert (manifest.plan.horizon, manifest.plan.group_by) == (12, None)
    found = ask(predictor, *({"month": f"2017-{m:02d}-01"} for m in (1, 4, 10)))
    expected = [
        (100 + 2 * m) * (1 + 0.3 * np.sin(m % 12 / 12 * 2 * np.pi)) for m in (144, 147, 153)
    ]
    assert np.allclose([result["passengers"] for result in found], expected, rtol=0.15)


def test_series_with_numbers_as_ids(tmp_path):
    text = daily().replace(",a,", ",1,").replace(",b,", ",2,")
    _, manifest, predictor = build(tmp_path, text, "Forecast the sales per store")
    assert manifest.text == []
    small, large = ask(predictor, *({"day": "2025-07-28", "store": store} for store in (7, 2)))
    assert small["sales"] * 20 < large["sales"]


def test_rows_that_are_no_series_are_independent_and_it_is_said(tmp_path):
    lines = [f"2025-01-{1 + i % 28:02d},{i % 7},{i * 31 % 97}\n" for i in range(90)]
    text = "day,a,sales\n" + "".join(lines)
    plan = make_plan("Forecast sales", table_of(tmp_path, text))
    assert plan.series is None
    assert any("several rows at one time" in warning for warning in plan.warnings)
    with pytest.raises(UserError, match="several rows at one time") as caught:
        make_plan("sales", table_of(tmp_path, text), stated=PlanOverrides(task="forecasting"))
    assert caught.value.reason is Reason.UNSUPPORTED_TASK


@given(st.integers(1, 40), st.integers(2, 12), st.floats(0.1, 1e6))
def test_history_does_not_depend_on_the_size_of_a_series(ahead, season, size):
    tails = np.abs(np.sin(np.arange(24, dtype=np.float32)))[None, :] + 1
    one = history(tails, np.array([ahead]), season)
    other = history(tails * np.float32(size), np.array([ahead]), season)
    assert np.allclose(one[:, 1:], other[:, 1:], rtol=1e-4)
    assert np.isclose(one[0, 0] * size, other[0, 0], rtol=1e-4)


@pytest.mark.parametrize("step", ["day", "week", "month", "quarter", "year"])
def test_steps_count_up_by_one(step):
    days = np.arange(0.0, 5000.0) * 86_400
    assert set(np.diff(steps_of(days, step)).tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("stated", "inputs", "why"),
    [
        ({"group_by": "sales"}, None, "predicted or excluded"),
        ({"horizon": 100}, None, "lower spec.plan.horizon"),
        ({"horizon": 7}, ["store"], "add it to the input schema"),
        ({"targets": ["store"], "task": "forecasting"}, None, "no number"),
        ({"targets": ["store"], "horizon": 7}, None, "one column of numbers"),
    ],
)
def test_a_stated_series_that_cannot_be_continued_is_refused(tmp_path, stated, inputs, why):
    table = table_of(tmp_path, daily())
    types = {column.name: column.type for column in table.columns}
    schema = inputs and [FieldSchema(name=name, type=types[name]) for name in inputs]
    with pytest.raises(UserError, match=why):
        make_plan("Predict sales", table, schema, stated=PlanOverrides(**stated))


def test_a_stated_horizon_is_how_far_dates_may_be_ahead(tmp_path):
    plan = make_plan("sales", table_of(tmp_path, daily()), stated=PlanOverrides(horizon=3))
    assert plan.summary().horizon == 3
    day = next(field for field in plan.input_schema if field.name == "day")
    assert plan.series is not None
    assert day.minimum is not None
    assert day.maximum is not None
    assert (day.maximum, day.minimum) == (plan.series.until, plan.series.after)
    assert day.maximum - day.minimum < 4 * 86_400


@pytest.mark.parametrize("stated", [{"task": "regression"}, {"exclude": ["day"]}])
def test_a_person_can_have_rows_taken_as_independent(tmp_path, stated):
    table = table_of(tmp_path, daily())
    plan = make_plan("Forecast sales", table, stated=PlanOverrides(**stated))
    assert plan.series is None


def test_a_mean_of_forecasts_is_one_graph(tmp_path):
    table = table_of(tmp_path, daily())
    plan = make_plan("Forecast sales", table)
    assert plan.series is not None
    encoding = make_encoding([table.by_name[name] for name in plan.features])
    past = backtest(table, table.by_name["sales"], encoding, plan.series, 0)
    truth = np.asarray(past.table.by_name["sales"].values)
    scale = len(past.encoding.kept)
    members = [
        (0.5, Relative(model, scale).fit(past.matrix, truth))
        for model in (
            make_pipeline(StandardScaler(), Ridge()),
            LGBMRegressor(n_estimators=20, verbosity=-1),
        )
    ]
    mean = mean_of("regression", members)
    graph = Session(to_graph(mean, past.encoding, "regression"), output_name("regression"))
    found = graph.run(past.inputs)
    expected = predict(mean, past.encoding.matrix(past.inputs), "regression")
    assert difference("regression", expected, found) <= 1e-4
