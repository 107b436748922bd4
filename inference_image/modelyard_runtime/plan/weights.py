"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "alternatives": 2.52,
    "beside_head": -2.59,
    "class_measured": -2.42,
    "class_of_few": 0.54,
    "conventional": 3.25,
    "counted": 2.40,
    "coverage": 3.35,
    "event": 1.34,
    "every_value": 3.00,
    "explained": 1.39,
    "first_column": 0.47,
    "initials": 3.01,
    "label": -2.38,
    "last_column": 0.70,
    "last_fits": 1.05,
    "many_texts": -2.86,
    "measure": 1.22,
    "most_values": 3.46,
    "noun": 0.63,
    "noun_share": 0.54,
    "number": 0.19,
    "number_measured": 0.39,
    "number_of_text": -2.93,
    "one_of_two": 0.00,
    "one_value": 1.50,
    "only_about": -1.20,
    "only_flag": 0.00,
    "only_given": -0.92,
    "outcome": 1.22,
    "predicate": 1.43,
    "quantity_measured": 0.90,
    "quantity_of_text": -1.51,
    "quantity_of_two": -1.42,
    "quoted": 0.88,
    "shortened": 2.71,
    "sparse": -1.62,
    "stated": 1.15,
    "subject": 0.80,
    "two_values": 1.25,
    "unlearnable": -2.50,
    "variant": -0.91,
    "whether_measured": -2.52,
    "whether_of_many": -1.50,
    "whether_of_two": 1.53,
    "whole": 0.99,
    "whole_given": -2.10,
}
#: The log odds of no column at all.
NONE = 2.14
#: What a column loses that the input schema has.
GIVEN = 3.0
