"""The full snapshot: a dump of production's schema, taken online, believed only after it was read from end to end.

How rows are counted, and why so. The dump runs in a transaction of its own, which nobody else can look into, and its
exit code proves little: an ALTER in the middle can give status 0 and rows without their columns. So three things are
compared, table by table: what the server counted just before (in one consistent snapshot), what it counted just after,
and what stands in the file. A table that nobody wrote meanwhile (both counts and ``UPDATE_TIME`` equal) must be in the
file with exactly that number. A table that was written meanwhile may differ from the span between both counts by at
most 5 % or 50 rows, for rows that came and went; it is listed as ``moving``. Definitions must be equal before, after
and in the file, for every table. COUNT(*) reads an index once: seconds, where the dump takes minutes.

From then on the file is held to its own numbers: size, SHA-256, tables, rows, end marker.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipeline.database import snapshot_state
from pipeline.database.connection import Database, QueryFailed
from pipeline.database.dump_content import DECOMPRESS, ONE_TABLE, Content, differences, parse, reading, wrong
from pipeline.database.snapshot_state import State
from pipeline.database.sql import NOT_OWN
from pipeline.errors import PalierError, Refused
from pipeline.events import Emit, Progress, silent
from pipeline.remote.command import Command, command, quoted, script
from pipeline.remote.host import CommandFailed, Host

TIMEOUT = 12 * 3600.0
POLL_SECONDS = 1.5
SPARE = 64 * 1024 * 1024
"""Bytes that stay free on the disk beside the snapshot."""
FORMAT = 1
RECORD = "snapshot.json"
_SUFFIX = {"zstd": "zst", "gzip": "gz"}
_COMPRESS = {"zstd": ("zstd", "-q", "-3", "-T1"), "gzip": ("gzip", "-6")}
SANDBOX = "1{/sandbox mode/d;}"


class SnapshotFailed(PalierError):
    """No snapshot was kept."""


class SnapshotBroken(Refused):
    """A snapshot is not what it was when it was taken, or never was whole."""


@dataclass(frozen=True)
class Snapshot:
    """One snapshot on its host."""

    path: str
    database: str
    taken: str
    """When it began, UTC, ISO 8601."""
    size: int
    """Bytes, compressed."""
    sha256: str
    rows: Mapping[str, int]
    """Table -> rows in the file."""
    signatures: Mapping[str, str]
    """Table -> SHA-256 of its definition."""
    views: tuple[str, ...] = ()
    moving: tuple[str, ...] = ()
    """Tables that were written while the dump ran."""
    inexact: tuple[str, ...] = ()
    """Tables whose engine knows no snapshot (MyISAM): not of one moment with the others."""
    compression: str = "zstd"
    server: str = ""
    proved: bool = False
    """Whether it was restored once, into a scratch schema, and counted there."""
    format: int = field(default=FORMAT)

    @property
    def record(self) -> str:
        return f"{self.path.rpartition('/')[0]}/{RECORD}"

    def json(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    def __str__(self) -> str:
        return f"{len(self.rows)} tables, {sum(self.rows.values()):,} rows, {self.size / 1e6:.1f} MB"


def take(db: Database, folder: str, *, emit: Emit = silent, name: str = "production") -> Snapshot:
    """Dump the schema of the connected ``db`` into ``folder`` on its host; production stays open and is only read.

    :param folder: outside the document root; made with mode 0700.
    :param name: the file becomes ``<name>.sql.zst``; ``<name>.sql.zst.partial`` until it is known to be whole.
    :raises Refused: if there is too little space.
    :raises SnapshotFailed: if the dump failed or is not what the server had. The partial file is removed.
    """
    host, place = db.host, db.host.expand(folder)
    host.run(command("mkdir", "-p", "-m", "700", "--", place))
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    before = snapshot_state.settled(db)
    compression = "zstd" if host.run(script("command -v zstd"), check=False).ok else "gzip"
    _room(host, place, before.size)
    path = f"{place}/{name}.sql.{_SUFFIX[compression]}"
    partial = f"{path}.partial"
    host.run(command("rm", "-f", "--", path, f"{place}/{RECORD}"))
    host.write(partial, b"", mode=0o600)
    try:
        with _watched(host, partial, "snapshot", emit):
            _dump(db, partial, compression)
        after = snapshot_state.read(db)
        with _watched(host, partial, "reading the snapshot", emit):
            content = _content(host, partial, compression)
            digest, size = _digest(host, partial)
        moving = _compare(db.name, before, after, content)
        host.run(command("mv", "-f", "--", partial, path))
    except BaseException:
        host.run(command("rm", "-f", "--", partial), check=False)
        raise
    snapshot = Snapshot(
        path=path,
        database=db.name,
        taken=taken,
        size=size,
        sha256=digest,
        rows=dict(content.rows),
        signatures=dict(content.signatures),
        views=tuple(sorted(content.views)),
        moving=moving,
        inexact=before.inexact,
        compression=compression,
        server=str(db.value("SELECT VERSION()")),
    )
    host.write(snapshot.record, snapshot.json(), mode=0o600)
    return snapshot


_OWN = f"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND NOT ({NOT_OWN})"


def _room(host: Host, folder: str, size: int) -> None:
    free = int(host.run(command("df", "-Pk", "--", folder)).stdout.splitlines()[-1].split()[3]) * 1024
    needed = size // 2 + SPARE
    if free < needed:
        raise Refused(
            f"There is no room for a snapshot on {host.name}: {folder} has {free // 1_000_000} MB free,"
            f" and {needed // 1_000_000} MB are needed.",
            next_step="Make room there, or give production.record another place in the inventory.",
        )


def dump_command(db: Database, *, ignored: tuple[str, ...] = (), events: bool = True) -> Command:
    """The dump program for the whole schema, without the tables ``ignored``."""
    program = "mariadb-dump" if db.program == "mariadb" else "mysqldump"
    return command(
        "nice",
        program,
        f"--defaults-file={db.host.expand(db.client_file)}",
        "--single-transaction",
        "--quick",
        "--skip-lock-tables",
        "--routines",
        "--triggers",
        *(["--events"] if events else []),
        "--hex-blob",
        "--no-tablespaces",
        "--default-character-set=utf8mb4",
        "--max-allowed-packet=1G",
        *(f"--ignore-table={db.name}.{table}" for table in ignored),
        db.name,
    )


def _dump(db: Database, partial: str, compression: str) -> None:
    own = db.rows(_OWN)
    dump = dump_command(db, ignored=tuple(row[0] for row in own), events=_may_see_events(db))
    try:
        db.host.run(dump.pipe(command("nice", *_COMPRESS[compression]).into(partial)), timeout=TIMEOUT)
    except CommandFailed as problem:
        status = problem.result.status
        raise SnapshotFailed(
            f"The snapshot of {db.name} could not be taken: the dump program failed with status {status}.",
            why=problem.why,
            next_step="Correct the cause and start again; nothing was kept.",
        ) from problem


def _may_see_events(db: Database) -> bool:
    try:
        db.rows("SHOW EVENTS")
    except QueryFailed:
        return False
    return True


def _content(host: Host, path: str, compression: str) -> Content:
    result = host.run(reading(path, compression), check=False, timeout=TIMEOUT)
    if not result.ok:
        raise SnapshotBroken(
            f"The snapshot {path} on {host.name} cannot be decompressed.",
            why=" / ".join(result.stderr.strip().splitlines()[-2:])[:300],
            next_step="Take a new snapshot.",
        )
    return parse(result.stdout)


def _digest(host: Host, path: str) -> tuple[str, int]:
    out = host.run(script('sha256sum < "$1"; wc -c < "$1"', path), timeout=TIMEOUT).stdout.split()
    return out[0], int(out[2])


def _compare(database: str, before: State, after: State, content: Content) -> tuple[str, ...]:
    """Raise unless the dump is what the server had; the tables that were written meanwhile."""
    if changed := differences(before.signatures, after.signatures) or sorted(before.views ^ after.views):
        raise SnapshotFailed(
            f"Production changed its tables while the snapshot was taken: {', '.join(changed)}.",
            why="Somebody updates or migrates production.",
            next_step="Wait until that is done and start again.",
        )
    moving = tuple(
        name
        for name, count in before.rows.items()
        if count != after.rows[name] or before.written.get(name) != after.written.get(name) or name in before.fresh
    )
    expected = {name: _nearest(content.rows.get(name, 0), before, after, name, name in moving) for name in before.rows}
    if fault := wrong(content, database, expected, before.signatures, before.views):
        raise SnapshotFailed(
            f"The snapshot of {database} is not what the server has: {fault}", next_step="Start again."
        )
    return moving


def _nearest(found: int, before: State, after: State, name: str, moving: bool) -> int:
    """The number of rows nearest to ``found`` that would be right."""
    low, high = sorted((before.rows[name], after.rows[name]))
    slack = max(50, high // 20) if moving or name in before.inexact else 0
    return min(max(found, low - slack), high + slack)


@contextmanager
def _watched(host: Host, path: str, what: str, emit: Emit) -> Iterator[None]:
    """Tell the file's size at least every two seconds."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            with suppress(PalierError):  # the work itself will say that the host is gone
                said = host.run(command("stat", "-c", "%s", "--", path), check=False, timeout=30).stdout.strip()
                emit(Progress(what, int(said) if said.isdigit() else 0, None, "bytes"))

    watcher = threading.Thread(target=watch, name="palier-snapshot-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join(35)


# --- afterwards ---------------------------------------------------------------------------------------------------


def load(host: Host, folder: str) -> Snapshot:
    """The snapshot recorded in ``folder``. :raises SnapshotBroken: if there is none, or its record cannot be read."""
    path = f"{host.expand(folder)}/{RECORD}"
    if not host.exists(path):
        partial = host.run(script('ls -- "$1"/*.partial 2>/dev/null', host.expand(folder)), check=False).ok
        half = "only a half-written one." if partial else "there is no record of one."
        raise broken(f"There is no snapshot in {folder} on {host.name}: {half}")
    try:
        said: dict[str, Any] = json.loads(host.read(path))
        _known_format(said["format"])
        for name in ("views", "moving", "inexact"):
            said[name] = tuple(said[name])
        return Snapshot(**said)
    except (ValueError, KeyError, TypeError) as problem:
        raise broken(f"The record {path} of a snapshot cannot be read.", why=f"{problem}.") from problem


def _known_format(number: object) -> None:
    if number != FORMAT:
        raise ValueError(f"its format is {number}; this Palier reads {FORMAT}")


def broken(what: str, why: str = "") -> SnapshotBroken:
    """The error for a snapshot that cannot be relied on."""
    return SnapshotBroken(what, why=why, next_step="Do not rely on it: take a new snapshot.")


def check(host: Host, snapshot: Snapshot, *, emit: Emit = silent) -> None:
    """Read the whole file again and compare it with what was recorded.

    :raises SnapshotBroken: with a sentence on what is wrong.
    """
    path = snapshot.path
    if not host.exists(path):
        half = " There is only a half-written one." if host.exists(f"{path}.partial") else ""
        raise broken(f"The snapshot {path} on {host.name} is not there.{half}")
    with _watched(host, path, "checking the snapshot", emit):
        digest, size = _digest(host, path)
        if size != snapshot.size:
            cut = "is empty" if not size else "was cut off" if size < snapshot.size else "has grown"
            raise broken(f"The snapshot {path} on {host.name} {cut}: {size} bytes instead of {snapshot.size}.")
        if digest != snapshot.sha256:
            raise broken(f"The snapshot {path} on {host.name} has been changed: its SHA-256 is another one.")
        content = _content(host, path, snapshot.compression)
    fault = wrong(content, snapshot.database, snapshot.rows, snapshot.signatures, frozenset(snapshot.views))
    if fault:
        raise broken(f"The snapshot {path} on {host.name} is not whole: {fault}")


def restore_command(snapshot: Snapshot, client_file: str, *, program: str = "mariadb", edit: str = "") -> str:
    """What a human types on the production host as the last resort: everything back to the moment of the snapshot.

    Orders taken since are lost by it, which is why it is the last rung. The first line of recent MariaDB dumps (the
    "sandbox" line) is left out: other clients refuse it.
    """
    words = " ".join(quoted(word) for word in DECOMPRESS[snapshot.compression])
    client = f"{program} --defaults-file={quoted(client_file)} --default-character-set=utf8mb4"
    into = quoted(snapshot.database)
    return f"{words} -- {quoted(snapshot.path)} | sed {quoted(SANDBOX + edit)} | {client} {into}"


def table_script(snapshot: Snapshot, client_file: str, program: str = "mariadb") -> str:
    """A shell script for a human: ``sh SCRIPT TABLE INTO`` makes the table INTO with the snapshot's rows of TABLE.

    Nothing else moves. Foreign keys are left out: their names are taken. Names must hold no backtick.
    """
    words = " ".join(quoted(word) for word in DECOMPRESS[snapshot.compression])
    client = f"{program} --defaults-file={quoted(client_file)} --default-character-set=utf8mb4"
    return (
        "#!/bin/sh\n# sh THIS TABLE INTO: the snapshot's rows of TABLE, as a table of their own called INTO\n"
        'set -eu\n: "${2?sh THIS TABLE INTO}"\n'
        f"{words} -- {quoted(snapshot.path)} |\n"
        f'LC_ALL=C awk -v table="\\`$1\\`" -v into="\\`$2\\`" {quoted(ONE_TABLE)} |\n'
        f"{client} {quoted(snapshot.database)}\n"
    )
