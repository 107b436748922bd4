"""What does not fit or is uneven is said by its own name, with what to do."""

from datetime import date, timedelta

import pytest

from modelyard_crds.fields import FieldSchema
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from support.tables import fields, table_of

BEGIN = date(2025, 1, 1)


def prices(words: int = 0, zeros: int = 0) -> str:
    lines = [
        f"{i * 7 % 13},{i * 31 % 97},"
        + ("call us" if i < words else "0" if i < words + zeros else f"{i * 17 % 101}.5")
        for i in range(100)
    ]
    return "\n".join(["a,b,price", *lines])


def days(ahead: list[int]) -> str:
    lines = [f"{BEGIN + timedelta(day)},{100 + day % 7 * 10}" for day in ahead]
    return "\n".join(["day,sales", *lines])


def test_an_input_schema_of_the_target_alone_leaves_nothing_to_predict_from(tmp_path):
    with pytest.raises(UserError, match="has the target only") as caught:
        make_plan("Predict price", table_of(tmp_path, prices()), fields(price="float"))
    assert caught.value.reason is Reason.NO_USABLE_FEATURES


@pytest.mark.parametrize("words", [12, 30, 60])
def test_numbers_among_which_are_many_words_are_no_classes(tmp_path, words):
    with pytest.raises(UserError) as caught:
        make_plan("Predict price", table_of(tmp_path, prices(words)))
    assert caught.value.reason is Reason.TYPE_MISMATCH
    assert f"numbers in {100 - words} rows and words in {words}" in caught.value.message
    assert "empty the cells with words" in caught.value.message


def test_codes_of_numbers_and_words_that_repeat_are_classes(tmp_path):
    lines = [
        f"{i * 7 % 13},{i * 31 % 97},{('v', 'w', 'x', 'y', 'z', *range(21))[i % 26]}"
        for i in range(130)
    ]
    plan = make_plan("Predict code", table_of(tmp_path, "\n".join(["a,b,code", *lines])))
    assert (plan.task, len(plan.classes)) == ("multiclass", 26)


@pytest.mark.parametrize(("zeros", "said"), [(0, 0), (20, 1)])
def test_an_error_relative_to_zero_is_said_to_leave_rows_out(tmp_path, zeros, said):
    plan = make_plan("Predict price", table_of(tmp_path, prices(0, zeros)), metric="mape")
    about = [text for text in plan.warnings if "mape" in text]
    assert len(about) == said
    assert all(f"the {100 - zeros} other rows" in text for text in about)


@pytest.mark.parametrize("name", ["rent", "prize_money"])
def test_a_field_of_no_column_beside_the_targets_own_is_refused(tmp_path, name):
    schema = [FieldSchema(name=field, type="float") for field in ("price", name)]
    with pytest.raises(UserError) as caught:
        make_plan("Predict price", table_of(tmp_path, prices()), None, schema)
    assert caught.value.reason is Reason.UNKNOWN_FIELD
    assert f"'{name}', which names no column" in caught.value.message
    assert "a, b, price" in caught.value.message


@pytest.mark.parametrize("name", ["amount", "predicted_price", "prediction"])
def test_a_field_of_another_name_alone_stands_for_the_target(tmp_path, name):
    plan = make_plan(
        "Predict price", table_of(tmp_path, prices()), None, [FieldSchema(name=name, type="float")]
    )
    assert [(item.name, item.source) for item in plan.outputs] == [(name, "value")]


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (list(range(120)), []),
        ([day for day in range(140) if day % 7 < 5], ["38 of 138 steps of a day have no row"]),
        (
            [
                month * 30 + extra
                for month in range(40)
                for extra in ((0, 3) if month == 5 else (0,))
            ],
            ["share their month with another row"],
        ),
    ],
)
def test_uneven_dates_of_a_forecast_are_said(tmp_path, ahead, said):
    plan = make_plan("Forecast sales", table_of(tmp_path, days(ahead)))
    assert plan.series is not None
    assert len(plan.warnings) >= len(said)
    for text in said:
        assert any(text in warning for warning in plan.warnings)
    assert said or not any("no row" in text or "share" in text for text in plan.warnings)
