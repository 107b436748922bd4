"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "alternatives": 2.52,
    "beside_head": -2.57,
    "class_measured": -2.41,
    "class_of_few": 0.50,
    "conventional": 3.24,
    "counted": 2.38,
    "coverage": 3.33,
    "event": 1.27,
    "every_value": 2.98,
    "explained": 1.39,
    "first_column": 0.47,
    "initials": 3.00,
    "label": -2.39,
    "last": 0.00,
    "last_column": 0.70,
    "last_fits": 1.14,
    "many_texts": -2.86,
    "measure": 1.21,
    "most_values": 3.44,
    "noun": 0.70,
    "noun_share": 0.44,
    "number": 0.19,
    "number_measured": 0.38,
    "number_of_text": -2.94,
    "one_of_two": 0.00,
    "one_value": 1.51,
    "only_about": -1.20,
    "only_flag": 0.00,
    "only_given": -0.91,
    "outcome": 1.20,
    "predicate": 1.43,
    "quantity_measured": 0.90,
    "quantity_of_text": -1.51,
    "quantity_of_two": -1.42,
    "quoted": 0.87,
    "shortened": 2.72,
    "sparse": -1.62,
    "stated": 1.13,
    "subject": 0.80,
    "two_values": 1.22,
    "unlearnable": -2.51,
    "variant": -0.91,
    "whether_measured": -2.52,
    "whether_of_many": -1.51,
    "whether_of_two": 1.49,
    "whole": 1.03,
    "whole_given": -2.13,
}
#: The log odds of no column at all.
NONE = 2.11
#: What a column loses that the input schema has.
GIVEN = 3.0
