"""Putting tables back from their copies, on staging, and telling whether they are what they were."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext

from pipeline.database.checkpoint import Checkpoint, CheckpointFailed, Copy, bulk, some
from pipeline.database.compare import equalize
from pipeline.database.connection import Database
from pipeline.database.schema import Table, Trigger, read
from pipeline.database.sql import identifier, text


def restore(
    db: Database, checkpoint: Checkpoint, tables: Iterable[str] | None = None, *, appended: Collection[str] = ()
) -> None:
    """Make ``tables`` (``None``: all that the checkpoint or the schema knows) exactly what they were: for staging.

    Tables added since are dropped, removed ones come back, altered ones are built again, of all others only the rows
    that differ are written. AUTO_INCREMENT does not go back.

    :param appended: tables of which only the rows numbered since are removed, without a look at the others. The caller
        compares them afterwards: :func:`cut` says where that can be done.
    :raises CheckpointFailed: if a table was there at the time and no copy of it was taken.
    """
    live = read(db) if tables is None else some(db, tables := set(tables))
    wanted = set(checkpoint.present) | set(live) if tables is None else set(tables)
    if tables is None:
        wanted -= set(checkpoint.present) - set(checkpoint.copies) - set(checkpoint.views)
    known = set(checkpoint.copies) | set(checkpoint.views)
    if lost := sorted(name for name in wanted & set(checkpoint.present) if name not in known):
        raise CheckpointFailed(f"There is no copy to put these tables back from: {', '.join(lost)}.")
    copies = [checkpoint.copies[name] for name in sorted(wanted & set(checkpoint.copies))]
    with bulk(db):
        for statement in _removals(checkpoint, wanted, live):
            db.execute(statement)
        _put_back(db, copies, live, frozenset(appended))
        if any(live.get(name) != view for name, view in checkpoint.views.items()):
            for view in ordered_views(checkpoint.views.values()):
                db.execute(or_replace(view))
        for copy in copies:
            for statement in (part for trigger in copy.table.triggers for part in trigger_statements(trigger)):
                db.execute(statement)


def cut(copy: Copy) -> str:
    """A statement that removes the rows numbered since the copy was taken; empty where rows are not numbered."""
    table = copy.table
    if table.auto_increment is None or len(table.key) != 1 or not table.column(table.key[0]).counts:
        return ""
    return f"DELETE FROM {identifier(table.name)} WHERE {identifier(table.key[0])} >= {table.auto_increment}"


def _removals(checkpoint: Checkpoint, wanted: set[str], live: Mapping[str, Table]) -> Iterator[str]:
    for name in sorted(wanted & set(live)):
        table = live[name]
        for trigger in table.triggers:
            yield f"DROP TRIGGER IF EXISTS {identifier(trigger.name)}"
        if name not in checkpoint.present or table.is_view != (name in checkpoint.views):
            yield f"DROP {'VIEW' if table.is_view else 'TABLE'} {identifier(name)}"


def _put_back(db: Database, copies: Iterable[Copy], live: Mapping[str, Table], appended: frozenset[str]) -> None:
    copies = list(copies)
    rebuilt = [c for c in copies if c.table.name not in live or live[c.table.name].create != c.table.create]
    for copy in rebuilt:  # all of them first: a foreign key refuses a parent of another type
        db.execute(f"DROP TABLE IF EXISTS {identifier(copy.table.name)}")
    for copy in rebuilt:
        db.execute(copy.table.create)
    anew = {copy.table.name for copy in rebuilt}
    for copy in copies:
        quick = cut(copy) if copy.table.name in appended and copy.table.name not in anew else ""
        with db.transaction() if copy.table.transactional else nullcontext():
            for statement in [quick] if quick else equalize(copy.table.name, copy.name, copy.table):
                db.execute(statement)
        before = live[copy.table.name].auto_increment if copy.table.name in live else 0
        counter = max(copy.table.auto_increment or 0, before or 0)
        if counter > (_counter(db, copy.table.name) or 0):
            db.execute(f"ALTER TABLE {identifier(copy.table.name)} AUTO_INCREMENT={counter}")


def _counter(db: Database, name: str) -> int | None:
    sql = "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME=%s"
    found = db.value(sql, (name,))
    return None if found is None else int(found)


def or_replace(view: Table) -> str:
    """The statement that makes a view, whether it exists or not."""
    return re.sub(r"^CREATE ", "CREATE OR REPLACE ", view.create, count=1)


def ordered_views(views: Iterable[Table]) -> list[Table]:
    """Views in an order in which each can be made: those that others stand on come first."""
    waiting, done = list(views), []
    while waiting:
        names = {view.name for view in waiting}
        ready = [v for v in waiting if not any(identifier(n) in v.create for n in names - {v.name})] or waiting
        done += ready
        waiting = [view for view in waiting if view not in ready]
    return done


def trigger_statements(trigger: Trigger) -> list[str]:
    """Statements that make a trigger again in the session that it was made in, and leave ours as it was."""
    return [
        f"DROP TRIGGER IF EXISTS {identifier(trigger.name)}",
        f"SET SESSION sql_mode={text(trigger.sql_mode)}, collation_connection={text(trigger.collation)}",
        trigger.create,
        "SET SESSION sql_mode='NO_AUTO_VALUE_ON_ZERO'",
        "SET NAMES utf8mb4",
    ]


def differences(db: Database, checkpoint: Checkpoint, tables: Iterable[str] | None = None) -> list[str]:
    """A sentence for each of ``tables`` that is not what the checkpoint says; empty: all are equal."""
    wanted = set(checkpoint.tables) if tables is None else set(tables)
    live = read(db, wanted)
    return [said for name in sorted(wanted) if (said := _difference(db, checkpoint, name, live.get(name)))]


def _difference(db: Database, checkpoint: Checkpoint, name: str, live: Table | None) -> str:
    copy = checkpoint.copies.get(name)
    if copy is None:
        gone = name not in checkpoint.present or name in checkpoint.views
        return f"{name} was not there before." if gone and live and not live.is_view else ""
    if live is None:
        return f"{name} is gone."
    if live.signature != copy.table.signature:
        return f"{name} is built differently."
    if _behaviour(live) != _behaviour(copy.table):
        return f"{name} has other triggers."
    sums = [row[1] for row in db.rows(f"CHECKSUM TABLE {identifier(name)}, {identifier(copy.name)}")]
    return "" if sums[0] == sums[1] else f"{name} has other rows."


def _behaviour(table: Table) -> list[tuple[str, str, str]]:
    return [(trigger.name, trigger.sql_mode, trigger.create) for trigger in table.triggers]
