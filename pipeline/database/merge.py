"""The way back after reopening: what the update did goes, what others wrote since stays. Here: recording what it did.

Three states are told apart for every row that the update touched. *pre*: before the update (the checkpoint). *post*:
after it and before reopening, kept here as row images. *live*: when the way back is taken. Where live is not post,
somebody else wrote, and their write wins.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pipeline.database.alter import obstacles
from pipeline.database.aside import keep_cells, renamed
from pipeline.database.checkpoint import Checkpoint, CheckpointFailed, Copy, build_like
from pipeline.database.compare import all_same, common, digest, matched, same
from pipeline.database.connection import Database
from pipeline.database.footprint import Footprint
from pipeline.database.merge_plan import ACTION, CONFLICTS, STATE, MergePlan, MergeTable
from pipeline.database.references import references
from pipeline.database.schema import Table, read
from pipeline.database.shell import raise_counters
from pipeline.database.sql import OWN, identifier, names, own


def refuse(before: Mapping[str, Table], after: Mapping[str, Table], footprint: Footprint) -> list[str]:
    """Sentences on the tables that could not be taken back exactly; ask *before* production is touched.

    :param before: the tables as they are on production, by name.
    :param after: the tables as the update left them on staging.
    """
    found = []
    for name in footprint.tables:
        then, now = before.get(name), after.get(name)
        if then and now and then.is_view != now.is_view:
            found.append(f"{name} could not be taken back: it is a view on one side only.")
        elif then and then.versioned and not now:
            found.append(f"{name} could not be taken back: it is system-versioned, and its history would be lost.")
        elif then and now and not then.is_view:
            found += [f"{name} could not be taken back: {why}." for why in obstacles(then, now)]
    return found


def refuse_triggers(db: Database, tables: Mapping[str, Table]) -> list[str]:
    """Sentences on triggers that this account could not make again; putting rows back drops and makes them."""
    triggers = [trigger for table in tables.values() for trigger in table.triggers]
    if not triggers:
        return []
    account = str(db.value("SELECT CURRENT_USER()"))
    owners = dict(
        db.rows("SELECT TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=DATABASE()")
    )
    return [
        f"The trigger {trigger.name} of {trigger.table} belongs to {owners.get(trigger.name)},"
        f" and {account} could not make it again."
        for trigger in triggers
        if owners.get(trigger.name) != account
    ]


def with_triggers_of_others(db: Database) -> set[str]:
    """The tables with a trigger that this account could not make again, as far as it sees triggers."""
    sql = (
        "SELECT DISTINCT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS"
        " WHERE TRIGGER_SCHEMA=DATABASE() AND DEFINER <> CURRENT_USER()"
    )
    return {str(name) for (name,) in db.rows(sql)}


def refuse_mute_triggers(tables: Mapping[str, Table]) -> list[str]:
    """Sentences on triggers that no shell script can hold; those of every copied table are dropped and made again."""
    return [
        f"The trigger {trigger.name} of {trigger.table} holds a NUL byte, which no shell script can put back."
        for table in tables.values()
        for trigger in table.triggers
        if "\0" in trigger.create
    ]


def record(
    db: Database,
    checkpoint: Checkpoint,
    footprint: Footprint,
    *,
    counters: Mapping[str, Collection[str]] | None = None,
    ignore: Mapping[str, str] | None = None,
    by_name: Collection[str] = (),
) -> MergePlan:
    """Keep the images of the rows that the update touched; called behind the maintenance page, after verification.

    :param counters: table -> number columns whose *difference* is taken back.
    :param ignore: table -> SQL condition on its columns: rows that are noise and are not taken back.
    :param by_name: tables whose rows may refer to others by the names of their columns, without a foreign key.
    :raises CheckpointFailed: if a table of the footprint has no copy, or could not be taken back.
    """
    live = read(db)
    plan = plan_merge(checkpoint, footprint, live, counters or {})
    _prepare(db, plan)
    tables = tuple(
        replace(
            _record(db, table, (ignore or {}).get(table.name, "")),
            references=references(live, table.name, by_name) if table.name in live else (),
        )
        for table in plan.tables
    )
    for (statement,) in db.rows(raise_counters(identifier(checkpoint.map))):
        db.execute(str(statement).rstrip(";"))
    return replace(plan, tables=tables)


def plan_merge(
    checkpoint: Checkpoint, footprint: Footprint, live: Mapping[str, Table], counters: Mapping[str, Collection[str]]
) -> MergePlan:
    """Which tables go back, and from what; without any row yet."""
    before = {name: copy.table for name, copy in checkpoint.copies.items()} | checkpoint.views
    missing = [n for n in footprint.tables if n in checkpoint.present and n not in before]
    if missing:
        raise CheckpointFailed(f"There is no copy of these tables, which the update changed: {', '.join(missing)}.")
    if refused := refuse(before, live, footprint):
        raise CheckpointFailed(" ".join(refused))
    free = 1 + max((copy.number for copy in checkpoint.copies.values()), default=0)
    tables = []
    for name in footprint.tables:
        copy, now = checkpoint.copies.get(name), live.get(name)
        if copy is None and (now is None or now.is_view):
            continue
        number = copy.number if copy else free
        free += 0 if copy else 1
        tables.append(MergeTable(number, name, copy, now, counters=tuple(counters.get(name, ())), of=checkpoint.of))
    added = tuple(n for n in footprint.added if n in live and live[n].is_view)
    views = {name: view for name, view in checkpoint.views.items() if name in footprint.tables}
    return MergePlan(tuple(tables), views, added, checkpoint.map, checkpoint.of)


def _prepare(db: Database, plan: MergePlan) -> None:
    forget(db, plan.of)
    db.execute(f"CREATE TABLE {plan.state} (part VARCHAR(64) PRIMARY KEY) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4")
    db.execute(
        f"CREATE TABLE {plan.conflicts} (id INT AUTO_INCREMENT PRIMARY KEY, tab VARCHAR(64) NOT NULL, row_key TEXT,"
        " col VARCHAR(64) NOT NULL DEFAULT '', what VARCHAR(200) NOT NULL, stage VARCHAR(80) NOT NULL)"
        " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
    )


def forget(db: Database, of: str) -> None:
    """Drop the images, the state and the conflicts that were recorded for the run ``of``."""
    run = f"_{of}" if of else ""
    sql = (
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
        f" AND (TABLE_NAME REGEXP '^{OWN}(post|gone|work|wide|cells){run}_[0-9]+$' OR TABLE_NAME IN (%s, %s))"
    )
    for (name,) in db.rows(sql, (own(CONFLICTS, of), own(STATE, of))):
        db.execute(f"DROP TABLE IF EXISTS {identifier(name)}")


def _record(db: Database, table: MergeTable, ignore: str) -> MergeTable:
    before, after = table.before, table.after
    if before is None:
        return replace(table, added=int(db.value(f"SELECT COUNT(*) FROM {identifier(table.name)}")))
    if after is None:
        return replace(table, removed=before.rows)
    for statement in build_like(table.work, after, f"ADD COLUMN {ACTION} TINYINT NOT NULL"):
        db.execute(statement)
    if table.gained and table.key:
        db.execute(keep_cells(table))
        table = replace(table, renamed=tuple(renamed(db, table)))
    return (_record_keyed if table.key else _record_multiset)(db, table, before, after, ignore)


def _record_keyed(db: Database, table: MergeTable, before: Copy, after: Table, ignore: str) -> MergeTable:
    pairs = common(after, before.table)
    key = matched("l", "p", table.key, after, before.table)
    live, copy = identifier(table.name), identifier(before.name)
    post, gone = identifier(table.post), identifier(table.gone)
    stored = names(after.stored_names)
    for statement in build_like(table.post, after):
        db.execute(statement)
    db.execute(
        f"INSERT INTO {post} ({stored}) SELECT {names(after.stored_names, 'l')} FROM {live} l"
        f" WHERE NOT EXISTS (SELECT 1 FROM {copy} p WHERE {key} AND {all_same('l', 'p', pairs)})"
    )
    db.execute(f"CREATE TABLE {gone} LIKE {copy}")
    columns = before.table.stored_names
    db.execute(
        f"INSERT INTO {gone} ({names(columns)}) SELECT {names(columns, 'p')} FROM {copy} p"
        f" WHERE NOT EXISTS (SELECT 1 FROM {live} l WHERE {key})"
    )
    for image in (post, gone) if ignore else ():
        db.execute(f"DELETE FROM {image} WHERE {ignore}")
    moved = ", ".join(f"COALESCE(SUM(NOT ({same('l', 'p', one, two)})), 0)" for one, two in pairs)
    changed, *counts = db.rows(f"SELECT COUNT(*), {moved} FROM {post} l JOIN {copy} p ON {key}")[0]
    total, removed = (int(db.value(f"SELECT COUNT(*) FROM {image}")) for image in (post, gone))
    columns_changed = tuple(one.name for (one, _), count in zip(pairs, counts, strict=True) if int(count))
    return replace(table, added=total - int(changed), changed=int(changed), removed=removed, columns=columns_changed)


def _record_multiset(db: Database, table: MergeTable, before: Copy, after: Table, ignore: str) -> MergeTable:
    """Without a key rows are counted by their content: how many more of each there are since the update."""
    pairs = common(after, before.table)
    post = identifier(table.post)
    where = f" WHERE NOT COALESCE(({ignore}), FALSE)" if ignore else ""
    db.execute(f"CREATE TABLE {post} (digest BINARY(16) PRIMARY KEY, n BIGINT NOT NULL)")
    db.execute(
        f"INSERT INTO {post} SELECT d, SUM(n) FROM ("
        f"SELECT {digest('l', [one for one, _ in pairs])} AS d, 1 AS n FROM {identifier(table.name)} l{where}"
        f" UNION ALL SELECT {digest('p', [two for _, two in pairs])}, -1 FROM {identifier(before.name)} p{where}"
        ") r GROUP BY d HAVING SUM(n) <> 0"
    )
    more, less = db.rows(f"SELECT COALESCE(SUM(GREATEST(n, 0)), 0), COALESCE(SUM(GREATEST(-n, 0)), 0) FROM {post}")[0]
    return replace(table, added=int(float(more)), removed=int(float(less)), counters=())
