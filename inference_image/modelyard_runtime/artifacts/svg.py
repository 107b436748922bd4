"""Charts as SVG text, of the few kinds that a model card needs. Called by ``plots``.

Pure functions of numbers and labels; no library for plots is worth its start for five of them.
"""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

WIDTH, HEIGHT = 480, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 44, 48
INK, GREY, GRID = "#1f2937", "#6b7280", "#e5e7eb"
COLOURS = ("#2563eb", "#d97706")
LABEL_LENGTH = 24
_TICKS = 5
#: Ranges below this share of their values are drawn as if their values were equal.
_LEAST = 1e-9

Point = tuple[float, float]


class Line(NamedTuple):
    """A named curve; ``dots`` marks its points."""

    name: str
    points: Sequence[Point]
    dots: bool = False


class Axes(NamedTuple):
    """What a chart shows and along what; a reference is a dashed line between two points."""

    title: str
    across: str
    up: str
    reference: tuple[Point, Point] | None = None


class _Scale(NamedTuple):
    """From values to places on the drawing."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[float]:
        """Round numbers within the scale."""
        step = _round_step((self.high - self.low) / _TICKS)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def lines(axes: Axes, curves: Sequence[Line], bands: Sequence[tuple[float, Point]] = ()) -> str:
    """Curves over numbers; a band is a place across and its ends upwards."""
    points = [point for curve in curves for point in curve.points]
    points += [(x, y) for x, ends in bands for y in ends] + list(axes.reference or ())
    across = _Scale(*_span(x for x, _ in points), _LEFT, WIDTH - _RIGHT)
    up = _Scale(*_span(y for _, y in points), HEIGHT - _BOTTOM, _TOP)
    parts = [_grid(axes, across, up)]
    if axes.reference:
        (x, y), (to_x, to_y) = axes.reference
        parts.append(
            f'<path d="M{across.at(x)},{up.at(y)}L{across.at(to_x)},{up.at(to_y)}" '
            f'stroke="{GREY}" stroke-dasharray="4 4"/>'
        )
    parts += [
        f'<path d="M{across.at(x)},{up.at(low)}V{up.at(high)}" stroke="{COLOURS[0]}" '
        'stroke-opacity=".35" stroke-width="9"/>'
        for x, (low, high) in bands
    ]
    for number, curve in enumerate(curves):
        parts += _curve(curve, COLOURS[number % len(COLOURS)], across, up)
    parts += _legend([curve.name for curve in curves])
    return _drawing(axes.title, parts)


def columns(axes: Axes, edges: Sequence[float], counts: Sequence[int]) -> str:
    """A histogram."""
    across = _Scale(*_span(edges), _LEFT, WIDTH - _RIGHT)
    up = _Scale(0, max([*counts, 1]), HEIGHT - _BOTTOM, _TOP)
    parts = [_grid(axes, across, up)]
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        left, top = across.at(low), up.at(count)
        parts.append(
            f'<rect x="{left}" y="{top}" width="{max(1.0, across.at(high) - left - 1):.1f}" '
            f'height="{HEIGHT - _BOTTOM - top:.1f}" fill="{COLOURS[0]}"/>'
        )
    return _drawing(axes.title, parts)


def bars(title: str, named: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars with their labels and shares, one below the other."""
    step, left = 22, 170
    height = _TOP + step * len(named) + 12
    most = max([value for _, value in named] + [1e-9])
    parts = []
    for number, (name, value) in enumerate(named):
        y = _TOP + step * number
        width = (WIDTH - left - 70) * value / most
        parts += [
            _text(left - 8, y + 13, _short(name), anchor="end"),
            f'<rect x="{left}" y="{y}" width="{width:.1f}" height="{step - 6}" '
            f'fill="{COLOURS[0]}"/>',
            _text(left + width + 6, y + 13, f"{value:.1%}", fill=GREY),
        ]
    return _drawing(title, parts, height=height)


def matrix(axes: Axes, labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """A square of counts, each cell as dark as its share of its line."""
    cell = max(22, min(64, 340 // len(labels)))
    left, top = 150, 60
    side = cell * len(labels)
    parts = [
        _text(left + side / 2, 46, axes.across, anchor="middle", fill=GREY),
        _text(left - 8, 46, axes.up, anchor="end", fill=GREY),
    ]
    for line, (label, values) in enumerate(zip(labels, counts, strict=True)):
        y = top + cell * line
        parts.append(_text(left - 8, y + cell / 2 + 4, _short(label, 20), anchor="end"))
        for column, value in enumerate(values):
            parts += _cell(left + cell * column, y, cell, value, value / max(1, sum(values)))
    for column, label in enumerate(labels):
        x, y = left + cell * column + cell / 2, top + side + 12
        parts.append(
            f'<text x="{x}" y="{y}" text-anchor="end" transform="rotate(-40 {x} {y})">'
            f"{escape(_plain(_short(label, 20)))}</text>"
        )
    return _drawing(axes.title, parts, width=max(WIDTH, left + side + 20), height=top + side + 110)


def _cell(x: float, y: float, side: int, value: int, share: float) -> list[str]:
    dark = share > 0.5  # noqa: PLR2004 - where black on blue can no longer be read
    return [
        f'<rect x="{x}" y="{y}" width="{side - 1}" height="{side - 1}" fill="{COLOURS[0]}" '
        f'fill-opacity="{0.04 + 0.96 * share:.2f}"/>',
        _text(
            x + side / 2,
            y + side / 2 + 4,
            _number(value),
            anchor="middle",
            fill="#ffffff" if dark else INK,
        ),
    ]


def _curve(curve: Line, colour: str, across: _Scale, up: _Scale) -> list[str]:
    places = [(across.at(x), up.at(y)) for x, y in curve.points]
    path = "L".join(f"{x},{y}" for x, y in places)
    drawn = [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    if curve.dots:
        drawn += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in places]
    return drawn


def _legend(names: Sequence[str]) -> list[str]:
    if len(names) < 2:  # noqa: PLR2004 - one curve is named by the title
        return []
    return [
        _text(
            WIDTH - _RIGHT,
            _TOP - 14 + 14 * number,
            name,
            anchor="end",
            fill=COLOURS[number % len(COLOURS)],
        )
        for number, name in enumerate(names)
    ]


def _grid(axes: Axes, across: _Scale, up: _Scale) -> str:
    bottom = HEIGHT - _BOTTOM
    parts = [
        _text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 10, axes.across, anchor="middle", fill=GREY),
        f'<g transform="rotate(-90 14 {HEIGHT / 2})">'
        + _text(14, HEIGHT / 2, axes.up, anchor="middle", fill=GREY)
        + "</g>",
    ]
    for value in up.ticks:
        y = up.at(value)
        parts.append(f'<path d="M{_LEFT},{y}H{WIDTH - _RIGHT}" stroke="{GRID}"/>')
        parts.append(_text(_LEFT - 6, y + 4, _number(value), anchor="end", fill=GREY))
    parts += [
        _text(across.at(value), bottom + 16, _number(value), anchor="middle", fill=GREY)
        for value in across.ticks
    ]
    return "".join(parts)


def _drawing(title: str, parts: Iterable[str], width: int = WIDTH, height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label={quoteattr(_plain(title))} '
        'font-family="system-ui, sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
        + _text(12, 22, title, weight="600")
        + "".join(parts)
        + "</svg>\n"
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", fill: str = INK, weight: str = "400"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" '
        f'font-weight="{weight}">{escape(_plain(text))}</text>'
    )


def _span(values: Iterable[float]) -> Point:
    found = list(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    size = max(abs(low), abs(high))
    if high - low > max(size, _LEAST) * _LEAST:
        return low, high
    return low - max(size / 2, 0.5), high + max(size / 2, 0.5)


def _round_step(least: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** floor(log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))


def _short(text: str, length: int = LABEL_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _plain(text: str) -> str:
    """The text without what XML cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _number(value: float) -> str:
    """A number in few characters: 12k, 3.5M."""
    for least, size, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if least <= abs(value) < 1e12:  # noqa: PLR2004 - above, powers are shorter
            return f"{value / size:.3g}{letter}"
    return f"{value:.4g}"
