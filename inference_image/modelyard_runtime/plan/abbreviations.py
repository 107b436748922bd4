"""Whether a name is made of pieces of words: ``bwght`` of birth weight, ``medv`` of median value.

Data sets shorten words in a few ways: to their beginning, to their consonants, to initials; and
write several of them as one. Called by ``evidence``.
"""

from collections.abc import Sequence
from functools import cache

_VOWELS = frozenset("aeiou")
#: Letters of which a piece alone is no chance, and of which a name must have.
_SURE, _SHORTEST = 3, 3
#: What is left over of a name costs its share; so does a piece of a single letter.
_SINGLE = 0.5
#: One piece of four letters or more, beside which some are not explained.
_ALONE = 0.8
#: A name of more letters is written out.
_LONGEST = 14


def begins(piece: str, word: str) -> bool:
    """Whether a piece is the beginning of a word."""
    return word.startswith(piece)


def is_skeleton(piece: str, word: str) -> bool:
    """Whether a piece is what is left of a word without its vowels: hwy of highway."""
    if len(piece) >= len(word) or piece[0] != word[0] or set(piece[1:]) & _VOWELS:
        return False
    letters = iter(word)
    return all(letter in letters for letter in piece)


def composed(name: str, words: Sequence[str], beside: Sequence[str] = ()) -> float:
    """How surely a name is put together of pieces of some words, from 0 to 1.

    Two pieces at least, one of them of three letters or a whole word of ``beside``, which are
    short forms or synonyms; letters that no word explains count against.
    """
    return _composed(name, tuple(dict.fromkeys(words)), tuple(dict.fromkeys(beside)))


@cache
def _composed(name: str, words: tuple[str, ...], beside: tuple[str, ...]) -> float:
    if not _SHORTEST <= len(name) <= _LONGEST or not words:
        return 0.0
    units = _units(name, words, beside)
    # best[i]: points of the first i letters, and the number of pieces.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(name) + 1):
        options = [best[end - 1]]
        for start in range(end):
            gain = units.get((start, end))
            if gain is not None:
                points, pieces = best[start]
                options.append((points + gain, pieces + 1))
        best.append(max(options))
    points, pieces = best[-1]
    share = points / len(name)
    if pieces == 1 and _SURE < points < len(name):
        return _ALONE * share
    sure = any(end - start >= _SURE or name[start:end] in beside for start, end in units)
    return share if pieces > 1 and sure else 0.0


def _units(
    name: str, words: tuple[str, ...], beside: tuple[str, ...]
) -> dict[tuple[int, int], float]:
    """Stretches of the name that are pieces of a word, with the letters that they explain."""
    found: dict[tuple[int, int], float] = {}
    initials = "".join(word[0] for word in words)
    for start in range(len(name)):
        for end in range(start + 1, len(name) + 1):
            piece = name[start:end]
            if len(piece) == 1:
                if piece in initials and start in {0, len(name) - 1}:
                    found[start, end] = _SINGLE
            elif (
                piece in beside
                or any(begins(piece, word) for word in words)
                or (len(piece) >= _SURE and any(begins(piece, word) for word in beside))
            ) or (
                len(piece) >= _SURE
                and (piece in initials or any(is_skeleton(piece, word) for word in words))
            ):
                found[start, end] = float(len(piece))
    return found


def is_short_for(word: str, tokens: Sequence[str]) -> bool:
    """Whether a word is the initials of a name: mpg of ``Miles_per_Gallon``."""
    return len(tokens) >= _SURE and word == "".join(token[0] for token in tokens)
