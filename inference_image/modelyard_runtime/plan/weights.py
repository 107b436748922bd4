"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "alternatives": 2.19,
    "class_measured": -2.06,
    "class_of_few": 2.05,
    "conventional": 1.67,
    "coverage": 2.13,
    "every_value": 2.49,
    "explained": 2.23,
    "first_column": 0.70,
    "initials": 1.28,
    "last": 0.59,
    "last_column": 0.70,
    "many_texts": -1.61,
    "measure": 0.77,
    "noun": 0.11,
    "noun_share": 1.05,
    "one_value": 0.28,
    "only_about": -1.20,
    "only_flag": 0.00,
    "only_given": -2.36,
    "predicate": 0.87,
    "quantity_measured": 0.88,
    "quantity_of_text": -1.06,
    "quantity_of_two": -1.67,
    "quoted": 0.88,
    "shortened": 1.46,
    "stated": 1.00,
    "two_values": 0.48,
    "unlearnable": -0.86,
    "whether_measured": -2.46,
    "whether_of_two": 2.30,
    "whole": 1.13,
    "whole_given": -1.40,
}
#: The log odds of no column at all.
NONE = 1.50
#: What a column loses that the input schema has.
GIVEN = 3.0
