"""Free text as a few columns: the directions in which texts differ most by their words.

Latent semantic analysis (Deerwester et al. 1990): counts of words, rare ones weighted up, and the
leading singular vectors of that matrix. Learnt from texts alone, never from the target. Called by
``encoding``; ``words_graph`` has the arithmetic, which training runs as serving does.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from modelyard_runtime.features import TEXT_INPUT
from modelyard_runtime.serving.session import MAX_TEXT_ROWS, Session
from modelyard_runtime.training.words_graph import columns_of, counts_of, graph_of, words_of

MAX_WORDS = 2_000
DIRECTIONS = 40
#: Texts that words and directions are learnt from, evenly over the table.
MAX_TEXTS = 20_000
#: A word is known where this many texts have it, and one in so many.
MIN_TEXTS, ONE_IN = 2, 2_000
#: Weights are whole numbers up to this: the sums of 8,000 words stay exact in float32.
FINENESS = 2_047
TYPICAL_WORDS = 8
_RESULT = "result"
_AROUND = re.compile(r"^\W+|\W+$")

Texts = NDArray[np.object_]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Words:
    """What is known of a column of free text.

    ``vocabulary`` has words in lower case, the most frequent first; ``spellings`` has how each is
    written, in capitals or before a comma, with its position; ``weights`` are whole numbers, words
    by directions.
    """

    vocabulary: list[str]
    spellings: dict[str, int]
    weights: Matrix

    @property
    def width(self) -> int:
        """Columns of the matrix: the number of words, then the directions."""
        return 1 + int(self.weights.shape[1])

    @property
    def typical(self) -> str:
        """A text of the most usual words, which is no row of the table."""
        return " ".join(self.vocabulary[:TYPICAL_WORDS]).strip() or "text"

    def columns(self, texts: NDArray[Any]) -> Matrix:
        """The columns of the matrix for some texts, as the served graph works them out."""
        part = columns_of(self.spellings, self.weights, TEXT_INPUT, _RESULT)
        session = Session(graph_of(part, TEXT_INPUT, _RESULT, TensorProto.FLOAT), _RESULT)
        parts = [session.run({TEXT_INPUT: rows}) for rows in _chunks(texts)]
        return np.concatenate([np.empty((0, self.width), dtype=np.float32), *parts])


def learn_words(texts: Texts, seed: int = 0) -> Words:
    """The words and directions of some texts, missing ones being empty."""
    known = texts[texts != ""]
    places = np.linspace(0, len(known) - 1, min(len(known), MAX_TEXTS)).astype(np.int64)
    sample = known[places]
    vocabulary, spellings = _vocabulary(sample)
    return Words(vocabulary, spellings, _weights(sample, spellings, len(vocabulary), seed))


def _vocabulary(texts: Texts) -> tuple[list[str], dict[str, int]]:
    """The most frequent words in lower case, and their position by every spelling."""
    session = Session(
        graph_of(words_of(TEXT_INPUT, _RESULT), TEXT_INPUT, _RESULT, TensorProto.STRING), _RESULT
    )
    found: Counter[str] = Counter()
    written: dict[str, set[str]] = {}
    for rows in _chunks(texts):
        forms: Any = session.run({TEXT_INPUT: rows})
        for row in forms.tolist():
            words_by_form = {form: _plain(form) for form in set(row)}
            for form, word in words_by_form.items():
                written.setdefault(word, set()).add(form)
            found.update(set(words_by_form.values()) - {""})
    least = max(MIN_TEXTS, len(texts) // ONE_IN)
    ranked = sorted(found, key=lambda word: (-found[word], word))
    # A pool of words must not be empty; no text has a word that is a space.
    chosen = [word for word in ranked if found[word] >= least][:MAX_WORDS] or [" "]
    spellings: dict[str, int] = {}
    for position, word in enumerate(chosen):
        for form in sorted({*_usual_forms(word), *written.get(word, ())}):
            spellings.setdefault(form, position)
    return chosen, spellings


def _plain(form: str) -> str:
    """A word in lower case without the marks around it; empty where there are only marks."""
    return _AROUND.sub("", form.lower())


def _usual_forms(word: str) -> Iterator[str]:
    """How a word may be written in texts to come, besides what texts have shown."""
    for spelled in (word, word.capitalize(), word.upper()):
        yield from (spelled + mark for mark in ("", ".", ",", "!", "?"))


def _weights(texts: Texts, spellings: dict[str, int], words: int, seed: int) -> Matrix:
    """What each word adds to each direction; where words are few, each is a direction."""
    from scipy import sparse
    from sklearn.decomposition import TruncatedSVD

    part = counts_of(spellings, TEXT_INPUT, _RESULT)
    session = Session(graph_of(part, TEXT_INPUT, _RESULT, TensorProto.FLOAT), _RESULT)
    counted = [sparse.csr_matrix(session.run({TEXT_INPUT: rows})) for rows in _chunks(texts)]
    if words <= DIRECTIONS or not counted:
        return np.eye(words, dtype=np.float32) * np.float32(FINENESS)
    counts = sparse.vstack(counted, format="csr").astype(np.float64)
    having = np.asarray((counts > 0).sum(axis=0)).ravel()
    rarity = np.log((1 + len(texts)) / (1 + having)) + 1
    number = np.asarray(counts.sum(axis=1)).ravel()
    roots = sparse.diags_array(1 / np.sqrt(np.maximum(number, 1)))
    found = TruncatedSVD(DIRECTIONS, random_state=seed).fit(
        sparse.csr_matrix(roots @ counts @ sparse.diags_array(rarity))
    )
    weights = rarity[:, None] * found.components_.T
    return np.asarray(np.round(weights * FINENESS / np.abs(weights).max()), dtype=np.float32)


def _chunks(texts: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Some texts at a time, rows by one: the words of all at once would fill the memory."""
    for start in range(0, len(texts), MAX_TEXT_ROWS):
        yield texts[start : start + MAX_TEXT_ROWS].reshape(-1, 1)
