"""What a person states of a plan wins over what would be found out."""

import pytest

from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from support.tables import fields, table_of

ROWS = "shop,size,staff,grade,open,sales\n" + "".join(
    f"s{i % 7},{i * 31 % 97},{i * 7 % 13},{1 + i * 11 % 5},{'no' if i % 3 else 'yes'},"
    f"{i * 7919 % 997 / 7:.2f}\n"
    for i in range(120)
)


def plan_of(folder, intent="Predict sales", schema=None, **stated):
    return make_plan(intent, table_of(folder, ROWS), None, schema, None, PlanOverrides(**stated))


def test_the_stated_target_wins_over_intent_and_output_schema(tmp_path):
    assert plan_of(tmp_path).target == "sales"
    stated = plan_of(tmp_path, schema=fields(sales="float"), targets=["open"])
    assert (stated.target, stated.confidence) == ("open", 1.0)


def test_several_stated_targets_have_their_own_outputs(tmp_path):
    plan = plan_of(tmp_path, targets=["sales", "open"])
    assert [output.name for output in plan.outputs] == ["sales", "open", "open_probability"]
    assert [target.name for target in plan.summary().targets] == ["sales", "open"]


@pytest.mark.parametrize(
    ("task", "expected"), [("classification", "multiclass"), ("regression", "regression")]
)
def test_the_stated_task_wins(tmp_path, task, expected):
    assert plan_of(tmp_path, targets=["grade"], task=task).task == expected


def test_the_stated_positive_class_wins(tmp_path):
    assert plan_of(tmp_path, targets=["open"]).positive_class == "yes"
    assert plan_of(tmp_path, targets=["open"], positive_class="No").positive_class == "no"


def test_excluded_columns_are_neither_learnt_from_nor_meant(tmp_path):
    plan = plan_of(tmp_path, exclude=["size", "shop"])
    assert "size" not in plan.features
    assert dict(plan.dropped)["size"] == "excluded by spec.plan.exclude"
    with pytest.raises(UserError) as caught:
        plan_of(tmp_path, exclude=["sales"])
    assert caught.value.reason is Reason.TARGET_NOT_FOUND


@pytest.mark.parametrize(
    ("stated", "reason", "words"),
    [
        ({"targets": ["sale"]}, Reason.UNKNOWN_FIELD, "Did you mean 'sales'"),
        ({"exclude": ["nothing"]}, Reason.UNKNOWN_FIELD, "spec.plan.exclude"),
        ({"time_index": "when"}, Reason.UNKNOWN_FIELD, "spec.plan.timeIndex"),
        ({"targets": ["shop"], "task": "regression"}, Reason.TYPE_MISMATCH, "no number"),
        ({"targets": ["open"], "positive_class": "maybe"}, Reason.UNKNOWN_FIELD, "'no', 'yes'"),
    ],
)
def test_what_cannot_be_is_said_by_its_field(tmp_path, stated, reason, words):
    with pytest.raises(UserError) as caught:
        plan_of(tmp_path, **stated)
    assert caught.value.reason is reason
    assert words in caught.value.message
