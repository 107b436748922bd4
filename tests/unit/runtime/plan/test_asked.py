"""What sentences of users ask for, and which columns can answer: rules that are about no table."""

import pytest

from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.evidence import is_conventional
from modelyard_runtime.plan.grammar import asks_who, noun_of, verb_of
from modelyard_runtime.plan.intent import read_intent
from modelyard_runtime.plan.names import ends_series, last
from modelyard_runtime.plan.plan import make_plan
from modelyard_runtime.plan.unbuilt import unbuilt_task
from unit.runtime.plan import samples
from unit.runtime.plan.samples import evidence, meant
from unit.runtime.plan.samples import many as measured

ROWS = 120


def table(folder, **columns):
    return samples.table(folder, ",".join(columns), *columns.values(), count=ROWS)


def flag(i):
    return i % 2


def one_of(*values):
    return lambda i: values[i % len(values)]


@pytest.mark.parametrize(
    ("text", "many"),
    [
        ("Which of our employees are likely to quit?", ["employees"]),
        ("Which bookings will fall through?", ["bookings"]),
        ("Which product will the customer buy?", []),
        ("Which species is it?", []),
    ],
)
def test_some_of_many_are_a_question_of_yes_or_no(text, many):
    assert asks_who(text) == many
    assert many == [] or read_intent(text, []).whether


def test_such_ones_among_many_are_asked_for_by_their_adjective():
    assert noun_of("Predict late deliveries") == ["late"]
    assert noun_of("Predict daily sales") != ["daily"]


def test_how_a_thing_will_be_asks_for_the_adjective():
    assert verb_of("How productive will the team be today?") == "productive"


def test_a_quantity_is_no_question_of_yes_or_no():
    assert not read_intent("the sum a shopper will pay", []).whether
    assert read_intent("the customers who will pay", []).whether


def test_the_head_of_a_name_stands_before_what_it_is_with():
    assert last(["family", "history", "with", "overweight"]) == "history"
    assert last(["cost", "of", "the", "product"]) == "cost"
    assert last(["went", "on", "backorder"]) == "backorder"


def test_the_last_of_a_numbered_series_is_the_final_one():
    names = ["G1", "G2", "G3", "age"]
    intent = read_intent("Predict the final grade", [])
    assert [name for name in names if ends_series(intent, name, names)] == ["G3"]
    assert not ends_series(read_intent("Predict the grade", []), "G3", names)


def test_y_is_no_convention_beside_x():
    assert is_conventional("y", ["age", "y"])
    assert not is_conventional("Y", ["X", "Y", "area"])


def test_a_column_of_one_value_answers_nothing(tmp_path):
    staff = table(tmp_path, employee_count=one_of(1), attrition=flag)
    assert "employee_count" not in evidence("Which employee will leave?", staff)


def test_what_is_another_column_and_more_is_its_variant(tmp_path):
    tweets = table(tmp_path, mood=one_of("a", "b", "c"), mood_gold=one_of("a", "b", "c"))
    assert meant("Classify the mood", tweets) == "mood"
    assert meant("Classify the mood gold", tweets) == "mood_gold"


def test_a_wide_table_is_read_word_by_word_once_a_column(tmp_path, monkeypatch):
    """Each column beside each other took minutes for some thousand of them."""
    calls, words = [], lexicon.words

    def counted(text):
        calls.append(text)
        return words(text)

    monkeypatch.setattr(lexicon, "words", counted)
    counts = []
    for width in (100, 200):
        columns = {f"sensor_{number}": measured for number in range(width)}
        wide = table(tmp_path, **columns, failed=flag)
        calls.clear()
        evidence("Will it have failed?", wide)
        counts.append(len(calls))
    assert counts[1] < 2.5 * counts[0]


@pytest.mark.parametrize(
    "text", ["theft, assault or drugs", "which sort of offence do the police write down"]
)
def test_categories_say_what_a_column_is_about(tmp_path, text):
    crimes = table(tmp_path, label=one_of("LARCENY/THEFT", "DRUG/NARCOTIC", "ASSAULT"), n=measured)
    assert make_plan(text, crimes).target == "label"


def test_a_value_may_be_said_in_another_word(tmp_path):
    messages = table(tmp_path, v1=one_of("ham", "spam"), length=measured)
    assert make_plan("block junk", messages).target == "v1"


def test_a_chance_answers_how_likely(tmp_path):
    places = table(tmp_path, chance_of_admit=measured, research=measured)
    found = evidence("How likely is it that she does research and is admitted?", places)
    assert "whether_measured" not in found["chance_of_admit"]
    assert found["research"]["whether_measured"] == 1


def test_groups_that_have_names_are_no_clustering():
    assert unbuilt_task("segment A-D for new leads") is None
    assert unbuilt_task("segment our customers") is not None


def test_to_classify_is_no_quantity_whatever_is_classified(tmp_path):
    phones = table(tmp_path, ram=measured, price_range=one_of(0, 1, 2, 3))
    assert make_plan("Classify phones into price brackets", phones).task == "multiclass"
    assert make_plan("Estimate the price range", phones).task == "regression"


def test_numbers_of_a_type_are_classes(tmp_path):
    forests = table(tmp_path, elevation=measured, cover_type=one_of(1, 2, 3, 4, 5, 6, 7))
    assert make_plan("cover type", forests).task == "multiclass"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("avocado in $", "price"),
        ("What should I ask for my flat?", "price"),
        ("How bad is the crash?", "severity"),
        ("Who will turn up for the appointment?", "show"),
        ("Which parcels won't arrive on schedule?", "punctual"),
        ("Which customers won't come back?", "churn"),
        ("Will the patient come back?", "return"),
        ("Who hands in their notice?", "resign"),
        ("Who is about to move to a rival?", "churn"),
        ("Which borrowers fall behind?", "default"),
        ("How far has the disease progressed?", "stage"),
        ("How busy will the road be?", "volume"),
    ],
)
def test_a_turn_of_phrase_stands_for_its_word(text, word):
    assert word in read_intent(text, []).weights


@pytest.mark.parametrize(
    ("text", "whether"),
    [
        ("Is the passenger happy, unhappy or neutral?", False),
        ("Is the passenger happy or not?", True),
        ("know what the panel will deliver", False),
        ("What is the risk that it will fail?", True),
    ],
)
def test_yes_or_no_answers_no_open_question_nor_one_of_three(text, whether):
    assert read_intent(text, []).whether is whether


def test_how_and_when_are_not_asked_for():
    assert "time" not in read_intent("block payments in real time", []).weights
    assert "hour" not in read_intent("demand hour by hour", []).weights
