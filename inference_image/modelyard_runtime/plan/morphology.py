"""The verb or adjective that a noun is made of, where its stem changes: emit of emission.

Verbs from Latin change their end in their nouns, each kind in its one way. Called by ``lexicon``.
"""

from functools import cache

#: How nouns end, and what they are made of.
_ENDS = (
    *(("mission", "mit"), ("ception", "ceive"), ("ceipt", "ceive"), ("cession", "cede")),
    *(
        ("ccess", "cceed"),
        ("ccessful", "cceed"),
        ("xcess", "xceed"),
        ("cision", "cide"),
        ("clusion", "clude"),
    ),
    *(("lision", "lide"), ("ovision", "ovide"), ("ivision", "ivide"), ("rosion", "rode")),
    *(("plosion", "plode"), ("fusion", "fuse"), ("version", "vert"), ("vasion", "vade")),
    *(("pansion", "pand"), ("pension", "pend"), ("pense", "pend"), ("tension", "tend")),
    *(("tention", "tain"), ("tenance", "tain"), ("hension", "hend"), ("pulsion", "pel")),
    *(("scription", "scribe"), ("sumption", "sume"), ("duction", "duce"), ("truction", "troy")),
    *(("quisition", "quire"), ("solution", "solve"), ("volution", "volve"), ("position", "pose")),
    *(("posure", "pose"), ("losure", "lose"), ("planation", "plain"), ("clamation", "claim")),
    *(("nunciation", "nounce"), ("ification", "ify"), ("plication", "ply"), ("pliance", "ply")),
    *(("liance", "ly"), ("riage", "ry"), ("ability", "able"), ("ibility", "ible")),
    *(("fence", "fend"), ("ponse", "pond"), ("elief", "elieve")),
    *(("owth", "ow"), ("armth", "arm"), ("rength", "rong"), ("ysis", "yse")),
)
#: What a word begins with beside its end.
_SHORTEST = 1


@cache
def made_of(word: str) -> str:
    """The word that a noun is made of; the word itself where it is made of none."""
    single = word.removesuffix("s") if not word.endswith(("ss", "sis")) else word
    for end, verb in _ENDS:
        if single.endswith(end) and len(single) - len(end) >= _SHORTEST:
            return single[: -len(end)] + verb
    return word
