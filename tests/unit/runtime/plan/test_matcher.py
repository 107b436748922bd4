"""The model that reads an intent beside columns: what it is shown, its graph, its answers."""

import math

import numpy as np
import onnxruntime
import pytest

import matching
from matcher_graph import graph
from modelyard_runtime.plan import matcher
from modelyard_runtime.plan.wordpieces import end, pieces, start
from support.tables import table_of

SALES = "store_id,soldOn,region,price,units,refunded,comment\n" + "".join(
    f"{i},2024-01-{i % 28 + 1:02},{'NSEW'[i % 4]},{i * 7919 % 997 / 3},{i * 31 % 97},"
    f"{'yes' if i % 3 else 'no'},word {i} and more\n"
    for i in range(120)
)


@pytest.fixture
def sales(tmp_path):
    return table_of(tmp_path, SALES)


def test_a_word_is_cut_into_the_longest_pieces():
    assert len(pieces(["price"])) == 1
    assert len(pieces(["prices", "price"])) == 2
    assert len(pieces(["xqzwv"])) > 1
    assert pieces(["café"]) == pieces(["cafe"])


def test_what_no_piece_is_of_is_one_unknown_piece():
    assert len(pieces(["☃☃☃"])) == 1
    assert pieces(["☃"]) == pieces(["☂☃"])


def test_a_column_is_its_words_its_kind_and_its_categories(sales):
    read = {column.name: matcher.described(column) for column in sales.columns}
    assert list(read["soldOn"].words) == ["sold", "on"]
    assert {name: one.kind for name, one in read.items()} == {
        "store_id": "id",
        "soldOn": "date",
        "region": "kind",
        "price": "number",
        "units": "count",
        "refunded": "flag",
        "comment": "text",
    }
    assert sorted(value for [value] in read["region"].values) == ["e", "n", "s", "w"]
    assert read["refunded"].values == []


def test_a_sequence_has_the_intent_and_then_the_columns():
    one, other = pieces(["price"]), pieces(["units", "sold"])
    found = matcher.sequenced(["how", "many"], [one, other])
    asked = [start(), *pieces(["how", "many"]), end()]
    assert found.pieces == [*asked, *one, *other]
    assert found.segments == [0] * len(asked) + [1] * 3
    assert [found.pieces[first:last] for first, last in found.spans] == [one, other]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("What does one of these cost?", "price"),
        ("who wants the money back", "refunded"),
        ("number of pieces that go over the counter", "units"),
        ("in which part of the country is it", "region"),
    ],
)
def test_a_column_is_told_by_what_it_means(sales, text, name):
    found = matcher.odds(text, sales.columns)
    assert list(found) == sales.names
    assert max(found, key=found.__getitem__) == name


def test_what_no_column_answers_fits_none_well(sales):
    asked = matcher.odds("Predict the price", sales.columns)
    other = matcher.odds("How tall is the giraffe?", sales.columns)
    assert max(other.values()) < max(asked.values())


def test_columns_are_read_in_turns_where_there_are_many(tmp_path):
    names = [f"measure {number} of the left sensor" for number in range(150)]
    header = ",".join([*names, "engine_failed"])
    rows = "".join(",".join(str(i * n % 89) for n in range(151)) + "\n" for i in range(40))
    found = matcher.odds("does the engine fail", table_of(tmp_path, f"{header}\n{rows}").columns)
    assert len(found) == 151
    assert max(found, key=found.__getitem__) == "engine_failed"


WIDTH, HEADS, INNER = 8, 2, 12


def small(random_numbers):
    def of(*shape):
        return random_numbers.normal(size=shape).astype(np.float32)

    def both(name, *shape):
        return {f"{name}.weight": of(*shape), f"{name}.bias": of(shape[0])}

    weights = {f"{name}.weight": of(20, WIDTH) for name in ("pieces", "positions")}
    weights |= {"segments.weight": of(2, WIDTH), **both("normal", WIDTH)}
    for layer in range(2):
        prefix = f"layers.{layer}."
        weights |= both(f"{prefix}joint", 3 * WIDTH, WIDTH) | both(f"{prefix}mixed", WIDTH, WIDTH)
        weights |= both(f"{prefix}wide", INNER, WIDTH) | both(f"{prefix}narrow", WIDTH, INNER)
        weights |= both(f"{prefix}normal_mixed", WIDTH) | both(f"{prefix}normal_narrow", WIDTH)
    return weights | both("score", 1, WIDTH) | both("none", 1, WIDTH)


def normal(x, weights, name):
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x, weights, name):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def expected(weights, read, segments, pool):
    """The transformer by its definition, without a library (Vaswani et al. 2017)."""
    x = weights["pieces.weight"][read] + weights["positions.weight"][: len(read)]
    x = normal(x + weights["segments.weight"][segments], weights, "normal")
    for layer in range(2):
        prefix, each = f"layers.{layer}.", WIDTH // HEADS
        query, key, value = np.split(linear(x, weights, f"{prefix}joint"), 3, axis=-1)
        heads = []
        for head in range(HEADS):
            part = slice(head * each, (head + 1) * each)
            alike = np.exp(query[:, part] @ key[:, part].T / math.sqrt(each))
            heads.append(alike / alike.sum(-1, keepdims=True) @ value[:, part])
        mixed = linear(np.concatenate(heads, -1), weights, f"{prefix}mixed")
        x = normal(x + mixed, weights, f"{prefix}normal_mixed")
        wide = linear(x, weights, f"{prefix}wide")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        x = normal(x + linear(wide, weights, f"{prefix}narrow"), weights, f"{prefix}normal_narrow")
    return (linear(pool @ x, weights, "score") - linear(x[:1], weights, "none")).ravel()


def test_the_graph_is_the_transformer_but_for_eight_bits():
    numbers = np.random.default_rng(0)
    weights = small(numbers)
    read, segments = numbers.integers(0, 20, 11), np.array([0] * 4 + [1] * 7)
    pool = np.zeros((2, 11), np.float32)
    pool[0, 4:7], pool[1, 7:] = 1 / 3, 1 / 4
    session = onnxruntime.InferenceSession(graph(weights, HEADS))
    feed = {"pieces": read, "segments": segments, "pool": pool}
    found = session.run(["odds"], feed)[0]
    assert found == pytest.approx(expected(weights, read, segments, pool), abs=0.25)


TEXT = """
# bookings
booking_id | id | B-1
nights | int | 1..14
meal plan | cat | BB; HB; FB
paid | bool | no; yes
> paid | binary
did they settle the bill
> NONE
will they leave a good review?

# trips
fare | float | 2.5..80
> fare | regression
what it'll cost
"""


def test_what_is_asked_of_tables_is_read_from_text():
    bookings, trips = matching.parse(TEXT)
    assert bookings.names == ["booking_id", "nights", "meal plan", "paid"]
    assert [column.kind for column in bookings.columns] == ["id", "count", "kind", "flag"]
    assert bookings.columns[2].values == [["bb"], ["hb"], ["fb"]]
    assert [ask.wanted for ask in bookings.asks] == [3, None]
    assert trips.asks[0].words == ["what", "it", "ll", "cost"]


def test_all_that_is_learnt_from_can_be_read_and_none_of_it_is_blind():
    tables = matching.read()
    assert sum(len(table.asks) for table in tables) > 20_000
    assert all(table.asks and len(table.columns) == len(table.names) for table in tables)
    learnt = matching.without_blind(tables)
    assert 0 < len(tables) - len(learnt) < len(tables) / 5
