"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "alternatives": 3.99,
    "beside_head": -2.35,
    "class_measured": -2.65,
    "class_of_few": 0.53,
    "conventional": 3.49,
    "conventional_asked": 0.06,
    "counted": 2.80,
    "coverage": 4.31,
    "event": 0.35,
    "every_value": 2.69,
    "explained": 1.07,
    "first_column": 0.67,
    "initials": 3.46,
    "label": -2.15,
    "last": 0.00,
    "last_column": 0.70,
    "last_fits": 0.00,
    "many_texts": -1.92,
    "measure": 0.43,
    "most_values": 3.32,
    "noun": 0.56,
    "noun_share": 1.29,
    "number": 0.12,
    "number_measured": 0.39,
    "number_of_text": -2.07,
    "one_of_two": 0.00,
    "one_value": 1.79,
    "only_about": -1.20,
    "only_flag": 0.40,
    "only_given": -2.64,
    "outcome": 0.00,
    "predicate": 0.86,
    "quantity_measured": 0.66,
    "quantity_of_text": -1.33,
    "quantity_of_two": -2.15,
    "quoted": 1.00,
    "shortened": 3.10,
    "sparse": -1.50,
    "stated": 1.56,
    "subject": 0.24,
    "two_values": 1.04,
    "unlearnable": -1.61,
    "variant": 0.00,
    "whether_measured": -3.60,
    "whether_of_flag": 0.24,
    "whether_of_many": -1.07,
    "whether_of_two": 2.09,
    "whole": 0.37,
    "whole_given": -1.62,
}
#: The log odds of no column at all.
NONE = 2.74
#: What a column loses that the input schema has.
GIVEN = 3.0
