"""Which part of a text asks: people also say who they are, what it is for, and what they know.

“The retention team needs a list of subscribers at risk, so we can call them”: a list of subscribers
at risk. Called by ``intent``.
"""

import re
from typing import NamedTuple

#: What follows these is what a prediction is made from.
GIVEN = re.compile(
    r"\b(based on|on the basis of|using|given|from(?!.*\bor\b|\s+\w\b|\s+\d)|"
    r"with the help of|according to|"
    r"depending on|as an? function of|with (?:this|these|those|such|certain|known|the following)|"
    r"knowing|considering|by looking at|including|excluding|(?:judging|going) (?:only |just )?by|"
    r"taking|leaving|looking at|in (?:the )?light of|in view of|instead of|rather than|without)\b"
    r"(?!\s*(?:now|today|[?.!]|$))"
    # Prices by carat, cut and color: a list is what is known of each.
    # Tickets by priority from type and subject: there the list follows “from”.
    r"|\bby (?=\w[\w -]*(, *\w[\w -]*)*(?: and \w+|, *[\w -]+\W*$))"
    r"(?!.*\b(?:from|using|based on)\b)",
    re.IGNORECASE,
)
#: Where one clause ends; a colon only where what follows asks.
_BREAKS = re.compile(
    r"(?<=[.?!;])\s+|\s[\u2013\u2014-]\s|:\s+(?=(?:what|how|which|who|will|would|is|are|can|do|does|did)\b)|"
    r",\s+(?=(?:and )?(?:so|because|since|therefore|hence)\b)|\s+because\s+",
    re.IGNORECASE,
)
_PRONOUNS = r"(?:we|they|you|i|he|she|it)"
#: What an answer is for, or when it is due.
_PURPOSE = re.compile(
    r"\bso (?:that )?(?=(?:\w+[\u2019'\w]* ){1,4}?"
    r"(?:can|could|may|might|should|know|don't|do not|won't|will not|get|is able|are able)\b).*|"
    r"\bin order (?:to|that)\b.*|\bso as to\b.*|"
    rf"\b(?:before|after|once|as soon as|ahead of time when) {_PRONOUNS}\b.*",
    re.IGNORECASE,
)
_WISH = r"(?:needs?|needed|wants?|wanted|wish(?:es)?|hop(?:es?|ing)|tr(?:y|ies|ying)|aims?|plans?|"
_WISH += r"love|keen|like|looking|interested|able|help(?: us| me)?)"
_QUESTION = "(?:what|which|how|who|whether|will|would|is|are|does|do|did|can|should)"
_FORECAST = r"(?:predict|forecast|estimate|classify|guess|detect|identify|determine|anticipate)"
#: How a clause asks, the clearest first. What stands before it is who asks, and about what.
_CUES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:^|\b(?:to|please|and|so|that|we|us|i|must|should|can)\s+|,\s*)"
        rf"(?P<ask>{_FORECAST}(?:s|ing)?\b)|"
        rf"\b(?P<ask6>{_FORECAST}) (?:whether|if|how|which|what|who)\b|"
        r"\bto (?P<ask2>know|find out|figure out|work out|tell|see|understand|learn) |"
        rf"\b(?:and (?:tell|see|know|say|find out|show|learn)|asks?(?: us| me)?|wonders?) "
        rf"(?P<ask5>{_QUESTION}\b)|"
        rf"^(?:and |so )*(?P<ask3>{_QUESTION}\b.*\?)|"
        rf",\s*(?P<ask4>{_QUESTION}\b.*\?)",
        rf"\b{_WISH} (?P<ask>(?:an?|the|some|our|every|each|one)\b)|"
        r"\b(?:give|tell|show|send|get)s? (?:us|me|them|it) (?P<ask4>\w+)|"
        r"\b(?:ask\w*|look\w*) (?:\w+ )?(?:for|after) (?P<ask2>(?:an?|the|some)\b)",
        rf"\b{_WISH} to (?P<ask>\w+)|\bshould (?P<ask2>(?:place|put|assign|sort|say|show|flag)\b)|"
        r"^(?:so )?(?:let'?s )?(?P<ask3>(?:find|put|flag|score|rate|tell)\b)",
    )
)


#: Such a clause says what follows from the others.
_THEREFORE = re.compile(r"^\W*(?:and )?(?:so|therefore|hence)\b", re.IGNORECASE)
#: What is hidden, “hide them”, stands in another clause.
_REFERS = re.compile(
    r"^(?!.*\b(?:who|which|whether|what|how|if|when|that)\b)(?:\w+ )?\w+ (?:them|it)\b",
    re.IGNORECASE,
)
_OURSELVES = re.compile(r"\b(?:we|our|us|i|my|they|their)\b", re.IGNORECASE)


#: Whoever is brief names what is asked for, and what it is made from behind it.
_LIST = re.compile(r"^(?P<asked>[^,:?!.;(]+),(?P<given>[^,:?!.;(]+,[^:?!;.(]+)\W*$")


def of_list(text: str) -> tuple[str, str]:
    """What a list of nouns begins with, and the rest: fare in dollars, distance, hour, weather."""
    found = _LIST.search(text)
    if found is None or any(cue.search(text) for cue in _CUES) or " or " in text:
        return text, ""
    return found["asked"], found["given"]


class Asked(NamedTuple):
    """The part of a text that asks, and the rest."""

    text: str
    beside: str


def asked_part(text: str) -> Asked:
    """The clauses that ask, from where they do; all of a text in which none does."""
    clauses = [_without_purpose(clause) for clause in _BREAKS.split(text) if clause.strip()]
    concluding = [clause for clause in clauses if _THEREFORE.search(clause)]
    for chosen in (concluding, clauses):
        for cue in _CUES:
            parts = [_from_cue(clause, cue) for clause in chosen]
            if any(parts):
                first = next(place for place, part in enumerate(parts) if part)
                kept = [
                    part or (clause if place > first and not _OURSELVES.search(clause) else "")
                    for place, (clause, part) in enumerate(zip(chosen, parts, strict=True))
                ]
                found = [part for part in kept if part]
                refers = any(_REFERS.search(part) for part in found)
                return _asked(text, clauses if refers else found)
    return _asked(text, clauses)


def _asked(text: str, parts: list[str]) -> Asked:
    beside = text
    for part in parts:
        beside = beside.replace(part, " ", 1)
    return Asked(" ".join(parts), beside)


def _from_cue(clause: str, cue: re.Pattern[str]) -> str:
    """The clause from where it asks; nothing where it does not in this way."""
    found = cue.search(clause)
    if found is None:
        return ""
    return clause[min(found.start(name) for name, part in found.groupdict().items() if part) :]


def _without_purpose(clause: str) -> str:
    found = _PURPOSE.search(clause)
    return clause[: found.start()] if found and found.start() else clause


def split_at(text: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    """The text before and after a pattern."""
    match = pattern.search(text)
    return (text[: match.start()], text[match.end() :]) if match else (text, "")
