"""Names that are made of pieces of words, as data sets write them."""

import pytest

from modelyard_runtime.plan.abbreviations import composed, is_short_for

SURE = 0.6


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bwght", "birth weight"),
        ("bwght", "newborn weight"),
        ("medv", "median house value"),
        ("colgpa", "college gpa"),
        ("colgpa", "grade point average college"),
        ("lifeexp", "life expectancy"),
        ("testscr", "average test score"),
        ("tothrs", "total hours"),
    ],
)
def test_pieces_of_words_make_a_name(name, words):
    assert composed(name, words.split()) > SURE


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("married", "mortgage interest rate"),
        ("faminc", "number arrests"),
        ("urban", "number kids age"),
        ("parity", "partner"),
        ("educ", "education age"),
        ("contract", "customer contract"),
        ("x", "x ray"),
        ("price", ""),
    ],
)
def test_letters_that_meet_by_chance_do_not(name, words):
    assert composed(name, words.split()) <= SURE


def test_a_word_may_be_the_initials_of_a_name():
    assert is_short_for("mpg", ["miles", "per", "gallon"])
    assert not is_short_for("mp", ["miles", "per"])


def test_a_short_form_that_is_known_is_a_piece():
    assert composed("hwt", ["heart", "weight"], ["wt"]) > SURE
    assert composed("hwt", ["heart", "weight"]) <= SURE


def test_a_synonym_may_be_the_piece_of_a_name():
    assert composed("drugexp", ["medication", "expenditure"], ["drug"]) > SURE
    assert composed("drugexp", ["medication", "income"], ["drug"]) <= SURE
