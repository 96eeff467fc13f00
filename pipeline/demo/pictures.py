"""Pictures of pots, drawn from profiles with the standard library alone: a seeded shop has real images to copy."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Colour = tuple[float, float, float]
Profile = Callable[[float], float]
"""Half the width of a pot (1 is half of the picture) at a height from 0 (rim) to 1 (foot)."""

SIZE = 480
BACKDROP_TOP: Colour = (241, 232, 217)
BACKDROP_FLOOR: Colour = (226, 211, 190)
HORIZON = 0.7
SHADES = 128


@dataclass(frozen=True)
class Pot:
    """One shape: where its rim and foot stand (parts of the picture's height), and its profile."""

    rim: float
    foot: float
    profile: Profile
    handle: float = 0.0
    """Radius of a handle on the right side, in parts of the picture; 0 is none."""


SHAPES: dict[str, Pot] = {
    "Assiettes": Pot(0.56, 0.68, lambda t: 0.74 * (1 - t) ** 0.55 + 0.30 * t),
    "Bols": Pot(0.40, 0.76, lambda t: 0.56 * math.sqrt(max(0.0, 1 - 0.86 * t * t)) if t < 0.93 else 0.23),
    "Bougeoirs": Pot(0.30, 0.77, lambda t: 0.15 + 0.46 * max(0.0, t - 0.55) ** 0.8 + (0.06 if t < 0.1 else 0.0)),
    "Jarres": Pot(0.28, 0.79, lambda t: 0.20 + 0.30 * math.sin(math.pi * t**0.82)),
    "Pichets": Pot(0.22, 0.79, lambda t: 0.24 + 0.02 * math.cos(9 * t) + 0.16 * math.sin(math.pi * t**1.7), 0.16),
    "Plats": Pot(0.52, 0.70, lambda t: 0.82 - 0.22 * t**2),
    "Tasses": Pot(0.38, 0.77, lambda t: 0.38 - 0.03 * t if t < 0.86 else 0.38 - 0.03 * t - 0.9 * (t - 0.86), 0.13),
    "Vases": Pot(
        0.17, 0.80, lambda t: 0.15 + 0.25 * math.sin(math.pi * max(0.0, t - 0.16) ** 1.15) + 0.05 * (1 - t) ** 6
    ),
}

GLAZES: dict[str, tuple[Colour, Colour]] = {
    "Céladon": ((147, 176, 158), (188, 160, 128)),
    "Cendre": ((205, 198, 186), (150, 128, 108)),
    "Indigo": ((62, 84, 122), (176, 146, 116)),
    "Ocre": ((204, 151, 78), (142, 92, 60)),
    "Terracotta": ((190, 98, 66), (214, 170, 132)),
}
"""Glaze and bare clay of each colour."""


def file_name(category: str, glaze: str) -> str:
    """The picture's file name: ASCII, so that it survives every file system and address."""
    plain = f"{category}-{glaze}".lower().translate(str.maketrans("éèâôç", "eeaoc"))
    return f"{plain}.png"


def write_images(folder: Path) -> list[Path]:
    """Draws every category in every glaze into ``folder`` (made if missing); about 15 kB each. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for category, pot in SHAPES.items():
        for glaze, colours in GLAZES.items():
            path = folder / file_name(category, glaze)
            path.write_bytes(_png(_rows(pot, *colours)))
            written.append(path)
    return written


def _mix(a: Colour, b: Colour, part: float) -> Colour:
    return (a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part, a[2] + (b[2] - a[2]) * part)


def _pixel(colour: Colour) -> bytes:
    return bytes(max(0, min(255, round(value))) for value in colour)


def _backdrop(y: int) -> Colour:
    part = y / SIZE
    if part < HORIZON:
        return _mix(BACKDROP_TOP, (246, 239, 228), part / HORIZON)
    return _mix(BACKDROP_FLOOR, (234, 222, 204), (part - HORIZON) / (1 - HORIZON))


def _light(across: float) -> float:
    """How bright a round body is at ``across`` its width (-1 left to 1 right): light falls from the left."""
    glint = 0.16 * math.exp(-(((across + 0.45) / 0.12) ** 2))
    return 1.12 - 0.28 * (across + 0.35) ** 2 - 0.22 * max(0.0, across) ** 3 + glint


def _shaded(colour: Colour, brightness: float) -> Colour:
    return (colour[0] * brightness, colour[1] * brightness, colour[2] * brightness)


def _shades(colour: Colour) -> list[bytes]:
    """The pixels of a round body from its left edge to its right."""
    return [_pixel(_shaded(colour, _light(2 * step / SHADES - 1))) for step in range(SHADES + 1)]


def _colour(pixel: bytes) -> Colour:
    return (pixel[0], pixel[1], pixel[2])


def _rows(pot: Pot, glaze: Colour, clay: Colour) -> Iterator[bytes]:
    """The picture's rows of RGB, from the top."""
    glazed, bare, lip = _shades(glaze), _shades(clay), _shades(_shaded(glaze, 0.94))
    rim, foot = pot.rim * SIZE, pot.foot * SIZE
    for y in range(SIZE):
        row = _with_shadow(y, foot, pot.profile(0.9))
        height = (y - rim) / (foot - rim)
        if pot.handle:
            _draw_handle(row, y, pot, glazed)
        if 0 <= height < 1:
            shades = bare if height > 0.80 else lip if height < 0.012 else glazed
            _draw_body(row, pot.profile(height) * SIZE / 2, shades)
        _draw_mouth(row, y, rim, pot.profile(0.0) * SIZE / 2, glaze)
        yield b"".join(row)


def _with_shadow(y: int, foot: float, width: float) -> list[bytes]:
    backdrop = _backdrop(y)
    row = [_pixel(backdrop)] * SIZE
    distance = abs(y - foot - 4) / (SIZE * 0.045)
    if distance < 1:
        reach = (width + 0.10) * SIZE / 2
        centre = SIZE / 2 + 22
        for x in range(max(0, int(centre - reach)), min(SIZE, int(centre + reach))):
            depth = max(0.0, 1 - ((x - centre) / reach) ** 2 - distance**2)
            row[x] = _pixel(_shaded(backdrop, 1 - 0.34 * min(1.0, depth * 1.4)))
    return row


def _blend(row: list[bytes], x: int, colour: Colour, part: float) -> None:
    if 0 <= x < SIZE and part > 0:
        row[x] = _pixel(_mix(_colour(row[x]), colour, min(1.0, part)))


def _draw_body(row: list[bytes], half: float, shades: list[bytes]) -> None:
    """One row of the body, its two edge pixels weighed by how much of them it covers."""
    left, right = SIZE / 2 - half, SIZE / 2 + half
    first, last = math.ceil(left), math.floor(right)
    step = SHADES / (2 * half)
    row[first:last] = [shades[int((x + 0.5 - left) * step)] for x in range(first, last)]
    _blend(row, first - 1, _colour(shades[0]), first - left)
    _blend(row, last, _colour(shades[-1]), right - last)


def _draw_mouth(row: list[bytes], y: int, rim: float, half: float, glaze: Colour) -> None:
    """The opening: a flat ellipse about the rim, darker inside, with a light lip."""
    depth = half * 0.17
    offset = (y + 0.5 - rim) / depth
    if abs(offset) >= 1:
        return
    reach = half * math.sqrt(1 - offset**2)
    lip = 3.0 + 2.5 * (1 - abs(offset))
    for x in range(math.floor(SIZE / 2 - reach), math.ceil(SIZE / 2 + reach)):
        inside = reach - abs(x + 0.5 - SIZE / 2)
        edge_of_ellipse = inside < lip or (1 - abs(offset)) * depth < 2.2
        across = (x + 0.5 - SIZE / 2) / half
        brightness = 1.1 - 0.12 * across if edge_of_ellipse else 0.62 + 0.22 * across - 0.1 * offset
        _blend(row, x, _shaded(glaze, brightness), inside + 0.5)


def _draw_handle(row: list[bytes], y: int, pot: Pot, shades: list[bytes]) -> None:
    """A ring on the right, drawn before the body, which hides its left part."""
    middle = (pot.rim + (pot.foot - pot.rim) * 0.46) * SIZE
    radius = pot.handle * SIZE
    centre = SIZE / 2 + pot.profile(0.46) * SIZE / 2 - radius * 0.1
    thick = SIZE * 0.017
    if abs(y - middle) > radius + 2 * thick:
        return
    for x in range(int(centre - radius), min(SIZE, int(centre + radius + thick) + 2)):
        distance = math.hypot(x + 0.5 - centre, (y + 0.5 - middle) * 0.92) - radius
        if abs(distance) < thick + 1:
            shade = shades[SHADES // 2 + round(SHADES * 0.3 * max(-1.0, min(1.0, distance / thick)))]
            _blend(row, x, _colour(shade), thick + 0.5 - abs(distance))


def _png(rows: Iterator[bytes]) -> bytes:
    raw = b"".join(b"\x00" + row for row in rows)
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
