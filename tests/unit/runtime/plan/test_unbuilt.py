"""What is not built is refused whatever the columns are called, and what is less is said."""

import pytest

from modelyard_crds.fields import FieldSchema
from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from modelyard_runtime.plan.unbuilt import asks_for_spread, unbuilt_task
from support.tables import table_of

CUSTOMERS = {
    "customer": [f"c{n}" for n in range(60)],
    "segment": [("a", "b", "c")[n % 3] for n in range(60)],
    "summary": [("good", "bad")[n % 2] for n in range(60)],
    "visits": [n * 7 % 31 for n in range(60)],
    "spend": [n * 13.7 % 101 for n in range(60)],
    "churn": [("no", "yes")[n % 5 == 0] for n in range(60)],
}


@pytest.fixture
def customers(tmp_path):
    return table(tmp_path, CUSTOMERS)


def table(folder, columns):
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    return table_of(folder, "\n".join([",".join(columns), *rows]))


@pytest.mark.parametrize(
    ("intent", "instead"),
    [
        ("Cluster customers", "predict that column"),
        ("We want to segment our customers by spend", "predict that column"),
        ("Find groups of similar customers", "predict that column"),
        ("Group customers into segments", "predict that column"),
        ("customer segmentation", "predict that column"),
        ("Generate a summary of each customer", "category"),
        ("Please write a short churn report", "category"),
        ("Summarize the visits", "category"),
        ("Translate the summary", "category"),
        ("Detect anomalies in spend", "unusual"),
        ("find unusual visits", "unusual"),
        ("Rank customers", "sort by it"),
    ],
)
def test_what_is_not_built_is_refused_though_a_column_matches(customers, intent, instead):
    with pytest.raises(UserError, match=instead) as caught:
        make_plan(intent, customers)
    assert caught.value.reason is Reason.UNSUPPORTED_TASK


@pytest.mark.parametrize(
    "intent",
    [
        "Predict the segment of a customer",
        "Which segment does a customer belong to?",
        "segment of a customer",
        "Generate a churn probability for each customer",
        "Create a response score",
        "group size of a booking",
        "Predict the number of clusters",
        "Detect fraud",
        "Sort tracks into country, metal and rock",
        "rank of a player",
        "Will a customer write a review?",
        "Predict the power that turbines generate",
    ],
)
def test_words_of_what_is_not_built_may_name_what_is(intent):
    assert unbuilt_task(intent) is None


def test_customers_ranked_by_risk_have_a_probability_to_sort_by(customers):
    plan = make_plan("Rank customers by churn risk", customers)
    assert plan.target == "churn"
    assert "probability" in {output.source for output in plan.outputs}
    assert any("sort them by the probability of 'churn'" in text for text in plan.warnings)


def test_anomalies_that_a_column_names_are_learnt(tmp_path):
    labelled = CUSTOMERS | {"is_anomaly": [int(n % 9 == 0) for n in range(60)]}
    assert make_plan("Detect anomalies", table(tmp_path, labelled)).target == "is_anomaly"


def test_a_stated_target_wins(customers):
    stated = PlanOverrides(targets=["segment"])
    assert make_plan("Cluster customers", customers, stated=stated).target == "segment"


@pytest.mark.parametrize("name", ["spend_std", "spend_max", "min_spend", "spend_variance"])
def test_an_output_field_for_a_spread_or_an_extreme_is_refused_with_what_to_ask_for(
    customers, name
):
    schema = [FieldSchema(name="spend", type="float"), FieldSchema(name=name, type="float")]
    with pytest.raises(UserError, match=name) as caught:
        make_plan("Predict spend", customers, output_schema=schema)
    assert caught.value.reason is Reason.UNSUPPORTED_TASK
    assert "spend_lower and spend_upper" in caught.value.message


@pytest.mark.parametrize(
    ("field", "target"),
    [("price", "price"), ("max_temp", "temp_max"), ("predicted_high", "high"), ("p90", "p90")],
)
def test_a_target_may_be_called_like_a_bound(field, target):
    assert not asks_for_spread(field, target)
