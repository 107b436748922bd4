"""Ways to ask for something without its word: what a turn of phrase stands for.

General English, like ``lexicon``; nothing here is about one data set. Called by ``intent``.
"""

import re
from typing import NamedTuple


class Phrase(NamedTuple):
    """A turn of phrase and the words that a column may have for it."""

    pattern: re.Pattern[str]
    words: str


def _phrases(*pairs: tuple[str, str]) -> tuple[Phrase, ...]:
    return tuple(Phrase(re.compile(pattern, re.IGNORECASE), words) for pattern, words in pairs)


#: Read as if the words stood there instead: the phrase's own words mean something else.
_INSTEAD = _phrases(
    (r"\bwon['\u2019]t\b", "will not"),
    (r"n['\u2019]t\b", " not"),
    (r"['\u2019]ll\b", " will"),
    (r"['\u2019]d\b", " would"),
    (r"['\u2019]re\b", " are"),
    (r"['\u2019]ve\b", " have"),
    (r"\b(i)['\u2019]m\b", r"\1 am"),
    # Predict from the address whether it arrives: what is asked for comes last.
    (
        r"\b(predict|forecast|estimate|classify) (?:from|using|based on) ([^.?!]+?),? "
        r"(if|whether|how|what|which|who) ([^.?!]+)",
        r"\1 \3 \4 from \2",
    ),
    # What names of columns write as formulas.
    (r"\bbenzene\b", "benzene C6H6"),
    (r"\bsilica\b", "silica SiO2"),
    (r"\bammoni(?:a|um)\b", "ammonia NH4 NH3"),
    # Said of how, not of what.
    (r"\b(?:in real[- ]time|over time|at a time|at (?:the same|any) time|ahead of time)\b", ""),
    (r"\b(hour|day|week|month|year) (?:by|after) \1\b", ""),
    (r"\b(?:how many|(?:average )?number of) stars\b", "star rating"),
    (
        r"\b(?:move|switch|go|change|defect)\w* to (?:an? |the )?"
        r"(?:rival|competit|other|another|different)\w*",
        "churn",
    ),
    (
        r"\bhow far (?:has|have|is|are) (.*\b(?:progress|advanc|develop|along|gone)\w*)",
        r"which stage \1",
    ),
    (r"\bbox[- ]office\b", "revenue gross"),
    (r"\bburn(?:s|ed|t|ing)?[- ]?out\b", "burnout"),
    (r"\bopt(?:s|ed|ing)?[- ]outs?\b", "optout"),
    (r"\bpd (?=model|score|of|for)", "default probability "),
    (
        r"\bjump\w* ship\b|\bsay\w* goodbye\b|\bdrop us\b|\bstop(?:s|ped)? (?:using|buying)\b|"
        r"\bstick\w* (?:with us|around)\b|\bnot renew\w*|\bon (?:his|her|their) way out\b",
        "churn leave",
    ),
    (
        r"\bget (?:our|the|its|their|my) money back\b|\bfall\w* behind\b|\bgo(?:es)? bust\b|"
        r"\bmiss\w* (?:\w+ )?(?:payment|instal)\w*|\bstop(?:s|ped)? paying\b|"
        r"\bbad (?:debt|loan)s?\b",
        "default",
    ),
    (r"\bback in (?:the )?hospital\b|\bhospitali[sz]ed again\b", "readmitted"),
    (r"\bma(?:k|d)e\w* it (?:out )?alive\b|\bpull\w* through\b", "survive"),
    (r"\bgiv(?:e|es|ing) out\b|\bgo(?:es)? wrong\b|\bstop(?:s|ped)? working\b", "failure"),
    (r"\b(?:get|land|find)\w* (?:a|the) job\b|\bfind\w* work\b", "placed hired"),
    (r"\btak\w* up (?:the|an|our) offer\b", "accept respond"),
    (r"\bpay\w* (?:their|the|his|her|my) (?:instal\w+|debts?)\b", "repay"),
    (r"\bsa(?:y|ys|id|ying) yes\b", "accept respond"),
    (
        r"\b(?:will not|not|never) (?:come|be|buy|order|shop|return|visit)"
        r"(?: back| again| any ?more)\b",
        "churn",
    ),
    (
        r"\bhow many (?:more )?\w+ (?:has|have|does|do|will|is|are) .*\bleft\b",
        "remaining useful life",
    ),
    (r"\bfor (?:each|every) [\w ]+?,? (?=(?:whether|if|which|what|how|who)\b)", ""),
    (r"\b(?:next[- ]day|the (?:next|following) day|tmrw|tmr)\b", "tomorrow"),
    (r"\b(?:give|gives|giving) up (?:the|their|his|her|its|our)\b", "cancel"),
    (r"\b(?:hand|hands|handing) in (?:the|their|his|her) (?:notice|resignation)\b", "resign"),
    (
        r"\b(?:going to|gonna|about to|will) go\b(?! (?:to|for|up|down|on|with|into|through))",
        "will leave",
    ),
    (r"\b(?:fall|falls|fell|falling) through\b|\bwill not be honou?red\b", "cancel"),
    (r"\b(?:come|comes|came|coming) back\b", "return readmit"),
    (r"\bcom(?:e|es|ing) to\b(?=\W*$)", "cost"),
    (r"\bgo(?:es)? for\b", "sell for"),
    (r"\b(?:pass|passes|passed) on\b", "share"),
    (r"\b(?:get|gets|getting) (?:into\b|a place\b|in(?=\W*$))", "admit"),
    (r"\b(?:off sick|off work|call\w* in sick)\b", "absent"),
    (r"\b(?:turn|turns|turned|turning) up\b", "show attend"),
    (r"\b(?:will not|not) (?:come|appear)\b", "no show"),
    (r"\bno[- ]?shows?\b", "no show"),
    (r"\b(?:on|to|behind|ahead of) schedule\b", "punctual"),
    (
        r"\b(?:keep|meet|miss|make)(?:s|es|ing)? (?:\w+ ){0,2}?(?:promised |agreed |delivery )*"
        r"(?:dates?|deadlines?|schedules?)\b",
        "punctual delivery",
    ),
    (r"\bend(?:s|ed|ing)? (?:up|with an?|in an?)\b", ""),
    (r"\bover the (?:whole|entire|full) (?:\w+ )?(?:relationship|lifetime|time)\b", "lifetime"),
    (
        r"\brank(?:ing)? (.+?) (?:by|according to|in order of) (?:their |its |the )?(.+)",
        r"\2 for each \1",
    ),
    (r"\bhow (?:many times|often)\b", "how many"),
    (r"\bhow old (?=do|does|will|can|could)", "what life expectancy "),
    (r"\b(employee|staff|personnel|labou?r) turnover\b", "attrition"),
    (r"\b(fail\w*|unable) to (re)?pay( back)?\b", "default"),
    (r"\bpa(y|ys|id|ying)( \w+){0,3} (back|off)\b", "repay"),
    (r"\b(charged|written) off\b", "charged off default"),
    (r"\b(sen[dt]|bring\w*|brought|giv\w+)( \w+){0,2} back\b", "return"),
    (r"\bbr(eak|eaks|oke|oken|eaking) down\b", "failure"),
    (r"\bturn(s|ed|ing)?( \w+){0,3} down\b", "reject"),
    (r"\bset(ting)? free\b", "free"),
    (r"\bt(?:ak(?:e|es|ing)|ook) part\b", "participate"),
    (
        r"\bhow (?:good|well) (?:is|are|was|were|will|do|does|did|can) ([\w ]+?) "
        r"(?:(?:be |become )?at|(?:do |perform |score )in) (?:the |an? )?(\w+)",
        r"\2 score of \1",
    ),
    (r"\blife ?(span|time)s?\b", "life length"),
    (r"\bdrop(s|ped|ping)? out\b", "dropout"),
    (r"\bsign(s|ed|ing)? up\b", "subscribe"),
    (r"\bshow(s|ed|ing)? up\b", "show attend"),
    (r"\b(walk|go|switch)\w*( \w+){0,2} (away|elsewhere)\b", "leave"),
    (r"\b(on|in) time\b", "punctual"),
    (r"\bmiss(es|ed|ing)? (\w+ )?(appointment|visit|meeting|session)s?\b", "show"),
    (r"\bhow many \w+ (are |is )?(left )?(until|till|before)\b", "remaining life until"),
    (r"\bhow much time( is| are)? left\b", "remaining life"),
)
#: Asked for besides: the question's subject, as sure as its word.
_SUBJECTS = _phrases(
    (r"\bhow late\b", "delay"),
    (r"\b(?:will|would|does|do|did|should)\b.*\b(?:decide|rule|judge)\b", "decision"),
    (
        r"\b(?:minutes|hours|days|weeks|months|years) (?:until|till|before|to|on|spent)\b",
        "duration",
    ),
    (
        r"\b(how long|how soon|how quickly)\b|"
        r"(?:^|[?.:;,] ?|\b(?:know|tell|see|predict|out|us|me|and) )"
        r"when (?:will|can|do|does|they|we|an?)\b",
        "duration",
    ),
    (r"\bhow (heavy|much does [\w ]+ weigh)\b", "weight"),
    (r"\bhow strong\b", "strength"),
    (r"\bhow old\b", "age"),
    (r"\bhow (tall|high)\b", "height"),
    (r"\bhow far\b", "distance"),
    (r"\bhow (hot|warm|cold)\b", "temperature"),
    (r"\bhow fast\b", "speed"),
    (r"\bhow deep\b", "depth"),
    (r"\bhow wide\b", "width"),
    (r"\bhow (good|well)\b", "quality rating score"),
    (r"\b(?:get|ask|sell|sells|sold|fetch|bid|charge) for\b", "price"),
    (r"\bpay(?:s|ing)?\b(?: \w+){0,3} for\b", "price"),
    (
        r"\b(?:what|how much) (?:to|(?:should|can) (?:i|we)) (?:ask|charge|bid|offer|demand)\b",
        "price",
    ),
    (r"\bhow (?:busy|crowded|full)\b", "volume count occupancy"),
    (r"\bhow (?:bad|badly|severe|severely|serious|grave)\b", "severity damage"),
    (r"\bin (?:money|money terms|financial terms)\b", "cost loss amount"),
    (r"\bhow well (?:do|does|did|will) .*\b(?:do|perform)\b", "performance"),
    (r"\b(?:suggest|propose|recommend)\w* an? (?:figure|amount|price|number|value)\b", "price"),
    (r"\b(how likely|likelihood|probability|chances?|odds)\b", "chance probability"),
    (r"[$\u20ac\u00a3](?! ?\d)", "price cost"),
    (r"\beta\b", "duration arrival"),
    (r"\bhow (expensive|cheap)\b", "price"),
)
#: Asked for besides, less surely.
_IMPLIED = _phrases(
    (r"\bhow much\b.*\b(sells?|selling|sold|costs?|pay|paid|buy|bought|worth|go for)\b", "price"),
    (r"\b(get|ask|pay|sell|sold) for\b", "price sell"),
    (r"\bhow much (?:will|do|does|can) .*\b(?:give|bear|yield|produce)\b", "yield output"),
    (
        r"\bhow (?:is|are) .*\b(?:doing|feeling)\b|\bdo(?:es|ing)? (?:badly|poorly|fine|well)\b",
        "health condition",
    ),
    (r"\bhow .*\bends?\b", "result outcome"),
    (r"\b(how much|what)\b.*\b(earns?|makes?|paid)\b", "salary"),
    (r"\bhow many\b", "count number"),
    (r"^\W*how (?:was|were|is|are) (?:the |an? )?\w+ \w+", "method mode way means"),
    (r"\b(?:including|altogether|in all|all told|overall)\b", "total"),
    (r"\bblood sugar\b", "glucose"),
    (r"\bblood pressure\b", "bp"),
    (r"\bcarbon dioxide\b", "co2"),
    (r"\bhorse ?power\b", "hp"),
    (r"\bfuel (economy|consumption|efficiency)\b", "mpg mileage miles gallon"),
    # How clean is it, how friendly are they: somebody has rated it.
    (
        r"\bhow (?!many|much|far|long|old|late|soon|well|good|high|low|large|big|heavy|tall|deep|"
        r"wide|hot|warm|cold|fast|strong|expensive|cheap|does|do|did|will|is|are|can|thick)\w+ "
        r"(?:is|are|was|were|will)\b",
        "score rating level",
    ),
    (
        r"\blos(?:e|es|ing|t)\b.*\b(?:customer|client|subscriber|member|employee|user|guest|buyer)s?\b|"
        r"\b(?:customer|client|subscriber|member|employee|user|guest|buyer|shopper)s?\b.*\blos(?:e|t)\b",
        "churn",
    ),
    (r"\bfetch(?:es)?\b", "price"),
    (r"\bhow (?:much|well) .*\b(?:likes?|enjoys?|loves?)\b", "rating score satisfaction"),
    (r"\bwhat .*\b(?:think|feel)s?\b", "sentiment rating"),
    (r"\bwhat (?:is|are) .*\babout\b", "category topic"),
    (r"\bget\w* (?:the|a) (?:loan|mortgage|credit)\b", "approved status"),
    (r"\bhow much .*\bpay out\b", "claim amount cost"),
    (r"\bin stars\b", "rating"),
    (r"\bair quality\b", "aqi"),
    (r"\b(?:fine dust|particulates?|particulate matter|fine particles?)\b", "pm"),
    (r"\bsquare (?:metre|meter|foot|feet)s?\b", "unit area sqm sqft"),
    (r"\bcredit(worthy|worthiness| risks?)\b", "default"),
)


def reworded(text: str) -> str:
    """The text with phrases that mislead replaced by what they mean."""
    for phrase in _INSTEAD:
        text = phrase.pattern.sub(phrase.words, text)
    return text


def subjects(goal: str) -> str:
    """The words for what a question such as “how late” asks for."""
    return " ".join(phrase.words for phrase in _SUBJECTS if phrase.pattern.search(goal))


def implied(goal: str) -> str:
    """The words that a goal suggests without saying them."""
    return " ".join(phrase.words for phrase in _IMPLIED if phrase.pattern.search(goal))
