"""Free text as columns: the same alone and in a batch, bounded, and learnt from."""

import csv
import json

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard_crds.build import Manifest
from modelyard_runtime.artifacts.statistics import text_statistics
from modelyard_runtime.data.table import Column
from modelyard_runtime.features import MAX_TEXT, encode_text
from modelyard_runtime.serving.graph import inspect_graph
from modelyard_runtime.serving.session import MAX_TEXT_ROWS, Session
from modelyard_runtime.training import by_hand, words
from modelyard_runtime.training import predict as predict_command
from modelyard_runtime.training.candidates import Candidate
from modelyard_runtime.training.encoding import Encoding
from modelyard_runtime.training.evaluation import difference
from modelyard_runtime.training.fitting import predict
from modelyard_runtime.training.graph import output_name, to_graph
from modelyard_runtime.training.pipelines import build_pipeline
from modelyard_runtime.training.problem import Shape
from modelyard_runtime.training.runner import bounded_threads
from modelyard_runtime.training.words import DIRECTIONS, learn_words

GOOD = ["great", "lovely", "superb", "friendly", "delicious", "schön", "charming", "quick"]
BAD = ["awful", "rude", "slow", "cold", "broken", "dirty", "noisy", "stale"]
PLAIN = ["the", "a", "room", "staff", "food", "place", "was", "and", "we", "our", "with", "very"]
PLAIN += [f"thing{number}" for number in range(40)]
PHRASES = st.lists(st.sampled_from([*GOOD, *BAD, "NIE!", "日本", ""])).map(" ".join)


def sentences(count: int, seed: int) -> tuple[list[str], list[bool]]:
    """Sentences of usual words, two of one mood and one of any; and whether the mood is good."""
    random = np.random.default_rng(seed)
    texts, moods = [], []
    for _ in range(count):
        good = bool(random.random() < 0.5)
        parts = [
            *random.choice(PLAIN, 8),
            *random.choice(GOOD if good else BAD, 2),
            random.choice(GOOD + BAD),
        ]
        random.shuffle(parts)
        texts.append(" ".join(parts).capitalize() + ".")
        moods.append(good)
    return texts, moods


def as_objects(texts) -> np.ndarray:
    return np.array(texts, dtype=object)


def test_words_are_those_of_several_texts_the_most_frequent_first():
    known = learn_words(as_objects(["The cat, the dog", "THE cat!", "a bird", "", "Once (the)"]))
    assert known.vocabulary == ["the", "cat"]
    assert {known.spellings[form] for form in ("the", "The", "THE", "(the)")} == {0}
    assert {known.spellings[form] for form in ("cat", "cat,", "cat!", "Cat.")} == {1}
    assert known.typical == "the cat"


def test_columns_are_the_number_of_known_words_and_what_they_are():
    known = learn_words(as_objects(["the cat", "the cat", "the dog"]))
    found = known.columns(as_objects(["The the CAT! xyz", "", "xyz"]))
    weight = words.FINENESS
    expected = [3, 2 * weight / np.sqrt(np.float32(3)), weight / np.sqrt(np.float32(3))]
    assert found[0].tolist() == pytest.approx(expected, rel=1e-6)
    assert found[1:].tolist() == [[0, 0, 0], [0, 0, 0]]
    assert known.columns(as_objects([])).shape == (0, 3)


@pytest.mark.parametrize("texts", [["", ""], ["!!! ...", "??? - -"], ["one two", "three four"]])
def test_texts_without_a_word_in_common_are_columns_of_zeros(texts):
    known = learn_words(as_objects(texts))
    assert not known.columns(as_objects(texts)).any()
    assert known.typical == "text"


def test_words_and_directions_are_bounded(monkeypatch):
    monkeypatch.setattr(words, "MAX_WORDS", 50)
    texts, _ = sentences(600, 1)
    known = learn_words(as_objects(texts))
    assert len(known.vocabulary) == 50
    assert known.weights.shape == (50, DIRECTIONS)
    assert np.array_equal(known.weights, np.round(known.weights))
    assert np.abs(known.weights).max() == words.FINENESS


def test_a_large_table_is_learnt_from_by_texts_of_all_its_parts(monkeypatch):
    monkeypatch.setattr(words, "MAX_TEXTS", 10)
    known = learn_words(as_objects([*["early bird"] * 50, *["late owl"] * 50]))
    assert set(known.vocabulary) == {"early", "bird", "late", "owl"}


def test_a_long_text_counts_by_its_beginning():
    long = "word " * MAX_TEXT
    [[kept]] = encode_text(["t"], {"t": [f"  {long}"]}, 1).tolist()
    assert kept == long[:MAX_TEXT]


def test_a_column_is_described_without_any_of_its_texts():
    column = Column("t", "string", np.array([0, 1, 2, -1]), ("one two", "three", "four five six"))
    found = text_statistics(column)
    assert found["bins"]["edges"] == [1.0, 2.0]
    assert found["missing"] == 1
    assert "three" not in json.dumps(found)


class Learnt:
    """A model of sentences, as two graphs would be made of it: scikit-learn's and ONNX's."""

    def __init__(self, family) -> None:
        texts, moods = sentences(500, 2)
        known = learn_words(as_objects(texts))
        self.encoding = Encoding([], ["kind", "t"], {"kind": ["a", "b"]}, words={"t": known})
        matrix = self.encoding.matrix(self.inputs(texts))
        shape = Shape("binary", 500, known.width, (2,), 2, 0)
        with bounded_threads(1):
            self.model = build_pipeline(Candidate(family), shape, 1).fit(matrix, np.array(moods))
        self.graph = to_graph(self.model, self.encoding, "binary")
        self.session = Session(self.graph, output_name("binary"))

    def inputs(self, texts):
        return {"text": np.array([["ab"[len(t) % 2], t] for t in texts], dtype=object)}

    def differs(self, texts) -> float:
        inputs = self.inputs(texts)
        with bounded_threads(1):
            expected = predict(self.model, self.encoding.matrix(inputs), "binary")
        return difference("binary", expected, self.session.run(inputs))


@pytest.fixture(scope="module", params=["boosting", "linear"])
def learnt(request) -> Learnt:
    return Learnt(request.param)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.text(), PHRASES), min_size=1, max_size=6))
def test_any_text_predicts_the_same_in_scikit_learn_and_onnx(learnt, texts):
    """Pitfall 4.9: there is one tokenizer, ONNX Runtime's."""
    assert learnt.differs(texts) <= 1e-4


def test_a_row_has_the_same_bits_alone_and_in_a_batch(learnt):
    """Sums of whole numbers do not depend on the order in which a batch adds them up."""
    texts, _ = sentences(3 * MAX_TEXT_ROWS // 2, 3)
    known = learnt.encoding.words["t"]
    batch = known.columns(as_objects(texts))
    alone = np.vstack([known.columns(as_objects([text])) for text in texts[:20]])
    assert np.array_equal(batch[:20], alone)
    scores = learnt.session.run(learnt.inputs(texts))
    for row in (0, 1, MAX_TEXT_ROWS, len(texts) - 1):
        one = learnt.session.run(learnt.inputs([texts[row]]))
        assert one[0] == pytest.approx(scores[row], abs=1e-6)


def test_the_graph_keeps_to_what_is_served(learnt):
    inspect_graph(learnt.graph)
    operators = {node.op_type for node in onnx.load_from_string(learnt.graph).graph.node}
    assert {"StringSplit", "TfIdfVectorizer"} <= operators


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reviews")
    texts, moods = sentences(300, 4)
    with (folder / "reviews.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review_id", "review", "stars", "liked"])
        for number, (text, good) in enumerate(zip(texts, moods, strict=True)):
            cell = "" if number % 50 == 0 else text
            writer.writerow([f"R{number:04d}", cell, number % 7, "yes" if good else "no"])
    arguments = ["--dataset", str(folder / "reviews.csv"), "--intent", "Did they like it?"]
    arguments += ["--max-iterations", "2", "--output", str(folder / "out")]
    report = by_hand.run_by_hand(by_hand.make_parser().parse_args(arguments), 2, 0.0)
    return folder, report, Manifest.model_validate_json((folder / "out/manifest.json").read_bytes())


def test_reviews_are_learnt_from_by_their_words(reviews):
    folder, report, manifest = reviews
    assert manifest.metrics["roc_auc"] > 0.95
    assert report["onnx_difference"] <= 1e-4
    assert manifest.text == ["review"]
    assert manifest.training_info.feature_importance["review"] > 0.9
    assert "review_id" in dict(report["plan"]["dropped"])
    assert any("'review' is free text" in warning for warning in manifest.warnings)
    card = json.loads((folder / "out/model_card.json").read_text())
    assert "review (words)" in card["matrixColumns"]


def test_the_artifact_holds_no_text_of_a_row(reviews):
    folder, _, manifest = reviews
    texts, _ = sentences(300, 4)
    written = [path.read_text(errors="replace") for path in (folder / "out").glob("*.*")]
    assert len(written) > 5
    assert not [text for text in texts for content in written if text in content]
    assert len(manifest.example["review"].split()) == words.TYPICAL_WORDS


def test_reviews_that_come_later_are_predicted_by_hand(reviews, tmp_path):
    folder, _, _ = reviews
    texts, moods = sentences(60, 5)
    rows = [{"review": text, "stars": 1} for text in texts] + [{"review": None, "stars": 3}]
    source = tmp_path / "later.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = tmp_path / "predicted.csv"
    arguments = ["--model", str(folder / "out"), "--input", str(source), "--output", str(result)]
    assert predict_command.run(arguments) == 0
    with result.open(newline="") as file:
        found = [line["liked"] == "yes" for line in csv.DictReader(file)]
    assert len(found) == 61
    assert np.mean(np.array(found[:60]) == np.array(moods)) > 0.85
