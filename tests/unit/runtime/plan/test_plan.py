"""Everything else that a plan decides, and each way in which it cannot."""

from datetime import date, timedelta

import pytest

from modelyard_crds.fields import FieldSchema
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import make_plan
from support.tables import example_table, fields, table_of


def rows(header: str, *columns, count: int = 60) -> str:
    lines = (",".join(str(column(i)) for column in columns) for i in range(count))
    return f"{header}\n" + "\n".join(lines) + "\n"


def noise(i: int) -> float:
    return i * 7919 % 997 / 10


def constant(value):
    return lambda _: value


BAD = [
    ("constant target", rows("a,b,y", noise, noise, constant("same")), {},
     Reason.CONSTANT_TARGET, "same value"),
    ("empty target", rows("a,b,y", noise, lambda i: i % 3, constant("NA")), {},
     Reason.TOO_FEW_EXAMPLES, "no value in any row"),
    ("a class with one example", rows("a,y", noise, lambda i: "rare" if i == 7 else "a"),
     {}, Reason.TOO_FEW_EXAMPLES, "'rare'"),
    ("few rows", rows("a,y", noise, lambda i: "ab"[i % 2], count=6), {},
     Reason.TOO_FEW_ROWS, "6 rows"),
    ("text among the numbers of the target",
     rows("a,y", lambda i: i % 5, lambda i: "oops" if i == 3 else noise(i)), {},
     Reason.TYPE_MISMATCH, "row 4"),
    ("a date as target", rows("a,y", noise, lambda i: f"2020-01-{1 + i % 28:02d}"), {},
     Reason.UNSUPPORTED_TASK, "is a date"),
    ("metric of another task", rows("a,y", noise, lambda i: "ab"[i % 2]), {"metric": "rmse"},
     Reason.UNSUPPORTED_METRIC, "accuracy"),
    ("metric of classes for numbers", rows("a,y", noise, lambda i: i * 31 % 97 / 7),
     {"metric": "roc_auc"}, Reason.UNSUPPORTED_METRIC, "r2"),
    ("an input that is no column", rows("a_b,y", noise, lambda i: "ab"[i % 2]),
     {"input_schema": fields(aB="float")}, Reason.UNKNOWN_FIELD, "Did you mean 'a_b'"),
    ("only identifiers", rows("id,y", lambda i: i, lambda i: "ab"[i % 2]), {},
     Reason.NO_USABLE_FEATURES, "identifier"),
    ("only constants", rows("a,b,y", constant(1), constant("NA"), lambda i: "ab"[i % 2]), {},
     Reason.NO_USABLE_FEATURES, "the same value in every row"),
    ("too many classes", rows("a,y", noise, lambda i: f"c{i // 2}", count=600), {},
     Reason.UNSUPPORTED_TASK, "at most 200 classes"),
    ("an output of another type", rows("a,y", noise, lambda i: "ab"[i % 2]),
     {"output_schema": fields(y="string", answer="integer")}, Reason.TYPE_MISMATCH, "'answer'"),
    ("a text for a number", rows("a,y", lambda i: i % 5, lambda i: i * 31 % 97 / 7),
     {"output_schema": fields(y_label="string")}, Reason.TYPE_MISMATCH, "y_label"),
    ("600 usable columns",
     rows(",".join([f"c{i}" for i in range(600)] + ["y"]),
          *[lambda i, k=k: (i * (k + 3)) % 53 + k for k in range(600)], lambda i: "ab"[i % 2]),
     {}, Reason.TOO_MANY_COLUMNS, "input schema"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "options", "reason", "words"),
    [case[1:] for case in BAD],
    ids=[case[0] for case in BAD],
)
def test_what_cannot_be_planned_has_its_reason_and_says_why(tmp_path, text, options, reason, words):
    with pytest.raises(UserError) as caught:
        make_plan("Predict y", table_of(tmp_path, text), **options)
    assert caught.value.reason is reason
    assert words in caught.value.message


def test_columns_are_left_out_with_a_reason(tmp_path):
    table = table_of(
        tmp_path,
        rows(
            "row_id,key,a,copy,one,empty,rare,notes,y",
            lambda i: i,
            lambda i: f"k{i:04d}",
            noise,
            noise,
            constant(1),
            constant(""),
            lambda i: "" if i else 5,
            lambda i: f"text{i:04d}",
            lambda i: "ab"[i % 2],
        ),
    )
    plan = make_plan("Predict y", table)
    assert plan.features == ["a"]
    reasons = dict(plan.dropped)
    assert "identifier" in reasons["row_id"]
    assert "identifier" in reasons["key"]
    assert reasons["copy"] == "the same as a"
    assert reasons["one"] == "the same value in every row"
    assert reasons["empty"] == "no row has a value"
    assert "have no value" in reasons["rare"]
    assert reasons["notes"] == "text that hardly repeats"


def test_free_text_is_kept_and_said(tmp_path):
    text = rows("a,notes,y", noise, lambda i: f"some words of text {i}", lambda i: "ab"[i % 2])
    plan = make_plan("Predict y", table_of(tmp_path, text))
    assert plan.features == ["a", "notes"]
    assert plan.free_text == ["notes"]
    assert [warning for warning in plan.warnings if "'notes' is free text" in warning]


def test_a_forecast_leaves_free_text_out_and_says_why(tmp_path):
    start = date(2020, 1, 1)
    text = rows(
        "day,notes,sales",
        lambda i: start + timedelta(i),
        lambda i: f"some words of text {i}",
        lambda i: 100 + i % 7,
        count=120,
    )
    table = table_of(tmp_path, text)
    inputs = [table_field(name, table) for name in ("day", "notes")]
    plan = make_plan("Forecast sales for the next 7 days", table, inputs)
    assert plan.series is not None
    assert plan.features == ["day"]
    assert dict(plan.dropped)["notes"] == "free text, which forecasts do not learn from"
    assert plan.free_text == []


def table_field(name, table):
    return FieldSchema(name=name, type=table.by_name[name].type)


def test_a_copy_of_the_target_and_a_leak_are_said(tmp_path):
    text = rows(
        "a,b,same,leak,y",
        lambda i: i % 5,
        lambda i: i % 7,
        lambda i: noise(i) * 3,
        lambda i: noise(i) * 6 + 1,
        lambda i: noise(i) * 3,
    )
    plan = make_plan("Predict y", table_of(tmp_path, text))
    assert dict(plan.dropped)["same"] == "the same as the target"
    assert any("'leak' gives 'y' away" in warning for warning in plan.warnings)


def test_rows_without_a_target_and_imbalance_are_said(tmp_path):
    text = rows("a,y", noise, lambda i: "" if i == 0 else "rare" if i < 4 else "common", count=200)
    plan = make_plan("Predict y", table_of(tmp_path, text))
    assert any("1 rows without a value" in warning for warning in plan.warnings)
    assert any("rare" in warning for warning in plan.warnings)


@pytest.mark.parametrize(
    ("intent", "name", "positive"),
    [
        ("Is it benign?", "breast_cancer", "benign"),
        ("malignant or benign", "breast_cancer", "malignant"),
    ],
)
def test_the_class_that_is_asked_for_is_the_positive_one(tmp_path, intent, name, positive):
    assert make_plan(intent, example_table(tmp_path, name)).positive_class == positive


def test_inferred_outputs_are_the_target_and_its_probability(tmp_path):
    plan = make_plan("malignant or benign", example_table(tmp_path, "breast_cancer"))
    assert [(o.name, o.source, o.label) for o in plan.outputs] == [
        ("diagnosis", "class", None),
        ("diagnosis_probability", "probability", "malignant"),
    ]
    many = make_plan("Which cultivar?", example_table(tmp_path, "wine"))
    assert [(o.name, o.source) for o in many.outputs] == [
        ("cultivar", "class"),
        ("cultivar_probabilities", "probabilities"),
    ]
    value = make_plan("disease progression", example_table(tmp_path, "diabetes"))
    assert [(o.name, o.source) for o in value.outputs] == [("disease_progression", "value")]


def test_stated_outputs_are_class_probability_and_the_opposite_risk(tmp_path):
    text = rows("income,approved", noise, lambda i: i % 3 // 2)
    schema = fields(will_approve="boolean", approval_probability="float", risk_score="float")
    plan = make_plan("Predict approval", table_of(tmp_path, text), None, schema)
    assert plan.classes == ["false", "true"]
    assert [(o.source, o.label) for o in plan.outputs] == [
        ("class", None),
        ("probability", "true"),
        ("probability", "false"),
    ]
    assert "false" in (plan.output_schema[2].description or "")


@pytest.mark.parametrize(
    ("words", "schema", "classes", "type_"),
    [
        (("yes", "no"), None, ["no", "yes"], "string"),
        (("Y", "N"), None, ["N", "Y"], "string"),
        (("yes", "no"), fields(y="boolean"), ["false", "true"], "boolean"),
        (("yes", "no"), fields(y="string", score="float"), ["no", "yes"], "string"),
        (("yes", "no"), fields(y_probability="float"), ["no", "yes"], "string"),
        (("True", "False"), None, ["false", "true"], "boolean"),
        (("1", "0"), None, ["0", "1"], "integer"),
    ],
)
def test_labels_come_back_as_the_data_spells_them(tmp_path, words, schema, classes, type_):
    text = rows("a,y", noise, lambda i: words[i % 3 // 2])
    plan = make_plan("Predict y", table_of(tmp_path, text), None, schema)
    assert (plan.classes, plan.goals[0].target_type) == (classes, type_)
    assert plan.positive_class == classes[1]


def test_of_mixed_spellings_the_most_frequent_one_is_the_label(tmp_path):
    text = rows("a,y", noise, lambda i: ["no", "Yes", "YES", "No", "Yes", "no"][i % 6])
    assert make_plan("Predict y", table_of(tmp_path, text)).classes == ["Yes", "no"]


def test_of_several_classes_a_probability_is_the_named_or_the_predicted_ones(tmp_path):
    schema = fields(species="string", confidence_score="float", virginica_probability="float")
    plan = make_plan("Which species?", example_table(tmp_path, "iris"), None, schema)
    assert [(o.source, o.label) for o in plan.outputs] == [
        ("class", None),
        ("confidence", None),
        ("probability", "virginica"),
    ]
    assert [field.description for field in plan.output_schema[1:]] == [
        "Probability that the predicted species is right.",
        "Probability that species is virginica.",
    ]


def test_a_stated_input_that_tells_nothing_stays_an_optional_field(tmp_path):
    text = rows("a,one,y", noise, constant(1), lambda i: "ab"[i % 2])
    plan = make_plan("Predict y", table_of(tmp_path, text), fields(a="float", one="integer"))
    assert plan.features == ["a"]
    assert [(f.name, f.required) for f in plan.input_schema] == [("a", True), ("one", False)]


def test_required_is_what_the_data_shows_unless_stated(tmp_path):
    text = rows("a,b,y", noise, lambda i: i % 5 or "", lambda i: "ab"[i % 2])
    plan = make_plan("Predict y", table_of(tmp_path, text))
    assert [(f.name, f.required) for f in plan.input_schema] == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    ("values", "metric", "intent", "task"),
    [
        (lambda i: i % 2, None, "Predict y", "binary"),
        (lambda i: i % 4, None, "Predict y", "multiclass"),
        (lambda i: i % 12, None, "Predict y", "regression"),
        (lambda i: i % 12, None, "Which y is it?", "multiclass"),
        (lambda i: i % 12, "accuracy", "Predict y", "multiclass"),
        (lambda i: i % 4, "r2", "Predict y", "regression"),
        (lambda i: i % 4, None, "How many y are there?", "regression"),
        (lambda i: i % 2 + 0.5, None, "Predict y", "binary"),
        (lambda i: noise(i) / 3, None, "Predict y", "regression"),
    ],
)
def test_whole_numbers_are_classes_where_something_speaks_for_it(
    tmp_path, values, metric, intent, task
):
    text = rows("a,y", lambda i: i * 31 % 17, values)
    assert make_plan(intent, table_of(tmp_path, text), metric=metric).task == task


def test_the_plan_says_in_which_order_dates_were_read(tmp_path):
    rows = "".join(f"{1 + i % 12}/{1 + i % 11}/2020,{i % 7},{i % 2}\n" for i in range(60))
    plan = make_plan("Predict y", table_of(tmp_path, f"when,a,y\n{rows}"))
    assert any("read as month first" in warning for warning in plan.warnings)


@pytest.mark.parametrize("spelled", ["1 0", "yes no", "Y N", "2 1"])
def test_the_target_by_other_names_is_no_feature(tmp_path, spelled):
    one, other = spelled.split()
    rows = "".join(f"{i * 7 % 50},{(one, other)[i % 2]},{'ab'[i % 2]}\n" for i in range(60))
    plan = make_plan("Predict churned", table_of(tmp_path, f"age,code,churned\n{rows}"))
    assert dict(plan.dropped) == {"code": "the same as the target"}
    assert any("'code' is left out: the same as the target" in text for text in plan.warnings)
