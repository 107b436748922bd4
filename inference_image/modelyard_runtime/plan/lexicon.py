"""Words: how column names and sentences are cut up, and when two words mean the same.

General English and the abbreviations of databases; nothing here is about one data set.
"""

import re
from functools import cache
from itertools import pairwise, takewhile

from modelyard_runtime.plan.abbreviations import is_skeleton

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
    **{"slept": "sleep", "kept": "keep", "met": "meet", "grew": "grow", "grown": "grow"},
    **{"ate": "eat", "eaten": "eat", "drank": "drink", "drunk": "drink", "drove": "drive"},
    **{"driven": "drive", "taken": "take", "took": "take", "gave": "give", "given": "give"},
    **{"caught": "catch", "taught": "teach", "thought": "think", "made": "make", "built": "build"},
    **{"stole": "steal", "stolen": "steal", "ran": "run", "flew": "fly", "flown": "fly"},
    **{"wrote": "write", "written": "write", "shot": "shoot", "hurt": "injury", "borne": "birth"},
    **{"born": "birth", "went": "go", "gone": "go", "held": "hold", "stood": "stand"},
    **{"began": "begin", "begun": "begin", "rose": "rise", "risen": "rise", "worn": "wear"},
    **{"feet": "foot", "teeth": "tooth", "mice": "mouse", "lives": "life", "wives": "wife"},
    **{"thieves": "thief", "halves": "half", "leaves": "leave", "criteria": "criterion"},
    **{
        "longevity": "life",
        "deaths": "die",
        "births": "birth",
        "weigh": "weight",
        "weighs": "weight",
    },
    **{"weighed": "weight", "long": "length", "wide": "width", "deep": "depth", "high": "height"},
    **{"tall": "height", "hot": "heat", "thick": "thickness", "poor": "poverty", "ill": "ill"},
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
    **{"perf": "performance", "los": "stay", "pop": "population", "exp": "experience"},
    **{"mth": "month", "wk": "week", "dly": "delay", "est": "estimate", "tot": "total"},
}

_SYNONYMS = (
    "price cost value worth fee charge expensive fare expense rate",
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
    "child kid offspring descendant",
    "baby newborn infant birth",
    "house home dwelling property flat apartment",
    "car vehicle automobile auto",
    "work job employ employment occupation profession career",
    "jobless unemploy unemployment",
    "doctor physician",
    "hospital clinic",
    "teacher instructor lecturer professor",
    "crime offence offense",
    "arrest catch apprehend detain",
    "jail prison imprison incarcerate",
    "recidivism reoffend rearrest relapse recur recurrence arrest",
    "yield harvest crop output produce production",
    "affair infidelity adultery cheat unfaithful",
    "looks beauty attractive handsome appearance pretty",
    "intelligence iq smart ability clever",
    "rich wealth asset fortune",
    "obese obesity bmi overweight fat",
    "smoke cigarette tobacco cigar",
    "alcohol drink beer wine",
    "marriage marry marital married divorce wedding spouse",
    "religion religious church faith",
    "education school schooling educate study",
    "grade gpa",
    "spend spending expense expenditure expend cost",
    "drug medication medicine medicinal pharmaceutical",
    "decision decide verdict ruling judgement judgment",
    "profit earn",
    "road traffic street highway motorway",
    "boss manager executive ceo director",
    "cure heal remission recover recovery",
    "treat treatment therapy",
    "purchase acquisition acquire",
    "complain complaint",
    "lend loan borrow borrower",
    "win award medal prize",
    "debt loan mortgage credit borrow",
    "profit gain margin",
    "visit visitor guest attend attendance",
    "popular popularity",
    "accident crash collision",
    "injury injure wound hurt",
    "theft steal rob robbery burglary",
    "hire recruit employ",
    "absence absent absenteeism",
    "performance perform productivity efficiency fast speed",
    "mileage mpg economy consumption fuel gallon",
    "noise loud loudness",
    "color colour hue",
    "taste flavor flavour",
    "capacity seat volume room",
    "reply answer respond response",
    "pass success succeed successful",
    "graduate graduation degree",
    "enroll enrol enrolment enrollment admission admit",
    "vote ballot candidate elect election party",
    "subscribe subscription sign join enroll",
    "take takeup adopt adoption accept uptake",
    "life lifespan longevity live",
    "expectancy expect",
    "democracy democratic",
    "clean hygiene cleanliness inspect sanitary",
    "satisfaction satisfied happy happiness content",
    "danger risk hazard safe safety",
    "stress anxiety depression",
    "rank position place",
    "goal score point",
    "team club",
    "man male",
    "woman female",
    "old age",
    "poverty poor",
    "nation country",
    "town city",
    "area size surface",
    "thickness thick",
    "heat temperature",
    "population people inhabitant",
    "length long duration",
)

#: Words of a column's name that say little about what it holds.
GENERIC = _set(
    "is has was will did flag label target value status indicator ind code number num type class "
    "outcome result response total final current amount level name col column feature variable "
    "binary bool score mean median average max min std actual y "
    "event made occurred happened monthly annual yearly weekly daily hourly quarterly nightly "
    "load output time count size "
)
#: Words of a name that say in what it is measured.
UNITS = _set(
    "eur usd gbp chf km kwh mwh kw mw kg cm mm mph kmh mpa kpa hpa bar psi rpm nm hz ppm mg dl ml "
    "sqft sqm lb lbs oz ft inch degc pct percent k g m c f "
    "minutes minute mins min hours hour hr hrs days seconds second sec secs ms"
)
_MEASURES = {
    "kwh mwh wh joule kj mj kcal": "energy electricity consumption calories",
    "kw mw w watt hp ps": "power",
    "kg g lb lbs oz gram grams pounds": "weight mass heavy",
    "km miles mi m": "distance mileage far",
    "cm mm inch inches ft": "length height size tall",
    "eur usd gbp chf dollars euros": "price cost money dollars euros worth value",
    "hr hrs hours min mins minutes sec secs seconds ms days": "time duration long",
    "degc celsius fahrenheit c f": "temperature warm hot cold",
    "pct percent": "percent percentage share rate proportion",
    "mph kmh kph": "speed fast velocity",
    "hpa mbar bar psi kpa mpa": "pressure",
    "sqft sqm": "area size",
    "mg ml dl ppm": "concentration level dose",
    "db": "noise loud sound",
    "bpm": "tempo pulse",
}
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
    "least s get gets come comes going go year month week day"
)


def words(text: str) -> list[str]:
    """The words of a sentence or a name, lower case: snake, kebab and camel are cut up, kWh is
    not.
    """
    return [part for word in _WORD.findall(text) for part in _parts(word)]


def _parts(word: str) -> list[str]:
    low = word.lower()
    return [low] if low in UNITS else [part.lower() for part in _CAMEL.sub(" ", word).split()]


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


@cache
def short_forms(word: str) -> tuple[str, ...]:
    """How data sets shorten a word: wt of weight."""
    key = stem(word)
    return tuple(short for short, long in ABBREVIATIONS.items() if stem(long) == key)


@cache
def synonyms(word: str) -> tuple[str, ...]:
    """Other words that may stand for it."""
    groups = _groups().get(stem(word), frozenset())
    lines = (line.split() for number, line in enumerate(_SYNONYMS) if number in groups)
    return tuple(dict.fromkeys(other for line in lines for other in line if other != word))


_MIN_PREFIX = 4
#: Two stems that share so much of their beginning are forms of one word: satisfied, satisfaction.
_MIN_COMMON, _MIN_COMMON_SHARE = 5, 0.65
_SAME, _FORM, _ABBREVIATED, _SKELETON, _SYNONYM, _PREFIX = 1.0, 0.96, 0.95, 0.85, 0.8, 0.7
_SHORTEST_SKELETON = 3


@cache
def likeness(token: str, word: str) -> float:
    """How surely a token of a name means a word of a sentence, from 0 to 1."""
    one, other = stem(token), stem(word)
    if one == other:
        return _SAME if _inflected(token, word) else _FORM
    long = ABBREVIATIONS.get(token)
    if long is not None and stem(long) == other:
        return _ABBREVIATED
    groups = _groups()
    names = groups.get(one, frozenset()) | groups.get(stem(long or token), frozenset())
    if names & groups.get(other, frozenset()):
        return _SYNONYM
    if len(token) >= _SHORTEST_SKELETON and token[-1] == word[-1] and is_skeleton(token, word):
        return _SKELETON
    short, full = sorted((one, other), key=len)
    if len(short) >= _MIN_PREFIX and full in {"re" + short, "un" + short, "non" + short}:
        return _PREFIX
    # What is clipped may have a plural of its own: cigs.
    clipped = len(short) == _MIN_PREFIX - 1 and token == short + "s"
    if (len(short) >= _MIN_PREFIX or clipped) and full.startswith(short):
        return _PREFIX
    common = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )
    if common >= _MIN_COMMON and common >= _MIN_COMMON_SHARE * len(full):
        return _PREFIX
    return 0.0


def _inflected(one: str, other: str) -> bool:
    """Whether two words of one stem are the same but for number, person or tense."""
    short, full = sorted((one, other), key=len)
    return full.startswith(short) and full[len(short) :] in {"", "s", "es", "d", "ed", "ing"}


@cache
def _measured() -> dict[str, frozenset[str]]:
    return {
        unit: frozenset(map(stem, words.split()))
        for units, words in _MEASURES.items()
        for unit in units.split()
    }


def measures(token: str, word: str) -> bool:
    """Whether a word of a name is a unit of what a word says: kwh and energy."""
    return (token in UNITS and token == word) or stem(word) in _measured().get(token, frozenset())
