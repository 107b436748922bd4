"""bench.json: one record a figure, merged by name, so that each bench writes only its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

PATH = Path(__file__).parents[1] / "bench.json"


class Figure(NamedTuple):
    """One measured value, and the best of the peers in the same run."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None


def figure(name: str, value: float, unit: str, peers: dict[str, float], *, less: bool) -> Figure:
    """A figure beside the best peer; the ratio is above 1 where ours is better."""
    if not peers:
        return Figure(name, _rounded(value), unit)
    best = (min if less else max)(peers, key=lambda peer: peers[peer])
    ratio = peers[best] / value if less else value / peers[best]
    return Figure(name, _rounded(value), unit, best, _rounded(peers[best]), _rounded(ratio))


def merge(figures: Iterable[Figure], path: Path = PATH) -> None:
    """Write the figures, leaving those of other names."""
    present: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    records = {record["name"]: record for record in present}
    records |= {item.name: item._asdict() for item in figures}
    path.write_text(json.dumps([records[name] for name in sorted(records)], indent=2) + "\n")


def table(header: list[str], rows: list[list[str]]) -> str:
    """Columns of text, aligned."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
