"""What an intent and the values of a table say for or against each column being the target.

Each kind of evidence is a number from 0 to 1; ``weights`` says how much each counts. A column for
which nothing speaks has none. Called by ``ranking``.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from modelyard_runtime.data.table import Table
from modelyard_runtime.plan import lexicon, matcher
from modelyard_runtime.plan.abbreviations import composed, is_short_for
from modelyard_runtime.plan.answers import fits, of_kind
from modelyard_runtime.plan.intent import Intent
from modelyard_runtime.plan.names import (
    coverage,
    ends_series,
    is_initials,
    last,
    likeness_of,
    name_pieces,
    telling,
)
from modelyard_runtime.plan.values import is_identifier, share_named

#: Evidence by its kind; what is left out is 0.
Evidence = Mapping[str, float]

#: Of these one must be there for a column to be considered.
SPEAKING = frozenset(
    {
        *("matched", "stated", "whole", "whole_given", "coverage", "explained", "initials"),
        *("quoted", "conventional", "values_named", "last_fits"),
    }
)
#: What a column is in spite of it of which the intent names all values.
OUTWEIGHED = ("label", "number_of_text")
#: What is said of a column that the intent names and nothing else: it is meant, and then refused
#: for what it is.
UNFIT = ("unlearnable", "label")
#: Hints that tell two columns apart only where something else does too.
BY_POSITION = ("first_column", "last_column")


def gather(intent: Intent, table: Table) -> dict[str, Evidence]:
    """The evidence of each column for which something speaks."""
    explained = _explained_words(intent, table)
    shared = _shared_words(explained)
    other_numbers = _other_numbers(intent, table.names)
    odds = matcher.odds(intent.text, table.columns)
    found: dict[str, Evidence] = {}
    for position, column in enumerate(table.columns):
        is_last = position == len(table.columns) - 1
        spoken = {
            **_of_name(intent, column.name, shared, table.names),
            **of_kind(intent, column),
            "matched": _matched(odds[column.name]),
            "conventional": is_conventional(column.name, table.names),
            "values_named": share_named(intent, column),
            "other_number": column.name in other_numbers,
            "first_column": position == 0,
            "last_column": is_last,
            "last_fits": is_last and fits(intent, column),
        }
        if spoken["values_named"] == 1:
            spoken |= dict.fromkeys(OUTWEIGHED, False)
        if spoken.get("whole") and explained[column.name].keys() >= {*intent.aim}:
            spoken |= dict.fromkeys(UNFIT, False)
        outright = spoken.get("stated") or spoken.get("whole")
        speaks = any(spoken.get(kind) for kind in SPEAKING)
        answers = column.distinct > 1 and not is_identifier(column)
        if outright or (speaks and answers):
            found[column.name] = {kind: float(value) for kind, value in spoken.items() if value}
    return found


#: Log odds by which the matcher is as good as sure that a column is not meant, and that it is.
_HARDLY, _SURE = -4.0, 8.0


def _matched(odds: float) -> float:
    return min(1.0, max(0.0, (odds - _HARDLY) / (_SURE - _HARDLY)))


#: With other words too: target_value.
_TARGET = "target"


def is_conventional(name: str, names: Sequence[str]) -> bool:
    """Whether a name such as ``target`` says that it is to be predicted, and is no y of an x."""
    joined = "".join(lexicon.words(name))
    among_axes = joined == "y" and any(other.lower() in {"x", "z"} for other in names)
    named = joined in lexicon.CONVENTIONAL or _TARGET in lexicon.words(name)
    return named and not among_axes


def _is_outcome(words: Sequence[str]) -> bool:
    """Whether a name says no more than that it holds what became of a row: outcome_type."""
    rest = [word for word in words if word not in lexicon.OUTCOMES]
    return len(rest) < len(words) and all(map(lexicon.is_generic, rest))


def _explained_words(intent: Intent, table: Table) -> dict[str, dict[str, float]]:
    """Of each column the words of the goal that its name has, and how surely."""
    tokens = {name: lexicon.name_words(name) for name in table.names}
    return {
        name: {word: sure for word in intent.aim if (sure := _best(own, [word])) > _RATHER}
        for name, own in tokens.items()
    }


def _shared_words(explained: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """How telling each word of the goal is: less, the more columns have it."""
    counts = Counter(word for words in explained.values() for word in words)
    return {word: count**-0.5 for word, count in counts.items()}


def _of_name(
    intent: Intent, name: str, shared: Mapping[str, float], names: Sequence[str]
) -> dict[str, float]:
    tokens = name_pieces(intent, name)
    if not tokens:
        return {}
    words = lexicon.words(name)
    pieces = _pieces(intent, words)
    found = [max(likeness_of(intent, token), pieces) for token in tokens]
    spoken = not lexicon.STOPWORDS.issuperset(tokens) and _contains(intent.goal_words, words)
    return {
        "stated": is_stated(intent, name),
        "whole": spoken,
        "whole_given": not spoken and _contains(intent.given, words),
        "coverage": coverage(tokens, found),
        "beside_head": _beside_head(intent, name, pieces) * (not _best(tokens, intent.events)),
        "label": _is_label(intent, tokens),
        "explained": _share(tokens, shared),
        "initials": is_initials(intent, name)
        or ends_series(intent, name, names)
        or any(is_short_for(word, words) for word in intent.aim),
        "known_before": _is_earlier(words, intent),
        "to_come": intent.future and _is_to_come(words),
        "quoted": lexicon.stems(name) in intent.quoted,
    }


def _beside_head(intent: Intent, name: str, pieces: float) -> float:
    """How much surer other words of a name are than what it is about: history_with_obesity."""
    words = lexicon.name_words(name)
    tokens = [token for token in words if telling(token)]
    if len(tokens) < 2:  # noqa: PLR2004 - a head and another
        return 0.0
    head = max(pieces, likeness_of(intent, last(words)))
    return max(0.0, max(map(intent.likeness, tokens)) - head)


#: A label, but for whoever asks which kind something is.
_KIND = "type"


def _is_label(intent: Intent, tokens: Sequence[str]) -> bool:
    """Whether a name is of what names, places or dates a row, and the intent asks for none such."""
    alone = len(tokens) == 1 and lexicon.is_generic(tokens[0])
    if tokens[-1] not in lexicon.LABELS or alone or _is_outcome(tokens):
        return False
    if intent.asks_class and tokens[-1] == _KIND:
        return False
    return max(_best(tokens[-1:], intent.asked), _best([last(tokens)], intent.noun)) < _SURELY


def is_stated(intent: Intent, name: str) -> bool:
    """A name with an underscore, which nobody writes by chance, or ``name = value``."""
    spelled = re.escape(name)
    if "_" in name and re.search(rf"(?<!\w){spelled}(?!\w)", intent.text, re.IGNORECASE):
        return True
    return re.search(rf"(?<!\w){spelled}\s*==?\s*\S", intent.text, re.IGNORECASE) is not None


_SURELY, _PART, _ALIKE = 0.6, 0.8, 0.8
#: Likeness of what is rather the same than not.
_RATHER = 0.5


def _pieces(intent: Intent, tokens: Sequence[str]) -> float:
    """Whether the name, or a word of it, is put together of pieces of words of the goal."""
    pool = [*intent.aim, *(word for word in intent.implied if word not in intent.aim)]
    short = [form for word in pool for form in lexicon.short_forms(word)]
    alike = [other for word in intent.aim for other in lexicon.synonyms(word)]
    name = "".join(tokens)
    if intent.numbers.isdisjoint(tokens):
        name = "".join(token for token in tokens if not token.isdigit())
    else:
        short += intent.numbers
    whole = max(composed(name, pool, short), _ALIKE * composed(name, pool, [*short, *alike]))
    parts = max(composed(token, pool, short) for token in tokens) if len(tokens) > 1 else 0.0
    found = max(whole, _PART * parts)
    return found if found > _SURELY else 0.0


def _is_earlier(words: Sequence[str], intent: Intent) -> bool:
    """Whether a name has a word for what is known before, which the goal does not say."""
    early = [word for word in words if _written_out(word) in lexicon.EARLIER]
    return any(not _best([word], intent.goal_words) for word in early)


def _is_to_come(words: Sequence[str]) -> bool:
    """Whether a name has a word for what is yet to come."""
    return any(_written_out(word) in lexicon.TO_COME for word in words)


def _written_out(word: str) -> str:
    return lexicon.ABBREVIATIONS.get(word, word)


def _other_numbers(intent: Intent, names: Sequence[str]) -> frozenset[str]:
    """The names that differ from that of another column in numbers, of which the goal says the
    other's: Zone 2, where Zone 1 is asked for.
    """
    families: dict[tuple[str, ...], dict[str, set[str]]] = {}
    for name in names:
        words = lexicon.words(name)
        letters = tuple(word for word in words if not word.isdigit())
        families.setdefault(letters, {})[name] = {word for word in words if word.isdigit()}
    said = {*intent.numbers, *map(lexicon.stem, intent.goal_words)}
    return frozenset(
        name
        for family in families.values()
        if len(family) > 1 and any(numbers and numbers <= said for numbers in family.values())
        for name, numbers in family.items()
        if not numbers <= said
    )


def _contains(spoken: Sequence[str], name: Sequence[str]) -> bool:
    """Whether all words of a name stand together, but for number and tense."""
    runs = (spoken[i : i + len(name)] for i in range(len(spoken) - len(name) + 1))
    return bool(name) and any(
        all(lexicon.likeness(token, word) >= 1 for token, word in zip(name, run, strict=True))
        for run in runs
    )


def _best(tokens: Sequence[str], words: Sequence[str]) -> float:
    return max((lexicon.likeness(t, word) for t in tokens for word in words), default=0.0)


def _share(tokens: Sequence[str], words: Mapping[str, float]) -> float:
    """The weighted share of some words that the name has."""
    total = sum(words.values())
    if total == 0:
        return 0.0
    return sum(weight * _best(tokens, [word]) for word, weight in words.items()) / total
