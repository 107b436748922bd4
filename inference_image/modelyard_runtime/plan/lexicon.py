"""Words: how column names and sentences are cut up, and when two words mean the same.

General English and the abbreviations of databases; nothing here is about one data set.
"""

import re
from functools import cache
from itertools import pairwise, takewhile

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_SUFFIXES = (
    *("ulently", "ulent", "ically", "ations", "ation", "ities", "ments", "ingly", "ising"),
    *("izing", "ised", "ized", "ence", "ance", "ency", "ancy", "ment", "ions", "ings", "ness"),
    *("able", "ible", "ously", "tic", "ity", "ion", "ors", "ers", "ing", "ant", "ent", "als"),
    *("ous", "ive", "ful", "ise", "ize", "ies", "ics", "or", "er", "ed", "al", "ic", "ly"),
    *("es", "is", "s", "y", "e"),
)
_INFLECTIONS = frozenset({"ing", "ed", "es", "s", "e", "y", "er"})
_STEM_PASSES = 3


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_IRREGULAR = {
    **{"left": "leave", "bought": "buy", "sold": "sell", "paid": "pay", "dead": "die"},
    **{"died": "die", "dies": "die", "dying": "die", "death": "die", "won": "win", "lost": "lose"},
    **{"spent": "spend", "fell": "fall", "children": "child", "people": "person", "men": "man"},
    **{"women": "woman", "broke": "break", "broken": "break", "chosen": "choose", "sick": "ill"},
    **{"denied": "deny", "denies": "deny", "denial": "deny", "applied": "apply"},
    **{"applies": "apply", "tried": "try", "tries": "try", "freed": "free"},
    **{"student": "pupil", "students": "pupil"},
    **{"repaid": "repay", "sent": "send", "fraudulent": "fraud"},
    **{"used": "use", "uses": "use", "using": "use"},
}

ABBREVIATIONS = {
    **{"amt": "amount", "qty": "quantity", "num": "number", "nbr": "number", "cnt": "count"},
    **{"avg": "average", "med": "median", "val": "value", "pct": "percent", "temp": "temperature"},
    **{"dept": "department", "cust": "customer", "acct": "account", "prob": "probability"},
    **{"desc": "description", "qual": "quality", "cond": "condition", "hr": "hour", "hrs": "hour"},
    **{"yr": "year", "yrs": "year", "wt": "weight", "ht": "height", "rev": "revenue"},
    **{"inc": "income", "sal": "salary", "cat": "category", "lvl": "level", "dur": "duration"},
    **{"dist": "distance", "resp": "response", "tgt": "target", "diag": "diagnosis"},
    **{"cls": "class", "prod": "product", "txn": "transaction", "prc": "price", "mfr": "maker"},
    **{"arr": "arrival", "dep": "departure", "rul": "remaining", "ttf": "remaining"},
    **{"eur": "euro", "usd": "dollar", "gbp": "pound", "kg": "kilogram", "km": "kilometre"},
    **{"mth": "month", "wk": "week", "dly": "delay", "est": "estimate", "tot": "total"},
}

_SYNONYMS = (
    "price cost value worth fee charge expensive fare",
    "sell sale resale",
    "energy electricity power",
    "churn leave cancel attrition quit exit unsubscribe retain stay resign",
    "fraud scam cheat",
    "salary income earn wage pay compensation",
    "survive survival die mortality fatal live alive decease",
    "buy purchase order",
    "type kind class category species variety sort group",
    "sales revenue turnover",
    "rating score grade mark quality rate",
    "spam junk",
    "approve accept grant reject decline deny refuse",
    "disease illness ill sickness",
    "demand volume consumption usage use",
    "delay late lateness overdue punctual",
    "fail failure break breakdown fault defect",
    "progress progression advance",
    "duration length time minutes hours days seconds",
    "arrive arrival deliver delivery reach",
    "weight mass heavy",
    "speed velocity",
    "remaining left residual",
    "release free discharge parole",
    "choice choose select pick prefer",
    "work job",
    "creditworthy creditworthiness creditability",
    "count number quantity",
    "win winner victory",
    "rain rainfall precipitation",
    "gender sex",
    "sentiment mood feeling opinion",
    "diagnosis diagnose condition",
    "convert conversion subscribe",
    "default repay bankrupt delinquent insolvent arrears",
    "emission pollution",
    "rent rental",
    "strength resistance",
    "click tap",
    "return refund",
    "digit numeral",
)

#: Words of a column's name that say little about what it holds.
GENERIC = _set(
    "is has was will did flag label target value status indicator ind code number num type class "
    "outcome result response total final current amount level name col column feature variable "
    "binary bool score mean median average max min std actual y "
    "event made occurred happened "
    "load output time count size "
)
#: Words of a name that say in what it is measured.
UNITS = _set(
    "eur usd gbp chf km kwh mwh kw mw kg cm mm mph kmh mpa kpa hpa bar psi rpm nm hz ppm mg dl ml "
    "sqft sqm lb lbs oz ft inch degc pct percent k g m c f "
    "minutes minute mins min hours hour hr hrs days seconds second sec secs ms"
)
#: In a name, what follows these is when: default_next_month, churn_within_30_days.
_WINDOW = frozenset({"next", "within"})
_SMALL = _set("of on in at to the a an for by")
#: Names that by convention are what is to be predicted.
CONVENTIONAL = frozenset(
    {"target", "label", "class", "y", "outcome", "response", "labels", "depvar", "dependent"}
)

STOPWORDS = _set(
    "the a an of to will would is are was were be been being has have had do does did can could "
    "should may might it its their his her this that these those there here what which who whom "
    "whose how much many far long often likely whether if or and not no for in on at by with from "
    "as into than then so such i we you he she they me us our your my one ones each every any some "
    "all new next now today predict predicts predicting predicted prediction forecast forecasting "
    "estimate estimating classify classifying determine identify detect tell find guess decide "
    "recognise recognize model build want need please based using given about more most less "
    "least get gets come comes going go year month week day"
)


def words(text: str) -> list[str]:
    """The words of a sentence or a name, lower case: snake, kebab and camel are cut up."""
    return [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text))]


def name_words(name: str) -> list[str]:
    """The words of a column's name without the time that they are about."""
    found = words(name)
    early = list(takewhile(lambda word: word not in _WINDOW, found)) or found
    return _punctual(early)


def _punctual(found: list[str]) -> list[str]:
    """``reached_on_time`` is about being punctual, not about time."""
    ends = [i for i, pair in enumerate(pairwise(found)) if pair == ("on", "time")]
    return found if not ends else [*found[: ends[0]], "punctual", *found[ends[0] + 2 :]]


def is_generic(token: str) -> bool:
    """Whether a word of a column's name says little about what it holds."""
    known = token in GENERIC or token in _SMALL or token in UNITS
    return known or ABBREVIATIONS.get(token) in GENERIC


def stems(text: str) -> list[str]:
    """The stems of the words of a text."""
    return [stem(word) for word in words(text)]


@cache
def stem(word: str) -> str:
    """The part of a word that its forms share: progressed, progression → progress."""
    word = _IRREGULAR.get(word, word)
    for _ in range(_STEM_PASSES):
        shorter = _shorter(word)
        if shorter == word:
            break
        word = shorter
    doubled = len(word) > 3 and word[-1] == word[-2]  # noqa: PLR2004 - stopped → stop
    if doubled and (word[-1] not in "sl" or (word[-1] == "l" and len(word) > 5)):  # noqa: PLR2004 - cancelled → cancel, but sell
        word = word[:-1]
    return word


def _shorter(word: str) -> str:
    if word.endswith("ss"):
        return word
    for suffix in _SUFFIXES:
        least = 3 if suffix in _INFLECTIONS else 4
        if word.endswith(suffix) and len(word) - len(suffix) >= least:
            return word[: -len(suffix)]
    return word


@cache
def _groups() -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, line in enumerate(_SYNONYMS):
        for word in line.split():
            found.setdefault(stem(word), set()).add(number)
    return {key: frozenset(value) for key, value in found.items()}


_MIN_PREFIX = 4
#: Two stems that share so much of their beginning are forms of one word: satisfied, satisfaction.
_MIN_COMMON, _MIN_COMMON_SHARE = 5, 0.65
_SAME, _ABBREVIATED, _SKELETON, _SYNONYM, _PREFIX = 1.0, 0.95, 0.85, 0.8, 0.7
_SHORTEST_SKELETON = 3


@cache
def likeness(token: str, word: str) -> float:
    """How surely a token of a name means a word of a sentence, from 0 to 1."""
    one, other = stem(token), stem(word)
    if one == other:
        return _SAME
    long = ABBREVIATIONS.get(token)
    if long is not None and stem(long) == other:
        return _ABBREVIATED
    groups = _groups()
    names = groups.get(one, frozenset()) | groups.get(stem(long or token), frozenset())
    if names & groups.get(other, frozenset()):
        return _SYNONYM
    if _abbreviates(token, word):
        return _SKELETON
    short, full = sorted((one, other), key=len)
    if len(short) >= _MIN_PREFIX and full.startswith(short):
        return _PREFIX
    common = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )
    if common >= _MIN_COMMON and common >= _MIN_COMMON_SHARE * len(full):
        return _PREFIX
    return 0.0


def _abbreviates(token: str, word: str) -> bool:
    """Whether a token is what is left of a word without its vowels: hwy of highway."""
    if not _SHORTEST_SKELETON <= len(token) < len(word) or set(token[1:]) & set("aeiou"):
        return False
    letters = iter(word)
    ends = token[0] == word[0] and token[-1] == word[-1]
    return ends and all(letter in letters for letter in token)
