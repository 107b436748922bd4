"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "alternatives": 1.93,
    "class_measured": -1.95,
    "class_of_few": 1.85,
    "conventional": 1.25,
    "coverage": 2.36,
    "every_value": 2.43,
    "explained": 1.69,
    "first_column": 0.55,
    "initials": 0.81,
    "last": 0.28,
    "last_column": 0.70,
    "many_texts": -1.97,
    "measure": 0.80,
    "noun": 0.00,
    "noun_share": 1.06,
    "one_value": 0.32,
    "only_about": -1.35,
    "only_flag": 0.00,
    "only_given": -2.39,
    "predicate": 0.85,
    "quantity_measured": 0.63,
    "quantity_of_text": -0.73,
    "quantity_of_two": -1.67,
    "quoted": 0.21,
    "shortened": 1.25,
    "stated": 0.89,
    "two_values": 0.06,
    "unlearnable": -0.92,
    "whether_measured": -1.49,
    "whether_of_two": 1.74,
    "whole": 1.17,
    "whole_given": -1.02,
}
#: The log odds of no column at all.
NONE = 0.92
#: What a column loses that the input schema has.
GIVEN = 3.0
