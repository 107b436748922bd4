"""Quantiles of a number, asked for by fields, in words, or by the spec."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds.fields import FieldSchema
from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from modelyard_runtime.plan.quantiles import field_ask, quantile_field, read_spoken
from support.tables import fields, table_of

ROWS = "size,rooms,sold,price\n" + "".join(
    f"{i * 31 % 97},{1 + i * 11 % 6},{'no' if i % 3 else 'yes'},{i * 7919 % 997 / 7:.2f}\n"
    for i in range(120)
)

TOO_MANY = [FieldSchema(name=f"price_p{n}", type="float") for n in range(5, 15)]


def plan_of(folder, intent="Predict price", schema=None, **stated):
    return make_plan(intent, table_of(folder, ROWS), None, schema, None, PlanOverrides(**stated))


def shown(plan):
    return {output.name: output.quantile for output in plan.outputs}


@pytest.mark.parametrize(
    ("intent", "text", "levels"),
    [
        ("Predict the 90th percentile of price", "Predict price", (0.9,)),
        ("the 10th and 90th percentiles of price", "price", (0.1, 0.9)),
        ("Predict the median and the 90th percentile of price", "Predict price", (0.5, 0.9)),
        ("the 0.95 quantile of price", "price", (0.95,)),
        ("quantiles 0.1, 0.5 and 0.9 of price", "price", (0.1, 0.5, 0.9)),
        ("Estimate P10, P50 and P90 of price", "Estimate price", (0.1, 0.5, 0.9)),
        ("price with an 80 % prediction interval", "price", (0.1, 0.9)),
        ("Predict price with a 95% confidence interval", "Predict price", (0.025, 0.975)),
        ("a prediction interval of 90 percent for price", "price", (0.05, 0.95)),
        ("90% interval for the price", "the price", (0.05, 0.95)),
    ],
)
def test_levels_in_words_are_read_and_taken_out_of_the_intent(intent, text, levels):
    assert read_spoken(intent, ["price", "size"]) == (text, levels, False)


@pytest.mark.parametrize(
    ("intent", "levels"),
    [
        ("Predict price with a prediction interval", (0.1, 0.9)),
        ("Predict price and its upper and lower bounds", (0.1, 0.9)),
        ("Predict price with error bars", (0.1, 0.9)),
        ("Predict price and its upper bound", (0.9,)),
        ("Predict the lower bound of price", (0.1,)),
    ],
)
def test_an_interval_without_a_level_holds_80_percent(intent, levels):
    spoken = read_spoken(intent, ["price"])
    assert (spoken.levels, spoken.assumed) == (levels, True)


@pytest.mark.parametrize(
    ("intent", "columns"),
    [
        ("Predict median house value", ["value"]),
        ("Forecast Q4 revenue", ["revenue"]),
        ("price of a car with a range of 300 km", ["price"]),
        ("Predict the interval between visits", ["visits"]),
        ("Predict the percentile of a pupil", ["percentile"]),
        ("Predict the upper bound", ["upper_bound"]),
        ("expression of p53", ["expression"]),
    ],
)
def test_words_that_mean_something_else_are_left_alone(intent, columns):
    assert read_spoken(intent, columns) == (intent, (), False)


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("price_p90", 0.9),
        ("pricePercentile5", 0.05),
        ("priceQ10", 0.1),
        ("price_q0.1", 0.1),
        ("price_q975", 0.975),
        ("price_p2_5", 0.025),
        ("price_q1", 0.25),
        ("price_90th_percentile", 0.9),
        ("p90_price", 0.9),
        ("price_median", 0.5),
        ("price_lower_95", 0.025),
        ("price_hi_80", 0.9),
    ],
)
def test_a_field_says_its_level(name, level):
    ask = field_ask(name, "price")
    assert ask is not None
    assert (ask.level, ask.rest) == (level, "price")


@given(st.integers(1, 999))
def test_the_name_of_a_level_is_read_as_that_level(thousandth):
    ask = field_ask(quantile_field("price", thousandth / 1000), "price")
    assert ask is not None
    assert ask.level == thousandth / 1000


@pytest.mark.parametrize(
    ("field", "target"),
    [
        ("price", "price"),
        ("p90", "p90"),
        ("predicted_high", "high"),
        ("price_lower", "price_lower"),
    ],
)
def test_a_target_may_be_called_like_a_quantile(field, target):
    assert field_ask(field, target) is None


def test_words_add_fields_beside_the_value(tmp_path):
    plan = plan_of(tmp_path, "Predict the 10th and the 97.5th percentile of price")
    assert shown(plan) == {"price": None, "price_p10": 0.1, "price_p97_5": 0.975}
    assert plan.summary().targets[0].quantiles == [0.1, 0.975]
    assert plan.output_schema[1].description == "10 % of the true values of price lie below."
    assert plan.warnings == []


def test_fields_keep_their_names_and_find_their_target(tmp_path):
    schema = fields(price_upper="float", price_p50="integer", price_lower="float")
    plan = plan_of(tmp_path, "What is to be expected?", schema)
    assert plan.target == "price"
    assert shown(plan) == {"price_upper": 0.9, "price_p50": 0.5, "price_lower": 0.1}
    assert plan.goals[0].quantiles == (0.1, 0.5, 0.9)
    assert any("80 % of the true values lie between" in text for text in plan.warnings)


def test_bounds_have_the_level_of_the_words_or_of_the_spec(tmp_path):
    schema = fields(price="float", lower_bound="float", upper_bound="float")
    intent = "Predict price with a 90 % interval"
    plan = plan_of(tmp_path, intent, schema)
    assert shown(plan) == {"price": None, "lower_bound": 0.05, "upper_bound": 0.95}
    assert plan.warnings == []
    plan = plan_of(tmp_path, intent, schema, quantiles=[0.75, 0.25, 0.25])
    assert shown(plan) == {"price": None, "lower_bound": 0.25, "upper_bound": 0.75}


def test_the_spec_wins_over_words_and_adds_fields_of_its_own(tmp_path):
    plan = plan_of(tmp_path, "the 90th percentile of price", quantiles=[0.2])
    assert shown(plan) == {"price": None, "price_p20": 0.2}
    plan = plan_of(tmp_path, schema=fields(price="float"), quantiles=[0.2])
    assert shown(plan) == {"price": None, "price_p20": 0.2}


def test_words_do_not_add_to_an_output_schema_but_say_what_is_missing(tmp_path):
    plan = plan_of(tmp_path, "the 90th percentile of price", fields(price="float"))
    assert (shown(plan), plan.goals[0].quantiles) == ({"price": None}, ())
    assert any("add price_p90" in text for text in plan.warnings)


def test_whole_numbers_of_few_values_are_numbers_where_quantiles_are_asked_for(tmp_path):
    assert plan_of(tmp_path, "Which rooms?").task == "multiclass"
    assert (
        plan_of(tmp_path, "Which rooms?", quantiles=[0.9], targets=["rooms"]).task == "regression"
    )


def test_an_interval_of_classes_is_said_to_be_a_probability(tmp_path):
    plan = plan_of(tmp_path, "Will it be sold? With a prediction interval")
    assert plan.target == "sold"
    assert any("the probability of 'sold' is predicted" in text for text in plan.warnings)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"targets": ["sold"], "quantiles": [0.9]}, "classes of 'sold'"),
        ({"schema": fields(price_p100="float")}, "'price_p100' asks for the quantile 1"),
        ({"intent": "the 0th percentile of price"}, "expected one from 0.001 to 0.999"),
        ({"schema": fields(price_lower="float"), "quantiles": [0.9]}, "price_p90"),
        ({"schema": TOO_MANY}, "at most 9"),
        ({"schema": fields(price_p90="string")}, "stated as a string"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_to_ask_for(tmp_path, arguments, words):
    with pytest.raises(UserError) as caught:
        plan_of(tmp_path, **arguments)
    assert caught.value.reason in {Reason.UNSUPPORTED_TASK, Reason.TYPE_MISMATCH}
    assert words in caught.value.message
