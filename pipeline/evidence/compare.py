"""Comparing a smoke run with the baseline of the same clone: timings and pictures, with stated tolerances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType

from pipeline.evidence.verdicts import SmokeRun


@dataclass(frozen=True)
class Tolerance:
    """How much worse is still the same: up to ``factor`` times the baseline, or up to ``least`` above it."""

    factor: float
    least: float


TIMINGS: Mapping[str, Tolerance] = MappingProxyType(
    {
        "ttfb": Tolerance(2.0, 400.0),
        "load": Tolerance(2.0, 1000.0),
        "lcp": Tolerance(2.0, 1000.0),
        "cls": Tolerance(1.5, 0.1),
    }
)
"""Milliseconds; CLS has no unit. Wide, as one run on a busy machine proves little: each is a note, not a verdict."""


@dataclass(frozen=True)
class Slower:
    """A page that got worse in one measure, beyond its tolerance."""

    path: str
    measure: str
    before: float
    now: float

    def __str__(self) -> str:
        unit = "" if self.measure == "cls" else " ms"
        shown = ".2f" if self.measure == "cls" else ".0f"
        return f"{self.path}: {self.measure.upper()} {self.before:{shown}} → {self.now:{shown}}{unit}"


def timings(run: SmokeRun) -> dict[tuple[str, str], float]:
    """(path, measure) → the median over all visits of that page in a run; pages that were errors are left out."""
    seen: dict[tuple[str, str], list[float]] = {}
    for case in run.cases:
        for visit in case.visits:
            if not 200 <= visit["status"] < 400:
                continue
            for measure in TIMINGS:
                if visit.get(measure) is not None:
                    seen.setdefault((_kind(visit["path"]), measure), []).append(float(visit[measure]))
    return {key: median(values) for key, values in seen.items()}


def _kind(path: str) -> str:
    """Pages of one kind under one name: a confirmation has another address each time."""
    parts = [part for part in path.split("/") if part]
    return f"/{parts[0]}/…/" if len(parts) > 1 else path


def slower(
    baseline: Mapping[tuple[str, str], float],
    now: Mapping[tuple[str, str], float],
    tolerances: Mapping[str, Tolerance] = TIMINGS,
) -> tuple[Slower, ...]:
    """What got worse beyond its tolerance, the worst first. A page that only one of them has says nothing."""
    worse = [
        Slower(path, measure, baseline[path, measure], value)
        for (path, measure), value in now.items()
        if (path, measure) in baseline and _beyond(baseline[path, measure], value, tolerances[measure])
    ]
    return tuple(sorted(worse, key=lambda one: -(one.now / one.before if one.before else float("inf"))))


def _beyond(before: float, now: float, tolerance: Tolerance) -> bool:
    return now > before * tolerance.factor and now - before > tolerance.least


@dataclass(frozen=True)
class Box:
    """A part of a picture, in pixels from its upper left corner."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class PictureDifference:
    """How two pictures differ: the ``share`` of all pixels (0 to 1), and the box around them (``None``: none does)."""

    share: float
    box: Box | None


PIXEL_TOLERANCE = 24
"""Steps of 255 by which a channel may differ and still be the same: font smoothing is not a change."""


def picture_difference(before: Path, now: Path, *, masks: Sequence[Box] = ()) -> PictureDifference:
    """Compare two screenshots. Where one is larger, what the other lacks counts as different; masks never do.

    :raises OSError: if one of them is not a picture.
    """
    from PIL import Image, ImageChops, ImageDraw

    with Image.open(before) as first, Image.open(now) as second:
        width, height = max(first.width, second.width), max(first.height, second.height)
        canvases = []
        for picture, empty in ((first, (255, 0, 255)), (second, (0, 255, 0))):
            canvas = Image.new("RGB", (width, height), empty)
            canvas.paste(picture.convert("RGB"))
            canvases.append(canvas)
    channels = ImageChops.difference(*canvases).split()
    strongest = ImageChops.lighter(ImageChops.lighter(channels[0], channels[1]), channels[2])
    changed = strongest.point([255 if step > PIXEL_TOLERANCE else 0 for step in range(256)])
    pen = ImageDraw.Draw(changed)
    for mask in masks:
        pen.rectangle((mask.left, mask.top, mask.right - 1, mask.bottom - 1), fill=0)
    box = changed.getbbox()
    share = changed.histogram()[255] / (width * height)
    return PictureDifference(share, Box(*box) if box else None)
