"""The rungs of the way back: for each table the cheapest one that is safe, chosen from what was measured on staging.

Seconds are reckoned from rates measured on two cores with MariaDB 10.11; they are for choosing and for people, and no
promise. What can be promised, ``palier drill`` measures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from pipeline.database.connection import Database
from pipeline.database.footprint import Footprint
from pipeline.database.sql import NOT_OWN, identifier

COPIED = 30_000_000
"""Bytes a second that a table is copied, or built anew, inside the server."""
COMPARED = 100_000_000
"""Bytes a second that a table is compared with its copy."""
RESTORED = 17_000_000
"""Bytes of data a second that a dump is read back in."""
A_TABLE = 0.012
"""Seconds that any table costs, however small; on a busy disk several times that, as :class:`Pace` measures."""


class Rung(StrEnum):
    """How a table gets back to what it was, the cheapest first."""

    NOTHING = "nothing needed"
    """Throw-away rows; a table or view that the update makes, which is set aside."""
    IMAGES = "row images"
    """Its rows change and its definition does not: each row goes back by itself."""
    COPY = "copy"
    """Not in the footprint, and small: were it changed by surprise, it would be put back exactly."""
    ALTER = "copy and reverse ALTER"
    """Its definition changes: it is altered back in place, its rows from copy and images."""
    AGAIN = "copy and made again"
    """The update removes it."""
    SNAPSHOT = "full snapshot"
    """Not in the footprint, and too large for the time, or with another account's trigger: in the snapshot alone."""


_COPIED = {Rung.IMAGES, Rung.COPY, Rung.ALTER, Rung.AGAIN}
_BACK = {Rung.IMAGES: COMPARED, Rung.COPY: COMPARED, Rung.ALTER: COPIED, Rung.AGAIN: COPIED, Rung.SNAPSHOT: RESTORED}


@dataclass(frozen=True)
class Choice:
    """One table's rung. ``size`` in bytes."""

    table: str
    rung: Rung
    size: int
    expected: bool
    """Whether the footprint names it."""

    @property
    def copied(self) -> bool:
        """Whether it is copied behind the maintenance page."""
        return self.rung in _COPIED

    @property
    def seconds(self) -> float:
        """What it costs behind the maintenance page."""
        return copy_seconds(self.size) if self.copied else 0.0

    @property
    def back(self) -> float:
        """What putting it back costs; of a table outside the footprint that is never spent but by surprise."""
        return A_TABLE + self.size / _BACK[self.rung] if self.rung in _BACK else 0.0


@dataclass(frozen=True)
class Ladder:
    """The choice for every table of a shop."""

    choices: tuple[Choice, ...]

    @property
    def copied(self) -> tuple[str, ...]:
        """The tables that the checkpoint copies."""
        return tuple(sorted(choice.table for choice in self.choices if choice.copied))

    @property
    def must(self) -> tuple[str, ...]:
        """The tables of the footprint that are copied, whatever it costs."""
        return tuple(sorted(choice.table for choice in self.choices if choice.copied and choice.expected))

    @property
    def may(self) -> tuple[str, ...]:
        """The others that are copied, the smallest first; what changed in them meanwhile as far as time allows."""
        others = [choice for choice in self.choices if choice.copied and not choice.expected]
        return tuple(choice.table for choice in sorted(others, key=lambda choice: (choice.size, choice.table)))

    @property
    def seconds(self) -> float:
        return sum(choice.seconds for choice in self.choices)

    @property
    def bytes(self) -> int:
        return sum(choice.size for choice in self.choices if choice.copied)

    @property
    def back(self) -> float:
        """Seconds that taking the expected footprint back costs."""
        return sum(choice.back for choice in self.choices if choice.expected)

    def only_in_snapshot(self) -> tuple[str, ...]:
        return tuple(choice.table for choice in self.choices if choice.rung is Rung.SNAPSHOT)

    def __str__(self) -> str:
        """A few words: ``2 row images, 31 copy: 0.5 s, 3.1 MB``."""
        counts = {rung: sum(choice.rung is rung for choice in self.choices) for rung in Rung}
        told = ", ".join(f"{count} {rung.value}" for rung, count in counts.items() if count)
        return f"{told or 'no table'}: {self.seconds:.1f} s, {megabytes(self.bytes)}"

    def told(self) -> str:
        """For people: each table of the footprint on a line of its own, then the others by rung."""
        lines = [f"Rungs of the way back: {self.seconds:.1f} s and {megabytes(self.bytes)} behind the maintenance page"]
        lines += [
            f"  {choice.table}: {choice.rung.value}, {choice.seconds:.1f} s, {megabytes(choice.size)};"
            f" back in about {choice.back:.1f} s"
            for choice in self.choices
            if choice.expected
        ]
        for rung in Rung:
            others = [choice for choice in self.choices if choice.rung is rung and not choice.expected]
            if others:
                size, seconds = sum(each.size for each in others), sum(each.seconds for each in others)
                named = f" ({', '.join(each.table for each in others)})" if rung is Rung.SNAPSHOT else ""
                lines.append(f"  {len(others)} others: {rung.value}, {seconds:.1f} s, {megabytes(size)}{named}")
        return "\n".join(lines) + "\n"


def choose(
    sizes: Mapping[str, int],
    expected: Footprint,
    *,
    throwaway: Callable[[str], bool],
    seconds: float,
    left: Collection[str] = (),
) -> Ladder:
    """The rung of every table.

    :param sizes: table -> bytes, of every table that production has.
    :param expected: staging's footprint.
    :param throwaway: whether a table's rows are never put back.
    :param seconds: for how long tables beyond the footprint may be copied, the smallest first.
    :param left: tables that are not copied unless the footprint names them, since this account cannot put them back.
    """
    choices = [_expected(name, sizes, expected) for name in expected.tables]
    budget = float(seconds)
    for name in sorted(sizes.keys() - set(expected.tables), key=lambda name: (sizes[name], name)):
        if throwaway(name):
            choices.append(Choice(name, Rung.NOTHING, sizes[name], expected=False))
            continue
        if name not in left:
            budget -= copy_seconds(sizes[name])
        rung = Rung.COPY if budget >= 0 and name not in left else Rung.SNAPSHOT
        choices.append(Choice(name, rung, sizes[name], expected=False))
    return Ladder(tuple(choices))


def _expected(name: str, sizes: Mapping[str, int], expected: Footprint) -> Choice:
    size = sizes.get(name, 0)
    if name not in sizes or name in expected.views or name in expected.added:
        return Choice(name, Rung.NOTHING, 0, expected=True)
    if name in expected.removed:
        return Choice(name, Rung.AGAIN, size, expected=True)
    return Choice(name, Rung.ALTER if name in expected.altered else Rung.IMAGES, size, expected=True)


def copy_seconds(size: int) -> float:
    return A_TABLE + size / COPIED


class Pace:
    """Whether one more table fits into the time, told by the clock and by what the tables before it have taken."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """:param seconds: for how long tables may be copied, from the first time that :meth:`fits` is asked."""
        self._seconds, self._clock = seconds, clock
        self._end: float | None = None
        self._reckoned = self._took = 0.0

    def copied(self, size: int, took: float) -> None:
        """A table of so many bytes has taken so many seconds; those of the footprint tell the pace as well."""
        self._reckoned += copy_seconds(size)
        self._took += took

    @property
    def slowness(self) -> float:
        """How many times longer than reckoned copying takes here; at least 1."""
        return max(1.0, self._took / self._reckoned) if self._reckoned else 1.0

    def fits(self, size: int) -> bool:
        now = self._clock()
        self._end = now + self._seconds if self._end is None else self._end
        return now + self.slowness * copy_seconds(size) <= self._end


def restore_seconds(sizes: Collection[int]) -> float:
    """Reading a full snapshot of tables of these sizes back in."""
    return sum(sizes) / RESTORED + A_TABLE * len(sizes)


def sizes(db: Database) -> dict[str, int]:
    """Table -> bytes of rows as the server reckons them; Palier's own tables and views are left out."""
    sql = (
        "SELECT TABLE_NAME, COALESCE(DATA_LENGTH, 0) FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA=DATABASE() AND TABLE_TYPE <> 'VIEW' AND {NOT_OWN}"
    )
    return {str(name): int(size) for name, size in db.rows(sql)}


def own_sizes(db: Database) -> dict[str, int]:
    """Palier's own tables in the shop's schema -> bytes of rows and indexes as the server reckons them."""
    sql = (
        "SELECT TABLE_NAME, COALESCE(DATA_LENGTH + INDEX_LENGTH, 0) FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA=DATABASE() AND NOT ({NOT_OWN}) ORDER BY TABLE_NAME"
    )
    return {str(name): int(size) for name, size in db.rows(sql)}


def megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def count(db: Database, table: str) -> int | None:
    """How many rows a table holds now; ``None`` if there is no such table."""
    there = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND BINARY TABLE_NAME=%s"
    return int(db.value(f"SELECT COUNT(*) FROM {identifier(table)}")) if db.value(there, (table,)) else None
