"""How well each column answers an intent, as a small language model reads both.

It is a transformer of six layers that reads the sentence and all columns of a table at once: names,
kinds and a few categories. It began as MiniLM (Wang et al. 2020) and learnt from what people ask of
tables (``bench/matching``) in ``bench/train_matcher.py``; ``matcher.onnx`` has its weights with 8
bits, which are made float32 again before they are used, so that all processors answer alike.
Called by ``evidence``.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np
import onnxruntime

from modelyard_runtime.data.table import Column
from modelyard_runtime.plan import lexicon
from modelyard_runtime.plan.values import is_flag, is_identifier
from modelyard_runtime.plan.wordpieces import end, pieces, start

#: Pieces of the sentence, of a name and of the categories of a column that are read.
MOST_OF_INTENT, _MOST_OF_NAME, _MOST_OF_VALUES = 64, 14, 12
_MOST_WORDS_OF_NAME, MOST_VALUES, _MOST_WORDS_OF_VALUE = 12, 6, 4
#: Pieces that are read at once; more columns are read in turns.
_MOST = 460
#: Strings of more values, of which half are different, are no categories.
_MOST_CATEGORIES, _UNIQUE_SHARE = 50, 0.5


class Described(NamedTuple):
    """What is read of a column: the words of its name, of what kind it is, its categories."""

    words: Sequence[str]
    kind: str
    values: Sequence[Sequence[str]]

    def pieces(self) -> list[int]:
        """The pieces of all of it."""
        name = pieces(self.words[:_MOST_WORDS_OF_NAME])[:_MOST_OF_NAME]
        values = pieces(word for value in self.values for word in value[:_MOST_WORDS_OF_VALUE])[
            :_MOST_OF_VALUES
        ]
        return [*name, *pieces([self.kind]), *values, end()]


class Sequenced(NamedTuple):
    """A sentence and columns as one sequence: its pieces, which of them are of columns (1), and
    where each column stands.
    """

    pieces: list[int]
    segments: list[int]
    spans: list[tuple[int, int]]


def described(column: Column) -> Described:
    """What is read of a column."""
    kind = _kind(column)
    values: list[str] = []
    if kind == "kind":
        counts = column.label_counts
        values = sorted(counts, key=lambda label: -counts[label])[:MOST_VALUES]
    return Described(lexicon.words(column.name), kind, [lexicon.words(value) for value in values])


def _kind(column: Column) -> str:
    if is_flag(column):
        return "flag"
    if is_identifier(column):
        return "id"
    if column.type == "string":
        many = column.distinct > max(_MOST_CATEGORIES, _UNIQUE_SHARE * column.known)
        return "text" if many else "kind"
    return {"integer": "count", "float": "number"}.get(column.type, "date")


def sequenced(intent: Sequence[str], columns: Sequence[Sequence[int]]) -> Sequenced:
    """The words of an intent and the pieces of columns, one after the other."""
    all_pieces = [start(), *pieces(intent)[:MOST_OF_INTENT], end()]
    asked = len(all_pieces)
    spans = []
    for column in columns:
        spans.append((len(all_pieces), len(all_pieces) + len(column)))
        all_pieces += column
    return Sequenced(all_pieces, [0] * asked + [1] * (len(all_pieces) - asked), spans)


def odds(text: str, columns: Sequence[Column]) -> dict[str, float]:
    """The log odds of each column against none being meant, by name."""
    words = lexicon.words(text)
    found: dict[str, float] = {}
    for turn in _turns(columns):
        feed = _feed(sequenced(words, [read for _, read in turn]))
        found |= zip(
            [name for name, _ in turn], _session().run(["odds"], feed)[0].tolist(), strict=True
        )
    return found


def forget() -> None:
    """Give back the memory of the model, some 75 MB: a build asks it once."""
    _session.cache_clear()


def _turns(columns: Sequence[Column]) -> Iterator[list[tuple[str, list[int]]]]:
    turn: list[tuple[str, list[int]]] = []
    length = MOST_OF_INTENT
    for column in columns:
        read = described(column).pieces()
        if turn and length + len(read) > _MOST:
            yield turn
            turn, length = [], MOST_OF_INTENT
        turn.append((column.name, read))
        length += len(read)
    if turn:
        yield turn


def _feed(sequence: Sequenced) -> dict[str, np.ndarray]:
    pool = np.zeros((len(sequence.spans), len(sequence.pieces)), np.float32)
    for row, (first, last) in enumerate(sequence.spans):
        pool[row, first:last] = 1 / (last - first)
    return {
        "pieces": np.array(sequence.pieces, np.int64),
        "segments": np.array(sequence.segments, np.int64),
        "pool": pool,
    }


@cache
def _session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    model = resources.files(__package__).joinpath("matcher.onnx").read_bytes()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
