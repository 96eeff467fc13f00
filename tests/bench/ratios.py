"""What the bench says: each figure is a ratio of two times measured in one run on one server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ratio:
    """One figure. ``ratio`` is ``None`` where it could not be measured: then it is never met.

    :param against: what ``seconds`` are divided by, in words.
    """

    name: str
    ratio: float | None
    goal: float
    seconds: float
    against: str
    note: str = ""

    @property
    def met(self) -> bool:
        return self.ratio is not None and self.ratio <= self.goal

    def json(self) -> dict[str, object]:
        said = asdict(self) | {"met": self.met}
        for name in ("ratio", "seconds"):
            said[name] = None if said[name] is None else round(said[name], 4)
        return said


def over(name: str, seconds: float, other: float, goal: float, against: str, note: str = "") -> Ratio:
    return Ratio(name, seconds / other if other else None, goal, seconds, f"{against}: {other:.2f} s", note)


def not_measured(name: str, goal: float, why: str) -> Ratio:
    return Ratio(name, None, goal, 0.0, "", f"not measured: {why}")


def table(ratios: Sequence[Ratio]) -> str:
    """For people: a line for each figure."""
    lines = [f"{'':4}{'ratio':>8} {'goal':>8} {'seconds':>9}  what"]
    for each in ratios:
        shown = "-" if each.ratio is None else f"{each.ratio:.3f}"
        mark = "ok" if each.met else "--" if each.ratio is None else "NO"
        told = "; ".join(part for part in (each.against, each.note) if part)
        lines.append(f"{mark:4}{shown:>8} {each.goal:>8.3f} {each.seconds:>9.2f}  {each.name} ({told})")
    return "\n".join(lines)


def write(ratios: Sequence[Ratio], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([each.json() for each in ratios], indent=1) + "\n")
