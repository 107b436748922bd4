"""How much each kind of evidence speaks for a column: log odds of a conditional logit.

Fitted by ``bench/intent_weights.py`` over real tables and the wordings that people have for them;
``evidence`` says what the kinds are. Fit anew when a kind is added or what it says has changed.
Called by ``ranking``.
"""

from collections.abc import Mapping

WEIGHTS: Mapping[str, float] = {
    "beside_head": -1.67,
    "conventional": 3.54,
    "coverage": 2.47,
    "explained": 0.98,
    "first_column": 0.70,
    "initials": 3.40,
    "known_before": -3.74,
    "label": -2.58,
    "last_column": 0.70,
    "last_fits": 1.82,
    "matched": 7.49,
    "number_of_text": -2.28,
    "other_number": -3.39,
    "quantity_measured": 0.86,
    "quoted": 0.79,
    "stated": 1.00,
    "to_come": 2.36,
    "unlearnable": -2.67,
    "values_named": 3.50,
    "whether_measured": -0.66,
    "whether_of_two": 0.87,
    "whole": 0.30,
    "whole_given": -2.29,
}
#: The log odds of no column at all.
NONE = 3.73
#: What a column loses that the input schema has.
GIVEN = 3.0
