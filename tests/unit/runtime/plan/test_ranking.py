"""How likely each column is meant, and when that is too little."""

import pytest

from modelyard_runtime.plan.evidence import SPEAKING, gather
from modelyard_runtime.plan.intent import read_intent
from modelyard_runtime.plan.ranking import rank
from modelyard_runtime.plan.weights import WEIGHTS
from support.tables import table_of

SALES = "store_id,region,price,units_sold,stock,sales_manager\n" + "".join(
    f"{i % 9},{'nsew'[i % 4]},{i * 7919 % 997},{i * 31 % 97},{i % 13},{'abc'[i % 3]}m\n"
    for i in range(90)
)


@pytest.fixture
def sales(tmp_path):
    return table_of(tmp_path, SALES)


def ranking(text, table, inputs=()):
    return rank(read_intent(text, []), table, set(inputs))


def test_the_chances_of_all_columns_and_of_none_are_one(sales):
    found = ranking("How many units are sold in a region?", sales)
    assert sum(item.chance for item in found.columns) + found.none == pytest.approx(1)
    assert found.best is not None
    assert found.best.column.name == "units_sold"


def test_a_column_for_which_nothing_speaks_is_not_considered(sales):
    evidence = gather(read_intent("Predict the price", []), sales)
    assert "region" not in evidence
    assert all(set(kinds) & SPEAKING for kinds in evidence.values())


def test_every_kind_of_evidence_has_a_weight(sales):
    texts = ["Predict the price", "Which sales manager?", "Will it be n, s, e or w (region)?"]
    kinds = {
        kind
        for text in texts
        for evidence in gather(read_intent(text, []), sales).values()
        for kind in evidence
    }
    assert kinds <= set(WEIGHTS)


def test_an_identifier_is_meant_only_where_it_is_named(sales):
    assert "store_id" not in gather(read_intent("How much does a store sell?", []), sales)
    assert "store_id" in gather(read_intent("Predict store_id", []), sales)


def test_what_the_input_schema_has_is_hardly_meant(sales):
    free = ranking("Predict the price", sales)
    given = ranking("Predict the price", sales, ["price"])
    assert free.best is not None
    assert given.columns[0].chance < free.columns[0].chance


def test_a_column_is_not_chosen_for_where_it_stands(tmp_path):
    rows = "".join(f"{i % 7},{i * 31 % 97},{i * 57 % 89}\n" for i in range(60))
    found = ranking("Predict the price", table_of(tmp_path, f"a,price_low,price_high\n{rows}"))
    assert found.tied
    assert found.best is None
    assert sorted(found.rivals) == ["price_high", "price_low"]


def test_whose_it_is_is_not_what_is_asked_for(tmp_path):
    rows = "".join(f"{'abc'[i % 3]},{i % 7},{['yes', 'no'][i % 2]}\n" for i in range(90))
    table = table_of(tmp_path, "judge,nation,decision\n" + rows)
    best = ranking("Predict the judge's decision", table).best
    assert best is not None
    assert best.column.name == "decision"


@pytest.mark.parametrize(
    "text",
    ["flood yes or no, from rainfall", "Which borrowers repay?", "We plan: who stays at home?"],
)
def test_a_question_of_yes_or_no_may_begin_otherwise(text):
    assert read_intent(text, []).whether


def test_two_letters_are_the_initials_of_two_words_in_their_order(tmp_path):
    rows = "".join(f"{i % 2},{i % 50},{i % 90}\n" for i in range(90))
    table = table_of(tmp_path, "ui,iu,age\n" + rows)
    evidence = gather(read_intent("claims of unemployment insurance", []), table)
    assert evidence["ui"]["initials"] == 1
    assert "initials" not in evidence["iu"]


def test_a_clipped_word_may_have_a_plural(tmp_path):
    rows = "".join(f"{i % 40},{i % 50}\n" for i in range(90))
    table = table_of(tmp_path, "cigs,age\n" + rows)
    best = ranking("Predict how many cigarettes somebody smokes", table).best
    assert best is not None
    assert best.column.name == "cigs"
