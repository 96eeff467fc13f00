"""One consistent point in time for several sessions of production's server, without a right beyond LOCK TABLES.

The sessions connect first and wait, each at a user-level lock. Then every table is locked for reading, which keeps
writers out; the sessions are let go, take their snapshots, and the tables are unlocked: milliseconds, in which the
shop can still read. The lock is never waited for: if a writer is at one of the tables it is given up at once and tried
again a little later. A lock that waits for one table while it holds another would meet transactions that do so the
other way round, and the server would end the customer's (measured on MariaDB 10.11). MySQL cannot do without waiting:
there, one session reads.
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
TRIES = 150
PAUSE = 0.02


class NoCommonSnapshot(PalierError):
    """The sessions could not be brought to one point in time; nothing was read."""


def may_lock(db: Database, tables: Sequence[str]) -> bool:
    """Whether this account may lock tables for reading, and this server can do so without waiting."""
    db.execute("SET SESSION lock_wait_timeout=0")
    if int(db.value("SELECT @@SESSION.lock_wait_timeout")) != 0:
        return False
    try:
        db.execute(f"LOCK TABLES {identifier(tables[0])} READ")
    except QueryFailed as refused:
        return refused.locked
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
    """Lock for reading without waiting. :raises NoCommonSnapshot: if there was always a writer at one of the tables."""
    statement = "LOCK TABLES " + ", ".join(f"{identifier(name)} READ" for name in tables)
    for _ in range(TRIES):
        try:
            db.execute(statement)
        except QueryFailed as refused:
            if not refused.locked:
                raise
            time.sleep(PAUSE)
        else:
            return
    raise NoCommonSnapshot("There was always a transaction that wrote to one of production's tables.")
