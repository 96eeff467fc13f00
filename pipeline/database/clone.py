"""A shop's tables from production's schema into staging's: production is only read, and never in clear.

Two sessions read production's tables at one consistent point in time (:mod:`pipeline.database.snapshot_gate`; one
session where the account may not lock, or writers do not let it). Personal data is masked *in the SELECT*, so it does
not leave the server. Large tables are read by LOAD DATA where the receiving server allows it, and get their indexes
when their rows are there. Of a schema that is a whole clone already, only the ranges of rows that differ are sent again
(:mod:`pipeline.database.ranges`). The server prints its rows (:mod:`pipeline.database.transcript`) and the client
program of the receiving host reads them: no row passes through Python. Success is believed only from row counts: what
the snapshot counted, what was sent, and what the receiving schema has must be one number for each table.

Not copied: routines and events (nothing on staging may act by itself), the history of system-versioned tables, and the
rows of throw-away tables. While the table ``_palier_clone`` exists in a schema, that schema is not a whole clone.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from pipeline.database import clone_tables, ranges, receiving, schema, snapshot_gate
from pipeline.database.clone_tables import CloneFailed
from pipeline.database.connection import Database, QueryFailed
from pipeline.database.late_indexes import index_lines, may_wait
from pipeline.database.mask_expressions import Kind
from pipeline.database.masks import fields
from pipeline.database.ranges import Known
from pipeline.database.schema import Table, Trigger
from pipeline.database.snapshot_gate import NoCommonSnapshot
from pipeline.database.sql import identifier
from pipeline.database.transcript import LEDGER, Gate, Source, load_statement, loadable, printed
from pipeline.errors import PalierError, Refused
from pipeline.events import Emit, Progress, silent
from pipeline.remote.command import Secret
from pipeline.remote.host import CommandFailed
from pipeline.remote.streams import stream

LARGEST_CHUNK = 4 * 1024 * 1024
POLL_SECONDS = 1.0
WORKERS = 2
LARGE = 8_000_000
"""Bytes of rows from which on a table is loaded instead of inserted, and gets its indexes afterwards."""
_DATA_OPTIONS = ("--batch", "--quick", "--raw", "--skip-column-names", "--skip-reconnect", "--max-allowed-packet=1G")


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
    mended: int = 0
    """Tables of an earlier clone of which only the ranges that differ were sent."""

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
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Table -> bytes of rows, by the server's estimate."""
    large: int = LARGE
    known: Mapping[str, Known] = field(default_factory=dict)
    """What the receiving schema holds already, of tables that are not made anew."""

    @property
    def parents(self) -> set[str]:
        """Tables that foreign keys point to: their indexes must be there from the beginning."""
        return {key.parent for table in self.tables.values() for key in table.foreign_keys}

    @property
    def late(self) -> set[str]:
        """Tables that get their indexes when their rows are there."""
        big = (
            {name for name, size in self.sizes.items() if size >= self.large}
            - self.throwaway
            - self.parents
            - self.known.keys()
        )
        return {table.name for table in self.real if table.name in big and may_wait(table)}

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
    workers: int = WORKERS,
    large: int = LARGE,
    emit: Emit = silent,
) -> CloneReport:
    """Make ``target`` a clone of ``source``. Both are connected, and their client files are on their hosts.

    :param tables: what to clone, as ``schema.read(source)`` gives it; default: everything but Palier's own.
    :param masks: table -> column -> kind, from ``plan_masks``.
    :param throwaway: full names of tables that arrive empty.
    :param salt: letters and digits; the same salt gives the same masks. Default: a new one.
    :param prefix: only tables of ``target`` that begin with it are dropped first.
    :param workers: how many sessions read at once, if there are large tables; 1: no table is ever locked.
    :param large: bytes from which on a table counts as large.
    :raises Refused: if both are one schema, or production's server cannot mask. Nothing was changed.
    :raises CloneFailed: if it is not whole; the target is marked unusable.
    """
    began = time.monotonic()
    _refuse(source, target, masks)
    found = schema.read(source) if tables is None else tables
    job = _Job(source, target, found, masks, frozenset(throwaway), _sizes(source), large)
    if salt is not None and not unusable(target):
        known = _kept(target, job)
        if known:
            with suppress(CloneFailed):  # whatever stands in the way of mending: a new clone does not meet it
                return _cloned(replace(job, known=known), salt, workers, began, prefix=prefix, emit=emit)
    salt = salt or Secret(secrets.token_hex(16))
    return _cloned(job, salt, workers, began, prefix=prefix, emit=emit)


def _cloned(job: _Job, salt: Secret, workers: int, began: float, *, prefix: str, emit: Emit) -> CloneReport:
    source, target = job.source, job.target
    clone_tables.drop_all(target, prefix, keep=job.known)
    with _marked(target):
        clone_tables.create(target, [table for table in job.real if table.name not in job.known], job.late)
        _move_rows(job, salt, workers, emit)
        _raise_counters(job)
        clone_tables.require_unchanged(source, job.tables)
        done = _counted(job)
        clone_tables.create_views(target, job.views)
        for trigger in job.triggers:
            clone_tables.create_trigger(target, trigger)
        clone_tables.require_same(target, job.tables, prefix)
    inexact = tuple(table.name for table in job.real if not table.transactional)
    return CloneReport(
        done, len(job.views), len(job.triggers), time.monotonic() - began, inexact, mended=len(job.known)
    )


def _kept(target: Database, job: _Job) -> dict[str, Known]:
    """The tables of the receiving schema that are built like production's, and what their rows are."""
    there = schema.read(target)
    alike = [table for table in job.real if table.name in there and there[table.name].create == table.create]
    wanted = {table.name: _cut(job, table) for table in alike if _wanted(job, table)}
    emptied = {table.name: Known((), "") for table in alike if not _wanted(job, table)}
    return {**ranges.read(target, wanted), **emptied}


def _cut(job: _Job, table: Table) -> Known:
    return ranges.cut(job.target, table, fields(table), job.masks.get(table.name, {}).keys())


def _raise_counters(job: _Job) -> None:
    there = dict(job.target.rows(_COUNTERS))
    for table in job.real:
        if table.name in job.known and table.auto_increment not in {None, there.get(table.name)}:
            job.target.execute(f"ALTER TABLE {identifier(table.name)} AUTO_INCREMENT={table.auto_increment}")


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
    if any(kind in ("inside", "keyed", "setting") for columns in masks.values() for kind in columns.values()):
        try:
            source.value("SELECT REGEXP_REPLACE('a','a','b')")
        except QueryFailed as refused:
            raise Refused(
                "Production's database server cannot mask e-mail addresses inside values.",
                why="It has no REGEXP_REPLACE: MariaDB 10.0.5 or MySQL 8.0.4 is needed.",
            ) from refused


@contextmanager
def _marked(target: Database) -> Iterator[None]:
    """The marker stands until everything inside has succeeded."""
    try:
        yield
    except QueryFailed as problem:
        raise CloneFailed("Staging's database could not be made.", why=problem.what) from problem
    target.execute(f"DROP TABLE {LEDGER}")


def _sizes(source: Database) -> dict[str, int]:
    sql = "SELECT TABLE_NAME, COALESCE(DATA_LENGTH, 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
    return {str(name): int(size) for name, size in source.rows(sql)}


def _move_rows(job: _Job, salt: Secret, workers: int, emit: Emit) -> None:
    token = secrets.token_hex(16) if receiving.can_load(job.target) else ""
    wanted = [_source(job, table, number, bool(token)) for number, table in enumerate(job.real) if _wanted(job, table)]
    shares = _shares(wanted, job, workers)
    with _watched(job.target, len(wanted), emit):
        if len(shares) > 1:
            with suppress(NoCommonSnapshot):
                _together(job, shares, salt, token)
                return
        _share(job, wanted, salt, token, None)


def _wanted(job: _Job, table: Table) -> bool:
    return table.name not in job.throwaway


def _source(job: _Job, table: Table, number: int, may_load: bool) -> Source:
    columns = fields(table)
    if table.name in job.known:
        return Source(table.name, columns, table.transactional, known=job.known[table.name])
    big = job.sizes.get(table.name, 0) >= job.large
    added = ", ".join(f"ADD {line}" for line in index_lines(table)) if table.name in job.late else ""
    return Source(
        table.name,
        columns,
        table.transactional,
        number if big and may_load and loadable(columns) else None,
        afterwards=f"ALTER TABLE {identifier(table.name)} {added}" if added else "",
    )


def _shares(wanted: list[Source], job: _Job, workers: int) -> list[list[Source]]:
    """The tables by session, the largest first, each to the one that has least; one share if nothing is large."""
    if not any(job.sizes.get(table.name, 0) >= job.large for table in wanted):
        return [wanted]
    shares: list[list[Source]] = [[] for _ in range(workers)]
    sums = [0] * workers
    for table in sorted(wanted, key=lambda table: -job.sizes.get(table.name, 0)):
        least = sums.index(min(sums))
        shares[least].append(table)
        sums[least] += job.sizes.get(table.name, 0) + 1
    return [share for share in shares if share]


def _together(job: _Job, shares: list[list[Source]], salt: Secret, token: str) -> None:
    """Each share in a session of its own, all at one snapshot. :raises NoCommonSnapshot: before any row was read."""
    names = [table.name for table in job.real]
    mark = f"palier_{secrets.token_hex(8)}"
    gates = [Gate(mark, number) for number in range(len(shares))]
    with job.source.connected() as keeper, ThreadPoolExecutor(len(shares), "palier-clone") as pool:
        if not snapshot_gate.may_lock(keeper, names):
            raise NoCommonSnapshot("Production's account may not lock tables.")
        snapshot_gate.close(keeper, gates)
        moves = [pool.submit(_share, job, share, salt, token, gate) for share, gate in zip(shares, gates, strict=True)]
        snapshot_gate.let_through(keeper, gates, names, lambda: any(move.done() for move in moves))
        for move in as_completed(moves):
            if move.exception() is not None:
                snapshot_gate.end(keeper, gates)
                move.result()


def _share(job: _Job, tables: list[Source], salt: Secret, token: str, gate: Gate | None) -> None:
    source, target = job.source, job.target
    loads = {table.load: load_statement(table) for table in tables if table.load is not None}
    mark = token if loads else ""
    with target.connected() as own:
        packet = int(own.value("SELECT @@max_allowed_packet"))
    chunk = max(65536, min(LARGEST_CHUNK, packet // 4))
    text = printed(tables, job.masks, salt=salt, chunk=chunk, token=mark, gate=gate)
    producer = source.client(*_DATA_OPTIONS).fed(*text)
    consumer = receiving.cutting(target, mark, loads) if loads else receiving.plain(target)
    try:
        stream(source.host, producer, target.host, consumer)
    except CommandFailed as problem:
        with target.connected() as own:
            table = own.value(f"SELECT name FROM {LEDGER} WHERE done=0")
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


_COUNTERS = "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
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
