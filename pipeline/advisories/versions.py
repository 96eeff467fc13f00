"""Which of two versions is newer, and whether a version lies in a range, where "cannot be decided" is an answer.

The order is that of PHP's ``version_compare``, by which PrestaShop and WordPress decide whether something is an update.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import cmp_to_key
from itertools import pairwise, zip_longest
from typing import Literal

_PARTS = re.compile(r"[0-9]+|[^0-9.]+")
_WORDS = {"dev": 1, "alpha": 2, "a": 2, "beta": 3, "b": 3, "RC": 4, "rc": 4, "#": 5, "pl": 6, "p": 6}
_ORDER = ("pl", "p", "alpha", "a", "beta", "b", "RC", "rc", "dev")


def parts(version: str) -> tuple[str, ...]:
    """``1.10-beta2`` → ``1 10 beta 2``, as PHP takes a version apart; a ``v`` in front is not part of it."""
    plain = re.sub(r"[-_+]", ".", re.sub(r"^[vV](?=[0-9])", "", version.strip()))
    return tuple(_PARTS.findall(plain))


def compare(a: str, b: str) -> int:
    """-1, 0 or 1 as ``a`` is older than, the same as or newer than ``b``. ``1.0`` is older than ``1.0.0``."""
    return _compared(parts(a), parts(b))


def same_but_zeros(a: str, b: str) -> bool:
    """Whether two versions differ in zeros at the end alone: PHP orders them, people mean the same release."""
    return _without_zeros(parts(a)) == _without_zeros(parts(b))


newest_last = cmp_to_key(compare)
"""A key for :func:`sorted`: older versions first."""


def _without_zeros(found: tuple[str, ...]) -> tuple[str, ...]:
    while found and found[-1].isdigit() and not int(found[-1]):
        found = found[:-1]
    return tuple(str(int(part)) if part.isdigit() else part for part in found)


def _compared(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    for mine, theirs in zip_longest(a, b):
        # What is missing on one side stands between "rc" and "pl": 1.0rc < 1.0 < 1.0.0, 1.0 < 1.0pl.
        found = _part(mine or "#", theirs or "#", missing=mine is None or theirs is None)
        if found:
            return found
    return 0


def _part(mine: str, theirs: str, *, missing: bool) -> int:
    if missing:
        if mine.isdigit() or theirs.isdigit():
            return 1 if mine.isdigit() else -1
        return _sign(_rank(mine), _rank(theirs))
    if mine.isdigit() and theirs.isdigit():
        return _sign(int(mine), int(theirs))
    ranks = tuple(_rank("#" if part.isdigit() else part) for part in (mine, theirs))
    return _sign(*ranks)


def _rank(word: str) -> int:
    """Unknown words come before all others, as in PHP; words are known by how they begin."""
    found = next((known for known in _ORDER if word.startswith(known)), None)
    return _WORDS[found] if found else 5 if word == "#" else 0


def _sign(a: int, b: int) -> int:
    return (a > b) - (a < b)


class Verdict(Enum):
    """Whether an advisory speaks of a version."""

    AFFECTED = "affected"
    CLEAR = "not affected"
    UNDECIDED = "cannot decide"


Operator = Literal["<", "<=", ">", ">=", "="]


@dataclass(frozen=True)
class Bound:
    """One comparison: ``< 1.2.7``."""

    operator: Operator
    version: str

    @property
    def upper(self) -> bool:
        return self.operator in ("<", "<=")

    @property
    def lower(self) -> bool:
        return self.operator in (">", ">=")

    def holds(self, version: str) -> bool | None:
        """``None`` where the answer hangs on zeros at the end alone (is 1.0.0 within ``<= 1.0``?)."""
        order = compare(version, self.version)
        if order and same_but_zeros(version, self.version):
            return None
        return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0, "=": order == 0}[self.operator]

    def __str__(self) -> str:
        return f"{self.operator} {self.version}"


Interval = tuple[Bound, ...]
"""Bounds that must hold together; an empty one holds for every version."""


@dataclass(frozen=True)
class Range:
    """The versions that an advisory speaks of.

    ``sure`` is false where the text says more than its bounds (a note, "at least"): then only what lies within the
    bounds is certain, and what lies outside cannot be decided.
    """

    text: str
    """The words that it was read from, for people to judge by."""
    intervals: tuple[Interval, ...] = ()
    fixed: tuple[str, ...] = ()
    """The versions that mend it, where the text names them."""
    sure: bool = True
    readable: bool = True

    def verdict(self, version: str) -> Verdict:
        """Whether ``version`` is affected. Nothing is guessed: an unclear text is :attr:`Verdict.UNDECIDED`."""
        if not self.readable or not re.match(r"^v?[0-9]", version):
            return Verdict.UNDECIDED
        inside = [_within(interval, version) for interval in self.intervals]
        if None in inside:
            return Verdict.UNDECIDED
        if not any(inside):
            return self._outside(version)
        if all(inside) or self._disjoint():
            return Verdict.UNDECIDED if self._mended(version) else Verdict.AFFECTED
        return Verdict.UNDECIDED

    def _outside(self, version: str) -> Verdict:
        if len(self.fixed) == 1 and _between(self.intervals, version, self.fixed[0]):
            return Verdict.UNDECIDED
        return Verdict.CLEAR if self.sure else Verdict.UNDECIDED

    def _mended(self, version: str) -> bool:
        """Within the bounds and yet not older than the fix: the text contradicts itself."""
        return len(self.fixed) == 1 and compare(version, self.fixed[0]) >= 0

    def _disjoint(self) -> bool:
        """Whether no version lies in two intervals: branches, each with its own fix."""
        ends = sorted(self.intervals, key=lambda interval: newest_last(_start(interval)))
        return all(_apart(first, second) for first, second in pairwise(ends))


def _within(interval: Interval, version: str) -> bool | None:
    found = [bound.holds(version) for bound in interval]
    if False in found:
        return False
    return None if None in found else True


def _start(interval: Interval) -> str:
    return next((bound.version for bound in interval if not bound.upper), "")


def _apart(first: Interval, second: Interval) -> bool:
    end = next((bound for bound in first if not bound.lower), None)
    begin = next((bound for bound in second if not bound.upper), None)
    if end is None or begin is None:
        return False
    order = compare(end.version, begin.version)
    return order < 0 or (order == 0 and (end.operator == "<" or begin.operator == ">"))


def _between(intervals: tuple[Interval, ...], version: str, fixed: str) -> bool:
    """Newer than the last affected version named, older than the fix: nobody says which it is."""
    ends = [bound.version for interval in intervals for bound in interval if not bound.lower]
    return bool(ends) and all(compare(version, end) > 0 for end in ends) and compare(version, fixed) < 0
