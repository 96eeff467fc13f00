"""A plot of downtime and rollback against database size, as SVG: written by hand, so that nothing needs installing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 64, 200, 40, 52
COLOURS = ("#1b6ca8", "#c4551b", "#5b8c3a", "#7a4fa3")


@dataclass(frozen=True)
class Point:
    """One measurement: a curve's name, the size of the database in MB, and seconds."""

    curve: str
    megabytes: float
    seconds: float


def draw(points: Sequence[Point]) -> str:
    """Both axes are logarithmic; each curve is labelled at its right end."""
    across = _Axis([point.megabytes for point in points], LEFT, WIDTH - RIGHT)
    up = _Axis([max(point.seconds, 0.01) for point in points], HEIGHT - BOTTOM, TOP)
    box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    parts = [
        f'<svg {box} font-family="sans-serif" font-size="12">',
        "<title>Seconds against the size of the shop's database</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for value in across.ticks():
        parts.append(f'<path d="M{across(value):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{across(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
    for value in up.ticks():
        parts.append(f'<path d="M{LEFT} {up(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{up(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">database, MB</text>')
    parts.append(f'<text x="{LEFT}" y="{TOP - 14}">seconds</text>')
    for number, curve in enumerate(dict.fromkeys(point.curve for point in points)):
        parts += _curve([p for p in points if p.curve == curve], COLOURS[number % len(COLOURS)], across, up)
    return "\n".join([*parts, "</svg>", ""])


def _curve(points: Sequence[Point], colour: str, across: _Axis, up: _Axis) -> list[str]:
    places = [(across(p.megabytes), up(max(p.seconds, 0.01))) for p in sorted(points, key=lambda p: p.megabytes)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    x, y = places[-1]
    label = f'<text x="{x + 10:.1f}" y="{y + 4:.1f}" fill="{colour}">{points[0].curve}</text>'
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots, label]


class _Axis:
    """A logarithmic scale from values to places."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self.low = math.log10(min(values)) - 0.1
        self.high = max(math.log10(max(values)) + 0.1, self.low + 0.5)
        self.first, self.last = first, last

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> list[float]:
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        found = [step * 10.0**power for power in powers for step in (1, 3)]
        return [value for value in found if self.low <= math.log10(value) <= self.high]
