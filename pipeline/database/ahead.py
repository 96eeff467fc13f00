"""Copies taken while customers write, and brought up to date once nobody does.

What copying costs is spent before the maintenance page. Behind it a copy is believed when its table's stamp has not
moved since *before* it was taken. Where the stamp alone is no proof (see :mod:`pipeline.database.stamps`), rows of copy
and table are compared by checksum. Every other copy is made equal to its table.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from pipeline.database import checkpoint, stamps
from pipeline.database.checkpoint import Checkpoint, Copy
from pipeline.database.connection import Database
from pipeline.database.rungs import Pace
from pipeline.database.sql import identifier
from pipeline.database.stamps import Moment, Stamp


@dataclass(frozen=True)
class Ahead:
    """Copies that may be out of date, and what each table's stamp was before any of them was taken."""

    checkpoint: Checkpoint
    marks: Mapping[str, Stamp]
    moment: Moment


def copy(db: Database, tables: Iterable[str], kind: str) -> Ahead:
    """Copy ``tables`` while others write them. At READ COMMITTED, as our sessions are, no row that is read is locked.

    Tables without a stamp are left for later: their engines would lock them while they are read.

    :raises CheckpointFailed: if a table does not exist.
    """
    marks, moment = stamps.read(db)
    wanted = [name for name in tables if name in marks and (marks[name].text or marks[name].fresh)]
    return Ahead(checkpoint.take(db, wanted, kind, still=False), marks, moment)


def bring_up_to_date(
    db: Database, ahead: Ahead, needed: Collection[str], others: Iterable[str] = (), *, pace: Pace | None = None
) -> Checkpoint:
    """The exact checkpoint of ``needed``, and of as many ``others`` as ``pace`` allows; nobody may write.

    :param others: in the order in which they are wanted. What is not reached has no copy.
    :param pace: ``None``: only those of which the copy is exact already.
    :raises CheckpointFailed: if a copy has not as many rows as its table.
    """
    others = [name for name in others if name not in needed]
    marks, moment = stamps.read(db)
    exact = _exact(db, ahead, {*needed, *others}, marks, moment)
    found = checkpoint.advance(db, ahead.checkpoint, set(needed) - exact)
    for name in others:
        size = marks[name].size if name in marks else 0
        if name not in exact and pace is not None and pace.fits(size):
            began = time.monotonic()
            found = checkpoint.advance(db, found, [name])
            pace.copied(size, time.monotonic() - began)
            exact.add(name)
    copies = {name: copy for name, copy in found.copies.items() if name in needed or name in exact}
    return replace(found, copies=copies)


def _exact(db: Database, ahead: Ahead, wanted: Collection[str], marks: Mapping[str, Stamp], moment: Moment) -> set[str]:
    """The tables whose copies hold what they hold."""
    if not moment.continues(ahead.moment):
        return set()
    copies = {name: copy for name, copy in ahead.checkpoint.copies.items() if name in wanted and name in marks}
    still = {name for name in copies if marks[name].text and marks[name].text == ahead.marks[name].text}
    hints = {name: copies[name] for name in still if not marks[name].written}
    return still - (hints.keys() - _equal(db, hints))


def _equal(db: Database, copies: Mapping[str, Copy]) -> set[str]:
    if not copies:
        return set()
    pairs = ", ".join(f"{identifier(name)}, {identifier(copy.name)}" for name, copy in copies.items())
    sums = [row[1] for row in db.rows(f"CHECKSUM TABLE {pairs}")]
    return {name for name, one, two in zip(copies, sums[::2], sums[1::2], strict=True) if one == two}
