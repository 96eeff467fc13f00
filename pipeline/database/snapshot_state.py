"""What production holds at one moment: definitions, rows by table, and when each table was last written."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.database import schema
from pipeline.database.connection import Database
from pipeline.database.sql import NOT_OWN, identifier

SETTLING = 3
"""How often production is looked at until nothing was written within the last second."""

_FACTS = (
    "SELECT TABLE_NAME, UPDATE_TIME, COALESCE(DATA_LENGTH,0)"
    f" FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND {NOT_OWN}"
)


@dataclass(frozen=True)
class State:
    """What the server says at one moment."""

    signatures: Mapping[str, str]
    views: frozenset[str]
    rows: Mapping[str, int]
    written: Mapping[str, str | None]
    fresh: frozenset[str]
    """Tables written in the second of the look: times are whole seconds, so what comes later in it shows nowhere."""
    inexact: tuple[str, ...]
    size: int


def settled(db: Database) -> State:
    """The state once the second of the last write is over; of a shop that never rests, the last look."""
    for _ in range(SETTLING):
        found = read(db)
        if not found.fresh:
            break
        time.sleep(1.0)
    return found


def read(db: Database) -> State:
    tables = schema.read(db)
    real = [name for name, table in tables.items() if not table.is_view]
    db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # otherwise each count would be of another moment
    db.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    try:
        rows = dict(counted(db, real))
    finally:
        db.execute("COMMIT")
    facts = db.rows(_FACTS)
    clock = str(db.value("SELECT NOW()"))
    return State(
        signatures={name: tables[name].signature for name in real},
        views=frozenset(name for name, table in tables.items() if table.is_view),
        rows=rows,
        written={row[0]: row[1] for row in facts},
        fresh=frozenset(str(row[0]) for row in facts if row[1] and str(row[1]) >= clock[:19]),
        inexact=tuple(name for name in real if not tables[name].transactional),
        size=sum(int(row[2]) for row in facts),
    )


def counted(db: Database, tables: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Each table and how many rows it has in this transaction's view.

    A transaction keeps every table that it has read from being altered, and a waiting ALTER keeps everybody from the
    table. So each is let go as soon as it is counted.
    """
    for name in tables:
        db.execute("SAVEPOINT palier_counts")
        rows = int(db.value(f"SELECT COUNT(*) FROM {identifier(name)}"))
        db.execute("ROLLBACK TO SAVEPOINT palier_counts")
        yield name, rows
