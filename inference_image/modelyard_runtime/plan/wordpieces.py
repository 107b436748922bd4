"""Words as the pieces that a language model knows: the longest first, from left to right.

WordPiece as in BERT (Devlin et al. 2019); ``wordpieces.txt`` is the vocabulary. Called by
``matcher``.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources

_INSIDE = "##"
_UNKNOWN, _START, _END = "[UNK]", "[CLS]", "[SEP]"


@cache
def _vocabulary() -> dict[str, int]:
    text = resources.files(__package__).joinpath("wordpieces.txt").read_text("utf-8")
    return {piece: number for number, piece in enumerate(text.splitlines())}


def start() -> int:
    """The piece that a sequence begins with."""
    return _vocabulary()[_START]


def end() -> int:
    """The piece that a part of a sequence ends with."""
    return _vocabulary()[_END]


def pieces(words: Iterable[str]) -> list[int]:
    """The numbers of the pieces of some lower-case words."""
    return [piece for word in words for piece in _of_word(word)]


@cache
def _of_word(word: str) -> tuple[int, ...]:
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    known = _vocabulary()
    found: list[int] = []
    begin = 0
    while begin < len(plain):
        prefix = _INSIDE if begin else ""
        ends = range(len(plain), begin, -1)
        stop = next((end for end in ends if prefix + plain[begin:end] in known), None)
        if stop is None:
            return (known[_UNKNOWN],)
        found.append(known[prefix + plain[begin:stop]])
        begin = stop
    return tuple(found)
