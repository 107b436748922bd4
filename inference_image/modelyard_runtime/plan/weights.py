"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "acronym": 3.07,
    "alternatives": 2.39,
    "beside_head": -1.37,
    "class_measured": -1.80,
    "class_of_few": 0.28,
    "conventional": 3.68,
    "counted": 2.40,
    "coverage": 3.33,
    "event": 0.99,
    "every_value": 2.54,
    "explained": 1.78,
    "first_column": 0.37,
    "initials": 3.06,
    "known_before": -3.94,
    "label": -2.64,
    "last_column": 0.70,
    "last_fits": 1.95,
    "many_texts": -2.16,
    "measure": 1.03,
    "most_values": 3.42,
    "noun": 0.37,
    "noun_share": 0.83,
    "number": 1.34,
    "number_measured": 0.21,
    "number_of_text": -3.05,
    "one_of_two": 0.28,
    "one_value": 1.62,
    "only_about": -1.20,
    "only_flag": 0.01,
    "only_given": -0.90,
    "other_number": -3.18,
    "outcome": 1.52,
    "outdone": -1.44,
    "predicate": 1.00,
    "quantity_measured": 0.80,
    "quantity_of_text": -2.16,
    "quantity_of_two": -1.40,
    "quoted": 1.05,
    "shortened": 2.89,
    "sparse": -2.34,
    "stated": 1.33,
    "subject": 1.06,
    "to_come": 3.96,
    "two_values": 2.44,
    "unlearnable": -3.19,
    "variant": -0.32,
    "whether_measured": -2.74,
    "whether_of_many": -1.45,
    "whether_of_two": 1.35,
    "whole": 0.10,
    "whole_given": -2.15,
}
#: The log odds of no column at all.
NONE = 2.35
#: What a column loses that the input schema has.
GIVEN = 3.0
