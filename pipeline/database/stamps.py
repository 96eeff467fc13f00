"""When the server last wrote each table: what lets a fingerprint leave a large table unread.

A stamp is CREATE_TIME, UPDATE_TIME and AUTO_INCREMENT of ``information_schema``, whether the table is empty, and which
triggers it has. Of an InnoDB table, while the server was not restarted in between, two equal stamps mean:

- no transaction that wrote rows was committed: it would have set UPDATE_TIME. The clock has whole seconds, so a stamp
  counts only once its second is over (``fresh`` until then);
- the table was not built anew: CREATE_TIME would be later;
- it was not truncated, which moves neither time (measured on MariaDB 10.11): it would be empty, and filling it again
  would have set UPDATE_TIME.

That is a proof but for one hole: a server with more tables than its table cache holds may close a table, and forgets
its UPDATE_TIME. A table whose UPDATE_TIME was known and is gone counts as moved. One that had none, was written, and
was closed, all between the two looks, would be missed: there stamps are a hint. ``update`` therefore closes with a
comparison that reads everything. Other engines, partitioned tables and system-versioned ones have no stamp: they are
always read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline.database.connection import Database, QueryFailed
from pipeline.database.sql import NOT_OWN, identifier
from pipeline.database.sql import text as literal

TOLERANCE = 2
"""Seconds by which two clocks of one server may seem apart."""


@dataclass(frozen=True)
class Stamp:
    """One table: what says when it was last written (empty: nothing does), and how many bytes it holds."""

    text: str
    size: int
    fresh: bool = False
    """Whether there would be a stamp if its second were over."""
    written: bool = False
    """Whether the server knows when rows were last written: then an equal stamp is a proof, and no hint."""


@dataclass(frozen=True)
class Moment:
    """The server's clock and how long it has been running, in seconds; 0: not known."""

    at: int = 0
    uptime: int = 0

    def continues(self, earlier: Moment) -> bool:
        """Whether the server has run without a restart since ``earlier``."""
        elapsed, ran = self.at - earlier.at, self.uptime - earlier.uptime
        return earlier.uptime > TOLERANCE and self.uptime > 0 and abs(elapsed - ran) <= TOLERANCE


UNKNOWN = Moment()

_TABLES = f"""SELECT TABLE_NAME, COALESCE(DATA_LENGTH, 0), CONCAT_WS('|', CREATE_TIME, IFNULL(UPDATE_TIME, '-'),
IFNULL(AUTO_INCREMENT, '-')), COALESCE(GREATEST(CREATE_TIME, IFNULL(UPDATE_TIME, CREATE_TIME)) < NOW(), FALSE),
ENGINE = 'InnoDB' AND TABLE_TYPE = 'BASE TABLE' AND COALESCE(CREATE_OPTIONS, '') NOT LIKE '%partitioned%',
UPDATE_TIME IS NOT NULL
FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_TYPE <> 'VIEW' AND {NOT_OWN}"""


_TRIGGERS = r"""SELECT EVENT_OBJECT_TABLE,
CONCAT_WS('|', TRIGGER_NAME, CREATED, ACTION_TIMING, EVENT_MANIPULATION, SQL_MODE, MD5(ACTION_STATEMENT))
FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=DATABASE() AND EVENT_OBJECT_TABLE NOT LIKE '\\_palier\\_%'
ORDER BY EVENT_OBJECT_TABLE, TRIGGER_NAME"""


def read(db: Database) -> tuple[Mapping[str, Stamp], Moment]:
    """The stamp of every table of the schema, and the moment they are of."""
    uptime = int(db.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1])
    at = int(db.value("SELECT UNIX_TIMESTAMP()"))
    rows = db.rows(_TABLES)
    triggers: dict[str, str] = {}
    for name, trigger in db.rows(_TRIGGERS):
        triggers[name] = f"{triggers.get(name, '')}|{trigger}"
    holding = _holding(db, [str(row[0]) for row in rows if row[4]])
    found = {}
    for name, size, times, settled, stamped, written in rows:
        text = f"{times}|{holding[name]}{triggers.get(name, '')}" if stamped and settled and name in holding else ""
        found[str(name)] = Stamp(text, int(size), fresh=bool(stamped and not settled), written=bool(written))
    return found, Moment(at, uptime)


def _holding(db: Database, tables: Iterable[str]) -> dict[str, int]:
    """Which of these tables hold a row. Nothing is known of them if one cannot be asked."""
    questions = [f"SELECT {literal(name)}, EXISTS(SELECT 1 FROM {identifier(name)})" for name in tables]
    try:
        return {str(name): int(holds) for name, holds in db.rows(" UNION ALL ".join(questions))} if questions else {}
    except QueryFailed:
        return {}
