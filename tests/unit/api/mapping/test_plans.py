"""Plans between REST and the custom resources."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelyard_api.mapping import models, rest, versions
from modelyard_crds.plan import MAX_QUANTILES, BuildPlan, PlanOverrides
from unit.api import samples

columns = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique=True)
plans = st.fixed_dictionaries(
    {},
    optional={
        "targets": columns,
        "task": st.sampled_from(["classification", "regression", "forecasting"]),
        "positive_class": st.text(max_size=20),
        "time_index": st.text(min_size=1, max_size=20),
        "group_by": st.text(min_size=1, max_size=20),
        "horizon": st.integers(1, 1000),
        "quantiles": st.lists(
            st.floats(0.001, 0.999), min_size=1, max_size=MAX_QUANTILES, unique=True
        ),
        "exclude": columns,
        "split": st.one_of(
            st.just({"by": "random"}),
            st.fixed_dictionaries(
                {"by": st.sampled_from(["group", "time"])},
                optional={"column": st.text(min_size=1, max_size=20)},
            ),
        ),
    },
)


@given(plans)
def test_a_plan_asked_for_is_the_plan_of_the_spec(plan: dict[str, object]) -> None:
    asked = rest.PlanRequest.model_validate(plan)
    spec = models.plan_spec(asked, keep_unset=False)
    assert PlanOverrides.model_validate(spec).model_dump(exclude_none=True) == plan
    patch = models.plan_spec(asked, keep_unset=True)
    assert {field for field, value in patch.items() if value is None}.isdisjoint(spec)
    assert len(patch) == len(PlanOverrides.model_fields)


def test_a_request_takes_every_field_of_a_plan_and_an_answer_shows_them() -> None:
    assert set(rest.PlanRequest.model_fields) == set(PlanOverrides.model_fields)
    assert set(rest.PlanJson.model_fields) == set(BuildPlan.model_fields)


def test_a_plan_is_described_only_where_it_is_asked_for() -> None:
    plan = {
        "targets": [{"name": "churned", "task": "binary", "metric": "roc_auc"}],
        "confidence": 0.9,
        "features": ["usage"],
        "dropped": [{"name": "id", "reason": "an id"}],
    }
    view = samples.view(samples.model(), [samples.version(plan=plan)])
    assert "plan" not in versions.description(view, 1).model_dump()
    shown = versions.description(view, 1, with_plan=True).model_dump()["plan"]
    assert shown["targets"] == [plan["targets"][0] | {"positive_class": None, "quantiles": None}]  # type: ignore[index]
    assert (shown["dropped"], shown["horizon"]) == (plan["dropped"], None)
