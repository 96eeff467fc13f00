"""One consistent point in time for several sessions of production's server, without a right beyond LOCK TABLES.

The sessions connect first and wait, each at a user-level lock. Then every table is locked for reading, which waits for
writers that are at it and keeps new ones out; the sessions are let go, take their snapshots, and the tables are unlocked:
milliseconds, in which the shop can still read. If writers do not let the lock through within a second, it is given up and
tried again: nobody queues behind it for longer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from pipeline.database.connection import Database, QueryFailed
from pipeline.database.sql import identifier
from pipeline.database.transcript import Gate
from pipeline.errors import PalierError

ARRIVAL_SECONDS = 30.0
HELD_SECONDS = 2.0
"""How long the tables are locked at most."""
TRIES = 6
PAUSE = 0.7


class NoCommonSnapshot(PalierError):
    """The sessions could not be brought to one point in time; nothing was read."""


def may_lock(db: Database, tables: Sequence[str]) -> bool:
    """Whether this account may lock tables for reading: asked with the table that is least in the way."""
    try:
        db.execute(f"LOCK TABLES {identifier(tables[0])} READ")
    except QueryFailed:
        return False
    db.execute("UNLOCK TABLES")
    return True


def close(db: Database, gates: Sequence[Gate]) -> None:
    """Before the sessions start: none of them gets through."""
    for gate in gates:
        for name in (gate.go, gate.begin):
            db.value("SELECT GET_LOCK(%s, 0)", (name,))


def let_through(db: Database, gates: Sequence[Gate], tables: Sequence[str], failed: Callable[[], bool]) -> None:
    """Wait for the sessions, and let them take their snapshots while nobody writes.

    :param failed: whether one of them has ended already.
    :raises NoCommonSnapshot: if writers never let the lock through, or a session is missing. All of them are ended.
    """
    try:
        _wait(db, [gate.here for gate in gates], ARRIVAL_SECONDS, failed)
        _lock(db, tables)
        try:
            for gate in gates:
                db.value("SELECT RELEASE_LOCK(%s)", (gate.go,))
            _wait(db, [gate.taken for gate in gates], HELD_SECONDS, failed)
        finally:
            db.execute("UNLOCK TABLES")
    except (NoCommonSnapshot, QueryFailed) as problem:
        end(db, gates)
        raise NoCommonSnapshot("Several sessions could not be given one snapshot.", why=problem.what) from problem
    for gate in gates:
        db.value("SELECT RELEASE_LOCK(%s)", (gate.begin,))


def end(db: Database, gates: Sequence[Gate]) -> None:
    """End whatever session stands at a gate or has gone through one."""
    for gate in gates:
        for name in (gate.here, gate.taken):
            session = db.value("SELECT IS_USED_LOCK(%s)", (name,))
            if session is not None:
                with suppress(QueryFailed):  # it has just ended by itself
                    db.execute(f"KILL {int(session)}")


def _wait(db: Database, locks: Sequence[str], seconds: float, failed: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    asked = ", ".join(f"IS_USED_LOCK('{name}')" for name in locks)
    while None in db.rows(f"SELECT {asked}")[0]:
        if failed() or time.monotonic() > deadline:
            raise NoCommonSnapshot("A session did not come to the gate in time.")
        time.sleep(0.02)


def _lock(db: Database, tables: Sequence[str]) -> None:
    """Lock for reading, with little patience each time. :raises NoCommonSnapshot: if writers never make way."""
    statement = "LOCK TABLES " + ", ".join(f"{identifier(name)} READ" for name in tables)
    db.execute("SET SESSION lock_wait_timeout=1")
    try:
        for _ in range(TRIES):
            try:
                db.execute(statement)
            except QueryFailed as refused:
                if not refused.locked:
                    raise
                time.sleep(PAUSE)
            else:
                return
    finally:
        db.execute("SET SESSION lock_wait_timeout=3")
    raise NoCommonSnapshot("Long transactions on production did not let its tables be locked for an instant.")
