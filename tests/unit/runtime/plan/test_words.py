"""Rules for words, names and turns of phrase that are about English and not about a table."""

import pytest

from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.goal import with_goals
from modelyard_runtime.plan.grammar import verb_of
from modelyard_runtime.plan.intent import read_intent
from modelyard_runtime.plan.morphology import made_of
from modelyard_runtime.plan.plan import make_plan
from unit.runtime.plan.samples import evidence, many, meant, table


@pytest.mark.parametrize(
    ("noun", "verb"),
    [
        ("emissions", "emit"),
        ("reception", "receive"),
        ("expense", "expend"),
        ("reliability", "reliable"),
        ("growth", "grow"),
        ("success", "succeed"),
    ],
)
def test_a_noun_is_made_of_its_verb(noun, verb):
    assert made_of(noun) == verb
    assert lexicon.likeness(noun, verb) >= 0.9


@pytest.mark.parametrize("word", ["mission", "ability", "emit", "pass", "diagnosis"])
def test_a_word_that_only_looks_so_is_made_of_none(word):
    assert made_of(word) == word


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("saleprice", ("sale", "price")),
        ("totqty", ("tot", "qty")),
        ("morekids", ("more", "kids")),
        ("percentage", ("percentage",)),
        ("mileage", ("mileage",)),
        ("insurance", ("insurance",)),
    ],
)
def test_a_name_of_two_known_words_written_as_one_is_cut(word, pieces):
    assert lexicon.pieces(word) == pieces


def test_a_name_that_the_intent_says_is_not_cut(tmp_path):
    read = table(tmp_path, "colgpa,sat", many, lambda i: i % 37)
    assert evidence("colgpa from SAT", read)["colgpa"]["coverage"] == 1


def test_a_number_in_a_name_is_said_in_words_or_as_a_year(tmp_path):
    header = "math4,math10,re74,re78"
    read = table(tmp_path, header, many, many, many, many)
    assert evidence("maths of tenth graders", read)["math10"]["coverage"] > 0.9
    assert evidence("maths of tenth graders", read)["math4"]["coverage"] < 0.6
    assert meant("real earnings in 1978", read) == "re78"


def test_numbers_written_as_floats_are_classes_where_a_kind_is_asked(tmp_path):
    read = table(tmp_path, "a,grade", many, lambda i: f"{i % 8}.0" if i % 9 else "")
    assert make_plan("Which grade will it have?", read).task == "multiclass"
    assert make_plan("How high is the grade?", read).task == "regression"
    halves = table(tmp_path, "a,grade", many, lambda i: i % 8 / 2)
    assert make_plan("Which grade will it have?", halves).task == "regression"


def test_alternatives_may_be_said_without_their_numbers(tmp_path):
    read = table(tmp_path, "a,choice", many, lambda i: ("rex28", "rex32", "lux32")[i % 3])
    assert make_plan("Which is bought, rex or lux?", read).target == "choice"


def test_how_it_was_done_asks_for_the_way(tmp_path):
    read = table(
        tmp_path, "discovery_method,n_planets", lambda i: ("transit", "imaging")[i % 2], many
    )
    assert make_plan("How was a planet found?", read).target == "discovery_method"
    assert make_plan("How many planets are there?", read).target == "n_planets"


def test_a_verb_that_says_nothing_is_not_asked_for():
    assert verb_of("What score does a student get in the course?") is None
    assert verb_of("What does a student earn in the course?") == "earn"


def test_what_is_included_is_not_asked_for():
    asked = read_intent("Estimate the total, including shipping", [])
    assert "shipping" in asked.given
    assert "shipping" not in asked.aim


def test_how_long_asks_for_a_duration_outright(tmp_path):
    read = table(tmp_path, "durat,wage", many, many)
    assert meant("How long is a worker away?", read) == "durat"


def species(i):
    return "ab"[i % 2] if i > 1 else f"odd{i}"


def test_classes_of_one_row_are_left_out_and_said(tmp_path):
    plan = make_plan("Which species?", table(tmp_path, "size,species", many, species))
    assert plan.classes == ["a", "b"]
    assert plan.task == "binary"
    assert any("'odd0', 'odd1'" in text and "left out" in text for text in plan.warnings)
    assert not any("without a value" in text for text in plan.warnings)


def test_rows_without_a_learnt_class_are_no_targets(tmp_path):
    read = table(tmp_path, "size,species", many, species)
    plan = make_plan("Which species?", read)
    narrowed = with_goals(read, plan.goals)
    assert narrowed.by_name["species"].known == read.rows - 2
    assert with_goals(narrowed, plan.goals) is narrowed
