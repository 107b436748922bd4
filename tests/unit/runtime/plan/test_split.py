"""Which rows are to judge: found where the table shows it, and as a person states."""

import pytest

from modelyard_crds.fields import FieldSchema
from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from support.tables import table_of


def rows_of(entities: int, each: int, name: str = "patient_id", shuffled: bool = True) -> str:
    """A table of some entities with some rows each, and a date a row that counts up."""
    order = [(i * 77) % (entities * each) if shuffled else i for i in range(entities * each)]
    lines = [f"{name},seen,dose,pulse,ill"]
    for place, row in enumerate(order):
        entity = row // each
        date = f"20{10 + place // 336}-{1 + place // 28 % 12:02}-{1 + place % 28:02}"
        lines.append(
            f"P{entity:04},{date},{row * 31 % 97},{row * 17 % 89},{'yes' if entity % 3 else 'no'}"
        )
    return "\n".join(lines) + "\n"


PATIENTS = rows_of(40, 6)


def plan_of(folder, content=PATIENTS, intent="Predict whether they are ill", **stated):
    inputs = stated.pop("inputs", None)
    fields = None if inputs is None else [FieldSchema(name=n, type=t) for n, t in inputs.items()]
    return make_plan(intent, table_of(folder, content), fields, stated=PlanOverrides(**stated))


def split_of(plan):
    return (plan.split.by, plan.split.column)


def test_rows_of_a_repeated_entity_are_kept_together_and_it_is_said(tmp_path):
    plan = plan_of(tmp_path)
    assert split_of(plan) == ("group", "patient_id")
    assert plan.split.reason == "40 of them repeat on 240 rows"
    assert "patient_id" not in plan.features
    assert "patient_id" in dict(plan.dropped)
    assert any("rows of a 'patient_id' that it has not seen" in text for text in plan.warnings)
    shown = plan.summary().split
    assert shown is not None
    assert (shown.by, shown.column) == ("group", "patient_id")


@pytest.mark.parametrize(
    "content",
    [
        rows_of(240, 1),
        rows_of(12, 20),
        rows_of(40, 6, "city"),
        rows_of(40, 6, "shop_id"),
    ],
    ids=["one row each", "few of them", "no id", "a choice of few shops"],
)
def test_other_columns_leave_rows_independent(tmp_path, content):
    plan = plan_of(tmp_path, content)
    assert split_of(plan) == ("random", None)
    assert not any("judged" in text for text in plan.warnings)


def test_many_of_any_id_are_entities(tmp_path):
    assert split_of(plan_of(tmp_path, rows_of(260, 2, "shop_id"))) == ("group", "shop_id")


def test_what_requests_have_is_learnt_from_and_said(tmp_path):
    plan = plan_of(tmp_path, inputs={"patient_id": "string", "dose": "integer"})
    assert split_of(plan) == ("random", None)
    assert any("'patient_id', which the input schema has" in text for text in plan.warnings)


def test_two_entities_that_cross_are_not_chosen_between(tmp_path):
    lines = PATIENTS.splitlines()
    crossed = [f"{lines[0]},device_id"] + [f"{line},D{i % 50}" for i, line in enumerate(lines[1:])]
    plan = plan_of(tmp_path, "\n".join(crossed) + "\n")
    assert split_of(plan) == ("random", None)
    assert any("as much as" in text for text in plan.warnings)


def test_a_class_of_few_entities_is_not_split(tmp_path):
    lines = PATIENTS.replace(",no", ",yes").splitlines()
    rare = [f"{line[:-3]}no" if line.startswith(("P0001", "P0002")) else line for line in lines]
    plan = plan_of(tmp_path, "\n".join(rare) + "\n")
    assert split_of(plan) == ("random", None)
    assert any("a class is of too few of them" in text for text in plan.warnings)


@pytest.mark.parametrize(
    ("intent", "content", "expected"),
    [
        ("Will they be ill?", rows_of(240, 1), ("time", "seen")),
        ("Predict who will be ill next month", rows_of(240, 1), ("time", "seen")),
        ("Predict whether they are ill", rows_of(240, 1), ("random", None)),
        ("Will they be ill?", PATIENTS, ("group", "patient_id")),
    ],
)
def test_rows_in_the_order_of_time_are_judged_by_the_newest_for_what_is_to_come(
    tmp_path, intent, content, expected
):
    plan = plan_of(tmp_path, content, intent)
    assert split_of(plan) == expected
    assert any("spec.plan.split" in text for text in plan.warnings) == (expected[0] != "random")


def test_dates_out_of_order_are_no_time_of_rows(tmp_path):
    head, *lines = rows_of(240, 1).splitlines()
    mixed = [lines[i * 77 % 240] for i in range(240)]
    plan = plan_of(tmp_path, "\n".join([head, *mixed]) + "\n", "Will they be ill?")
    assert split_of(plan) == ("random", None)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"by": "random"}, ("random", None)),
        ({"by": "group"}, ("group", "patient_id")),
        ({"by": "group", "column": "dose"}, ("group", "dose")),
        ({"by": "time"}, ("time", "seen")),
        ({"by": "time", "column": "pulse"}, ("time", "pulse")),
    ],
)
def test_what_is_stated_wins_and_needs_no_warning(tmp_path, asked, expected):
    plan = plan_of(tmp_path, split=asked)
    assert split_of(plan) == expected
    assert plan.split.reason == "spec.plan.split"
    assert not any("spec.plan.split" in text for text in plan.warnings)


def test_a_stated_split_says_that_it_is_no_forecast(tmp_path):
    plan = plan_of(
        tmp_path, rows_of(240, 1), "Forecast dose", targets=["dose"], split={"by": "time"}
    )
    assert plan.series is None
    assert split_of(plan) == ("time", "seen")


ONE = "\n".join(f"{line},{(i and 'one') or 'site'},{'' if i else 'void'}"
                for i, line in enumerate(PATIENTS.splitlines()))  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "reason", "words"),
    [
        ({"by": "group", "column": "patient"}, Reason.UNKNOWN_FIELD, "spec.plan.split.column"),
        ({"by": "group", "column": "site"}, Reason.UNSUPPORTED_TASK, "is the same in all rows"),
        ({"by": "time", "column": "void"}, Reason.UNSUPPORTED_TASK, "no row has a value of"),
        ({"by": "time", "column": "site"}, Reason.UNSUPPORTED_TASK, "is the same in all rows"),
        ({"by": "time", "column": "patient_id"}, Reason.UNSUPPORTED_TASK, "no date or number"),
        ({"by": "group", "column": "ill"}, Reason.UNSUPPORTED_TASK, "which is predicted"),
    ],
)
def test_a_split_that_cannot_be_is_refused_with_what_to_do(tmp_path, asked, reason, words):
    with pytest.raises(UserError) as caught:
        plan_of(tmp_path, ONE, targets=["ill"], split=asked)
    assert caught.value.reason is reason
    assert words in caught.value.message


def test_without_a_column_of_dates_a_split_by_time_names_none(tmp_path):
    content = rows_of(40, 6).replace("seen", "note").replace("-", "x")
    with pytest.raises(UserError, match="columns of dates are none"):
        plan_of(tmp_path, content, targets=["ill"], split={"by": "time"})


def test_a_forecast_takes_no_split(tmp_path):
    with pytest.raises(UserError, match="a forecast is judged by its last windows"):
        plan_of(
            tmp_path, rows_of(240, 1), targets=["dose"], task="forecasting", split={"by": "time"}
        )
