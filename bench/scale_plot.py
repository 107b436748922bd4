"""The plot of ``operator_scale.py``: time and memory over the number of models, as a small SVG."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import report

WIDTH, HEIGHT, MARGIN = 420, 300, 56
INK, GRID = "#444", "#ddd"


class Line(NamedTuple):
    """One figure over the sizes."""

    figure: str
    label: str
    colour: str


class Panel(NamedTuple):
    """A diagram with two logarithmic axes."""

    title: str
    unit: str
    lines: tuple[Line, ...]


PANELS = (
    Panel(
        "Time",
        "s",
        (
            Line("converge_s", "converge", "#0b6"),
            Line("floor_s", "bare client", "#999"),
            Line("restart_s", "restart", "#06b"),
        ),
    ),
    Panel("Memory", "MB", (Line("rss_mb", "resident at rest", "#b60"),)),
)


def draw(path: Path, source: Path = report.PATH) -> None:
    """Draw what bench.json has of all sizes."""
    records = json.loads(source.read_text())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{2 * WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for number, panel in enumerate(PANELS):
        series = {line: points(records, line.figure) for line in panel.lines}
        parts.append(f'<g transform="translate({number * WIDTH},0)">')
        parts += _panel(panel, series)
        parts.append("</g>")
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")


def points(records: list[dict[str, object]], figure: str) -> list[tuple[float, float]]:
    """The sizes and values of one figure, in order of size."""
    found = []
    for record in records:
        name = re.fullmatch(rf"operator\.(\d+)\.{figure}", str(record["name"]))
        if name:
            found.append((float(name[1]), float(str(record["value"]))))
    return sorted(found)


class _Axis(NamedTuple):
    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> Iterator[float]:
        for power in range(math.ceil(self.low), math.floor(self.high) + 1):
            yield 10.0**power


def _axis(values: list[float], start: float, end: float) -> _Axis:
    low, high = math.log10(min(values)) - 0.2, math.log10(max(values)) + 0.2
    return _Axis(math.floor(low), math.ceil(high), start, end)


def _panel(panel: Panel, series: dict[Line, list[tuple[float, float]]]) -> list[str]:
    every = [point for found in series.values() for point in found]
    across = _axis([x for x, _ in every], MARGIN, WIDTH - MARGIN)
    up = _axis([max(y, 0.1) for _, y in every], HEIGHT - MARGIN, MARGIN)
    parts = [_text(WIDTH / 2, 20, f"{panel.title} ({panel.unit})", "middle", INK)]
    for tick in across.ticks():
        parts.append(_rule(across.at(tick), up.start, across.at(tick), up.end))
        parts.append(_text(across.at(tick), up.start + 16, f"{tick:g}", "middle", INK))
    for tick in up.ticks():
        parts.append(_rule(across.start, up.at(tick), across.end, up.at(tick)))
        parts.append(_text(across.start - 6, up.at(tick) + 4, f"{tick:g}", "end", INK))
    parts.append(_text(WIDTH / 2, HEIGHT - 14, "models", "middle", INK))
    for line, found in series.items():
        parts += _line(line, [(across.at(x), up.at(max(y, 0.1))) for x, y in found])
    return parts


def _line(line: Line, places: list[tuple[float, float]]) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{line.colour}"/>' for x, y in places]
    x, y = places[-1]
    return [
        f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"/>',
        *dots,
        _text(x - 4, y - 8, line.label, "end", line.colour),
    ]


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{GRID}"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'


if __name__ == "__main__":
    draw(Path(__file__).parents[1] / "docs" / "operator-scale.svg")
