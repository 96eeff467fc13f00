"""The way back as text: the fragments that undo one step each, and ``rollback.sh``, which runs them newest first.

Both are POSIX shell and need nothing but coreutils (and what a fragment itself calls): they must work when Palier,
Python and the shop's own code do not. The engine, the guard, ``palier rollback`` and a person all run this one script.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import PalierError

SCRIPT = "rollback.sh"
LOG = "undo.log"
HALTED = "halted"
"""Exists from the moment anybody began to undo: no step of the run may be applied any more."""

DONE, USAGE, BUSY, FAILED = 0, 2, 6, 8
"""Exit statuses of ``rollback.sh``: all taken back; wrong usage; somebody else is at it; a fragment failed."""

_NAME = re.compile(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*")
_LINE = re.compile(r"(?:\S+Z )?undo (?P<name>\d\d-[a-z0-9-]+) (?P<what>begun|ok|failed)(?: (?P<seconds>\d+\.\d\d))?")


def fragment_name(number: int, slug: str) -> str:
    """``NN-slug``: a fragment's file without ``.sh``.

    :raises PalierError: if it would not sort by age, or could mean something to a shell.
    """
    name = f"{number:02d}-{slug}"
    if not _NAME.fullmatch(name) or number < 1:
        raise PalierError(
            f"An undo fragment cannot be named {name!r}.", why="It takes a number from 1 to 99 and a plain slug."
        )
    return name


def fragment(title: str, body: str) -> str:
    """The whole text of one fragment. It runs in the run's folder and ends at the first command that fails."""
    return f"#!/bin/sh\n# Takes back: {' '.join(title.split())}\nset -eu\n{body.strip()}\n"


@dataclass(frozen=True)
class UndoLine:
    """One line of what ``rollback.sh`` says, on its output and in ``undo.log``; ``what`` is begun, ok or failed."""

    fragment: str
    what: str
    seconds: float = 0.0

    @property
    def number(self) -> int:
        """The number of the step that the fragment takes back."""
        return int(self.fragment[:2])


def parse(text: str) -> tuple[UndoLine, ...]:
    """The protocol lines in ``text``; whatever else is in it is for people."""
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return tuple(UndoLine(line["name"], line["what"], float(line["seconds"] or 0)) for line in found if line)


@cache
def rollback_script() -> str:
    """``rollback.sh``: the same text for every run, so that it can be checked by its hash."""
    return Path(__file__).with_name(SCRIPT).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
