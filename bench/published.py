"""Tables that no package ships, published ones and such as are exported: columns known, rows made.

For judging plans only, which look at names, types and values; nothing is learnt from made rows.
``published.toml`` describes each column in one of these ways::

    { values = ["No", "Yes"] }              # the values as they are published
    { integers = [0, 72] }                  # from least to greatest
    { floats = [18.25, 118.75], decimals = 2 }
    { dates = ["2019-01-01", "2022-12-31"], format = "%d/%m/%Y" }
    { id = "####-ABCDE" }                   # digits and letters in place of # and A to Z
    { names = true }                        # nearly all different
    { words = ["good", "phone", ...] }      # free text of such words

with ``missing = 0.1`` for a share of rows without a value.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

ROWS = 400
_WORDS_OF_A_TEXT = (5, 16)
_SYLLABLES_OF_A_NAME = 5
_SYLLABLES = ("ba", "ren", "ko", "mi", "lan", "tor", "es", "va", "du", "shi")

Column = Mapping[str, Any]
Values = list[Any]
Maker = Callable[[np.random.Generator, Column], Values]


def made(columns: Mapping[str, Column], seed: int = 0) -> pd.DataFrame:
    """Rows as the columns say, each column by itself."""
    random = np.random.default_rng(seed)
    return pd.DataFrame({name: _values(random, column) for name, column in columns.items()})


def _values(random: np.random.Generator, column: Column) -> Values:
    make = next(make for kind, make in _MAKERS.items() if kind in column)
    gone = random.random(ROWS) < column.get("missing", 0.0)
    return [None if out else value for value, out in zip(make(random, column), gone, strict=True)]


def _choice(random: np.random.Generator, column: Column) -> Values:
    values = column["values"]
    return [values[place] for place in random.integers(len(values), size=ROWS)]


def _integers(random: np.random.Generator, column: Column) -> Values:
    least, greatest = column["integers"]
    return list(random.integers(least, greatest, ROWS, endpoint=True).tolist())


def _floats(random: np.random.Generator, column: Column) -> Values:
    least, greatest = column["floats"]
    drawn = random.uniform(least, greatest, ROWS).round(column.get("decimals", 4))
    return list(drawn.tolist())


def _dates(random: np.random.Generator, column: Column) -> Values:
    first, last = map(pd.Timestamp, column["dates"])
    days = random.integers((last - first).days + 1, size=ROWS)
    form = column.get("format", "%Y-%m-%d")
    return [(first + pd.Timedelta(days=int(day))).strftime(form) for day in days]


def _identifiers(random: np.random.Generator, column: Column) -> Values:
    return [_identifier(random, column["id"]) for _ in range(ROWS)]


def _identifier(random: np.random.Generator, pattern: str) -> str:
    def letter(sign: str) -> str:
        pool = string.digits if sign == "#" else string.ascii_uppercase
        return str(random.choice(list(pool))) if sign == "#" or sign.isupper() else sign

    return "".join(map(letter, pattern))


def _texts(random: np.random.Generator, column: Column) -> Values:
    lengths = random.integers(*_WORDS_OF_A_TEXT, size=ROWS)
    return [" ".join(random.choice(column["words"], length)) for length in lengths]


def _names(random: np.random.Generator, _column: Column) -> Values:
    syllables = random.choice(_SYLLABLES, (ROWS, _SYLLABLES_OF_A_NAME))
    return ["".join(name).capitalize() for name in syllables]


_MAKERS: Mapping[str, Maker] = {
    "values": _choice,
    "integers": _integers,
    "floats": _floats,
    "dates": _dates,
    "id": _identifiers,
    "words": _texts,
    "names": _names,
}
