"""A shop's tables from production's schema into staging's: production is only read, and never in clear.

One transaction on production, a consistent snapshot, reads every table; personal data is masked *in the SELECT*, so it
does not leave the server. The server prints its rows as SQL (see :mod:`pipeline.database.transcript`) and the client
program of the receiving host runs it: no row passes through Python. Success is believed only from row counts: what the
snapshot counted, what was sent, and what the receiving schema has must be one number for each table.

Not copied: routines and events (nothing on staging may act by itself), the history of system-versioned tables, and the
rows of throw-away tables. While the table ``_palier_clone`` exists in a schema, that schema is not a whole clone.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from pipeline.database import schema
from pipeline.database.connection import Database, QueryFailed
from pipeline.database.mask_expressions import Kind
from pipeline.database.masks import fields
from pipeline.database.schema import Table, Trigger
from pipeline.database.sql import OWN, identifier
from pipeline.database.transcript import LEDGER, LEDGER_DDL, Source, printed
from pipeline.errors import PalierError, Refused
from pipeline.events import Emit, Progress, silent
from pipeline.remote.command import Secret
from pipeline.remote.host import CommandFailed
from pipeline.remote.streams import stream

LARGEST_CHUNK = 4 * 1024 * 1024
POLL_SECONDS = 1.0
_DEFINER = re.compile(r"\sDEFINER\s*=\s*(?:`(?:[^`]|``)*`|\S+?)@(?:`(?:[^`]|``)*`|\S+)", re.IGNORECASE)
_FOLDER = re.compile(r" (?:DATA|INDEX) DIRECTORY='[^']*'")
_DATA_OPTIONS = ("--batch", "--quick", "--raw", "--skip-column-names", "--skip-reconnect", "--max-allowed-packet=1G")


class CloneFailed(PalierError):
    """The clone is not whole, and the receiving schema says so; ``table`` is where it stopped, if known."""

    def __init__(self, what: str, *, table: str | None = None, why: str = "") -> None:
        super().__init__(
            what,
            why=why,
            next_step="Staging's database is marked unusable; correct the cause and clone again.",
        )
        self.table = table


@dataclass(frozen=True)
class TableCloned:
    """What became of one table."""

    name: str
    rows: int
    masked: int
    """Columns masked."""
    emptied: bool = False
    """Whether its rows were left out on purpose."""


@dataclass(frozen=True)
class CloneReport:
    """A whole clone: every table counted on both sides."""

    tables: tuple[TableCloned, ...]
    views: int
    triggers: int
    seconds: float
    inexact: tuple[str, ...] = field(default=())
    """Tables whose engine knows no snapshot (MyISAM): read while they may have been written."""

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def masked(self) -> int:
        return sum(table.masked for table in self.tables)

    def __str__(self) -> str:
        return f"{len(self.tables)} tables, {self.rows:,} rows, {self.masked} columns masked"


@dataclass(frozen=True)
class _Job:
    """What is copied from where to where."""

    source: Database
    target: Database
    tables: Mapping[str, Table]
    masks: Mapping[str, Mapping[str, Kind]]
    throwaway: frozenset[str]

    @property
    def real(self) -> list[Table]:
        return [table for table in self.tables.values() if not table.is_view]

    @property
    def views(self) -> list[Table]:
        return [table for table in self.tables.values() if table.is_view]

    @property
    def triggers(self) -> list[Trigger]:
        return [trigger for table in self.tables.values() for trigger in table.triggers]


def clone(
    source: Database,
    target: Database,
    *,
    tables: Mapping[str, Table] | None = None,
    masks: Mapping[str, Mapping[str, Kind]],
    throwaway: Collection[str] = (),
    salt: Secret | None = None,
    prefix: str = "",
    emit: Emit = silent,
) -> CloneReport:
    """Make ``target`` a clone of ``source``. Both are connected, and their client files are on their hosts.

    :param tables: what to clone, as ``schema.read(source)`` gives it; default: everything but Palier's own.
    :param masks: table -> column -> kind, from ``plan_masks``.
    :param throwaway: full names of tables that arrive empty.
    :param salt: letters and digits; the same salt gives the same masks. Default: a new one.
    :param prefix: only tables of ``target`` that begin with it are dropped first.
    :raises Refused: if both are one schema, or production's server cannot mask. Nothing was changed.
    :raises CloneFailed: if it is not whole; the target is marked unusable.
    """
    began = time.monotonic()
    _refuse(source, target, masks)
    job = _Job(source, target, schema.read(source) if tables is None else tables, masks, frozenset(throwaway))
    _drop_all(target, prefix)
    with _marked(target):
        _create_tables(target, job.real)
        _move_rows(job, salt or Secret(secrets.token_hex(16)), emit)
        _unchanged(source, job.tables)
        done = _counted(job)
        _create_views(target, job.views)
        for trigger in job.triggers:
            _create_trigger(target, trigger)
        _same_tables(target, job.tables, prefix)
    inexact = tuple(table.name for table in job.real if not table.transactional)
    return CloneReport(done, len(job.views), len(job.triggers), time.monotonic() - began, inexact)


def unusable(db: Database) -> bool:
    """Whether a clone into this schema began and was not completed."""
    return bool(
        db.rows(
            "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=%s LIMIT 1", (LEDGER,)
        )
    )


def _refuse(source: Database, target: Database, masks: Mapping[str, Mapping[str, Kind]]) -> None:
    place = "SELECT CONCAT_WS('|',@@hostname,@@port,@@datadir,DATABASE())"
    if source.value(place) == target.value(place):
        raise Refused(
            f"Production and staging are the same database, {source.name}.",
            next_step="Give staging a schema of its own.",
        )
    if any(kind in ("inside", "keyed") for columns in masks.values() for kind in columns.values()):
        try:
            source.value("SELECT REGEXP_REPLACE('a','a','b')")
        except QueryFailed as refused:
            raise Refused(
                "Production's database server cannot mask e-mail addresses inside values.",
                why="It has no REGEXP_REPLACE: MariaDB 10.0.5 or MySQL 8.0.4 is needed.",
            ) from refused


def _drop_all(target: Database, prefix: str) -> None:
    """Views first, then tables; what is Palier's own stays, the marker of an earlier clone goes."""
    found = target.rows("SELECT TABLE_NAME,TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()")
    mine = [(name, kind == "VIEW") for name, kind in found if name.startswith(prefix) and not name.startswith(OWN)]
    target.execute(f"DROP TABLE IF EXISTS {LEDGER}")
    target.execute(LEDGER_DDL)
    target.execute("SET SESSION foreign_key_checks=0")
    for name, is_view in sorted(mine, key=lambda item: not item[1]):
        target.execute(f"DROP {'VIEW' if is_view else 'TABLE'} IF EXISTS {identifier(name)}")


@contextmanager
def _marked(target: Database) -> Iterator[None]:
    """The marker stands until everything inside has succeeded."""
    try:
        yield
    except QueryFailed as problem:
        raise CloneFailed("Staging's database could not be made.", why=problem.what) from problem
    target.execute(f"DROP TABLE {LEDGER}")


def _create_tables(target: Database, tables: Iterable[Table]) -> None:
    target.execute("SET SESSION foreign_key_checks=0")
    for table in tables:
        try:
            target.execute(_FOLDER.sub("", table.create))
            if table.auto_increment:
                target.execute(f"ALTER TABLE {identifier(table.name)} AUTO_INCREMENT={table.auto_increment}")
        except QueryFailed as problem:
            raise CloneFailed(
                f"The table {table.name} could not be made in staging's database.", table=table.name, why=problem.what
            ) from problem


def _move_rows(job: _Job, salt: Secret, emit: Emit) -> None:
    source, target = job.source, job.target
    wanted = [
        Source(table.name, fields(table), table.transactional) for table in job.real if table.name not in job.throwaway
    ]
    packet = int(target.value("SELECT @@max_allowed_packet"))
    text = printed(wanted, job.masks, salt=salt, chunk=max(65536, min(LARGEST_CHUNK, packet // 4)))
    producer = source.client(*_DATA_OPTIONS).fed(*text)
    consumer = target.client("--batch", "--binary-mode", "--skip-reconnect", "--max-allowed-packet=1G")
    with _watched(target, len(wanted), emit):
        try:
            stream(source.host, producer, target.host, consumer)
        except CommandFailed as problem:
            table = target.value(f"SELECT name FROM {LEDGER} WHERE done=0")
            where = f" at the table {table}" if table else ""
            raise CloneFailed(
                f"The rows could not be copied from production to staging{where}.",
                table=table,
                why=_said(problem.result.stderr) or problem.why,
            ) from problem


def _said(stderr: str) -> str:
    """What the clients said, without the SQL that they quote: it may hold customers' data."""
    lines = [re.sub(r" near '.*", "", line) for line in stderr.splitlines() if line.startswith("ERROR")]
    lines = [re.sub(r"Duplicate entry '.*' for", "Duplicate entry for", line) for line in lines]
    marks = re.findall(r"Palier: [^;'\n]*", stderr)
    return " / ".join([*marks, *lines])[:600]


@contextmanager
def _watched(target: Database, total: int, emit: Emit) -> Iterator[None]:
    """Progress by table, at least every two seconds, read from what the stream writes down."""
    ended = threading.Event()

    def watch() -> None:
        with suppress(PalierError), target.connected() as db:  # the work itself will say that the server is gone
            db.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED")
            while not ended.wait(POLL_SECONDS):
                emit(_progress(db, total))

    watcher = threading.Thread(target=watch, name="palier-clone-progress", daemon=True)
    emit(Progress("tables", 0, total, "tables"))
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(15)
    emit(Progress("tables", total, total, "tables"))


def _progress(db: Database, total: int) -> Progress:
    seen = db.rows(f"SELECT name,copied,done FROM {LEDGER}")
    now = next((f"{name} ({copied:,} rows)" for name, copied, done in seen if not done), "tables")
    return Progress(now, sum(1 for row in seen if row[2]), total, "tables")


def _unchanged(source: Database, before: Mapping[str, Table]) -> None:
    after = schema.read(source, before)
    for name, table in before.items():
        if name not in after or after[name].signature != table.signature:
            raise CloneFailed(
                f"The table {name} of production changed its definition while it was copied.",
                table=name,
                why="Somebody updates or migrates production.",
            )


def _counted(job: _Job) -> tuple[TableCloned, ...]:
    """The proof: snapshot, stream and receiving table agree on every number."""
    ledger = {name: (copied, expected, done) for name, copied, expected, done in job.target.rows(_LEDGER_ROWS)}
    ledger |= dict.fromkeys(job.throwaway, (0, 0, 1))
    return tuple(
        TableCloned(
            name=table.name,
            rows=_proved(job.target, table.name, *ledger.get(table.name, (0, None, 0))),
            masked=len(job.masks.get(table.name, {})),
            emptied=table.name in job.throwaway,
        )
        for table in job.real
    )


_LEDGER_ROWS = f"SELECT name,copied,expected,done FROM {LEDGER}"


def _proved(target: Database, name: str, copied: int, expected: int | None, done: int) -> int:
    arrived = int(target.value(f"SELECT COUNT(*) FROM {identifier(name)}"))
    if not done or not arrived == copied == expected:
        raise CloneFailed(
            f"The table {name} is not whole in staging:"
            f" production has {expected} rows, {copied} were sent, {arrived} arrived.",
            table=name,
        )
    return arrived


def _create_views(target: Database, waiting: list[Table]) -> None:
    """Views may stand on other views: whatever can be made is made, until nothing more can."""
    while waiting:
        refused: dict[str, QueryFailed] = {}
        for view in waiting:
            try:
                target.execute(_DEFINER.sub("", view.create, count=1))
            except QueryFailed as problem:
                refused[view.name] = problem
        if len(refused) == len(waiting):
            name, reason = next(iter(refused.items()))
            raise CloneFailed(f"The view {name} could not be made in staging's database.", table=name, why=reason.what)
        waiting = [view for view in waiting if view.name in refused]


def _create_trigger(target: Database, trigger: Trigger) -> None:
    target.execute("SET SESSION sql_mode=%s", (trigger.sql_mode,))
    target.execute(f"SET character_set_client={trigger.charset}, collation_connection={trigger.collation}")
    try:
        target.execute(_DEFINER.sub("", trigger.create, count=1))
    except QueryFailed as problem:
        raise CloneFailed(
            f"The trigger {trigger.name} could not be made in staging's database.",
            table=trigger.table,
            why=problem.what,
        ) from problem
    finally:
        target.execute("SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO'")
        target.execute("SET NAMES utf8mb4")


def _same_tables(target: Database, tables: Mapping[str, Table], prefix: str) -> None:
    found = {name for name in schema.table_names(target, views=True) if name.startswith(prefix)}
    if found != set(tables):
        raise CloneFailed(
            "Staging's database does not have production's tables.",
            why=f"Missing: {', '.join(sorted(set(tables) - found)) or 'none'}."
            f" Too many: {', '.join(sorted(found - set(tables))) or 'none'}.",
        )
