"""What a flow says while it runs. Flows emit events; only ``cli/`` draws them, only ``journal`` keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class StepBegun:
    """A step of a flow begins, on the host named ``on`` (empty: on this machine)."""

    name: str
    on: str = ""


@dataclass(frozen=True)
class Doing:
    """One act of a step begins; ``says`` is masked text, for those who want to see every command."""

    says: str


@dataclass(frozen=True)
class StepDone:
    """A step was applied and its effect verified. ``detail`` is a few words on what was measured."""

    name: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class StepFailed:
    """A step failed; ``reason`` is one sentence."""

    name: str
    seconds: float
    reason: str


@dataclass(frozen=True)
class StepUndone:
    """A step was taken back by its undo fragment."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a long job is: ``done`` of ``total`` (``None``: not known) of ``unit`` ("bytes", "tables", ...)."""

    what: str
    done: int
    total: int | None
    unit: str


@dataclass(frozen=True)
class Note:
    """A sentence for people that belongs to no step; ``level`` is "info", "good" or "warning"."""

    text: str
    level: str = "info"


Event = StepBegun | Doing | StepDone | StepFailed | StepUndone | Progress | Note
Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """An :data:`Emit` that keeps nothing: for callers that only want the effect."""
