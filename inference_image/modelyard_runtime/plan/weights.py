"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "alternatives": 2.66,
    "class_measured": -1.98,
    "class_of_few": 1.46,
    "conventional": 2.52,
    "coverage": 2.55,
    "every_value": 2.87,
    "explained": 1.68,
    "first_column": 0.70,
    "initials": 2.97,
    "last": 0.75,
    "last_column": 0.70,
    "many_texts": -2.25,
    "measure": 0.61,
    "noun": 0.47,
    "noun_share": 1.01,
    "number": 0.30,
    "one_value": 0.53,
    "only_about": -1.20,
    "only_flag": 0.90,
    "only_given": -2.36,
    "predicate": 0.88,
    "quantity_measured": 0.67,
    "quantity_of_text": -0.97,
    "quantity_of_two": -1.64,
    "quoted": 0.91,
    "shortened": 1.68,
    "stated": 1.03,
    "subject": 1.50,
    "two_values": 0.46,
    "unlearnable": -1.64,
    "whether_measured": -2.56,
    "whether_of_two": 1.95,
    "whole": 0.87,
    "whole_given": -1.56,
}
#: The log odds of no column at all.
NONE = 1.82
#: What a column loses that the input schema has.
GIVEN = 3.0
