"""Which part of a text asks, among who asks, what for and what is known."""

import pytest

from modelyard_runtime.plan.clauses import asked_part

ASKED = {
    "The retention team needs a list of subscribers at risk of leaving so we can call them.": (
        "a list of subscribers at risk of leaving"
    ),
    "Managers want to overbook safely, so we need to know which bookings fall through.": (
        "know which bookings fall through."
    ),
    "The winery saves on tasters: what rating would the experts give?": (
        "what rating would the experts give?"
    ),
    "We run an agency and need a fair value for every house before we sell it.": (
        "a fair value for every house"
    ),
    "We lose money on empty slots; we want to remind those who won't come.": (
        "remind those who won't come."
    ),
    "Using age and income, predict churn": "predict churn",
    "Stops are dear, so tell us whether the machine will fail.": ("whether the machine will fail."),
}


@pytest.mark.parametrize(("text", "asked"), ASKED.items())
def test_the_clause_that_asks_is_found(text, asked):
    assert asked_part(text).text.strip() == asked


def test_the_rest_is_kept_beside():
    assert asked_part("The school wants a mark for each pupil").beside.split() == [
        *("The", "school", "wants"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "price by carat, cut and color",
        "Predict turnout: does the citizen vote?",
        "Does she have a job? yes or no, depending on her children",
        "attrition y/n per employee",
    ],
)
def test_a_text_that_only_asks_is_left_whole(text):
    assert " ".join(asked_part(text).text.split()).startswith(text.split(":")[0])


def test_a_clause_that_only_refers_to_another_keeps_it():
    assert "titles" in asked_part("Readers hate such titles and we want to hide them.").text


def test_what_follows_a_question_belongs_to_it():
    assert "yes or no" in asked_part("Does she have a job? yes or no").text
