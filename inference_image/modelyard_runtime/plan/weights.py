"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "alternatives": 3.84,
    "beside_head": -2.64,
    "class_measured": -1.61,
    "class_of_few": 0.62,
    "conventional": 2.76,
    "counted": 2.35,
    "coverage": 3.69,
    "event": 1.16,
    "every_value": 3.05,
    "explained": 1.25,
    "first_column": 0.46,
    "initials": 3.20,
    "label": -2.63,
    "last": 0.00,
    "last_column": 0.70,
    "last_fits": 1.23,
    "many_texts": -2.43,
    "measure": 1.44,
    "most_values": 3.45,
    "noun": 0.67,
    "noun_share": 0.48,
    "number": 0.08,
    "number_measured": 0.78,
    "number_of_text": -2.75,
    "one_of_two": 0.02,
    "one_value": 1.66,
    "only_about": -1.20,
    "only_flag": 0.00,
    "only_given": -1.52,
    "outcome": 1.44,
    "predicate": 1.43,
    "quantity_measured": 1.05,
    "quantity_of_text": -1.34,
    "quantity_of_two": -0.94,
    "quoted": 0.88,
    "shortened": 3.75,
    "sparse": -1.64,
    "stated": 1.23,
    "subject": 1.46,
    "two_values": 0.25,
    "unlearnable": -2.05,
    "variant": -0.64,
    "whether_measured": -2.76,
    "whether_of_many": -0.96,
    "whether_of_two": 1.70,
    "whole": 0.98,
    "whole_given": -2.26,
}
#: The log odds of no column at all.
NONE = 2.52
#: What a column loses that the input schema has.
GIVEN = 3.0
