"""What campaigns share: their size, and where their figures go.

A file of ``tests/soak`` is a campaign; ``make soak SCALE=0.1`` runs all at a tenth of their size.
"""

from __future__ import annotations

import os

import report


def scaled(full: int) -> int:
    """The size of a campaign in this run, of a full size; at least 1."""
    return max(1, round(full * float(os.environ.get("MODELYARD_SOAK_SCALE", "1"))))


def record(name: str, value: float, unit: str) -> None:
    """Put a figure into bench.json."""
    report.merge([report.Figure(f"soak.{name}", round(value, 2), unit)])
