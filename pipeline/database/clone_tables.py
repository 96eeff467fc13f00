"""The tables of a clone without their rows: the old ones out, production's made, views and triggers at the end."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from pipeline.database import schema
from pipeline.database.connection import Database, QueryFailed
from pipeline.database.late_indexes import bare
from pipeline.database.ranges import Known
from pipeline.database.schema import Table, Trigger
from pipeline.database.sql import OWN, identifier
from pipeline.database.transcript import LEDGER, LEDGER_DDL
from pipeline.errors import PalierError

_DEFINER = re.compile(r"\sDEFINER\s*=\s*(?:`(?:[^`]|``)*`|\S+?)@(?:`(?:[^`]|``)*`|\S+)", re.IGNORECASE)
_ENGINE = re.compile(r"(\n\) ENGINE=\w+)")
_FOLDER = re.compile(r" (?:DATA|INDEX) DIRECTORY='[^']*'")


class CloneFailed(PalierError):
    """The clone is not whole, and the receiving schema says so; ``table`` is where it stopped, if known."""

    def __init__(self, what: str, *, table: str | None = None, why: str = "") -> None:
        super().__init__(
            what,
            why=why,
            next_step="Staging's database is marked unusable; correct the cause and clone again.",
        )
        self.table = table


def drop_all(target: Database, prefix: str, keep: Mapping[str, Known]) -> None:
    """Views first, then tables; what is Palier's own stays, the marker of an earlier clone goes.

    Of the tables to ``keep`` only the triggers go, so that nothing is set off, and the rows that are to be left out.
    """
    found = target.rows("SELECT TABLE_NAME,TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()")
    mine = [(name, kind == "VIEW") for name, kind in found if name.startswith(prefix) and not name.startswith(OWN)]
    target.execute(f"DROP TABLE IF EXISTS {LEDGER}")
    target.execute(LEDGER_DDL)
    target.execute("SET SESSION foreign_key_checks=0")
    for name, is_view in sorted(mine, key=lambda item: not item[1]):
        if name not in keep:
            target.execute(f"DROP {'VIEW' if is_view else 'TABLE'} IF EXISTS {identifier(name)}")
        elif not keep[name].ranges and target.value(f"SELECT EXISTS(SELECT 1 FROM {identifier(name)})"):
            target.execute(f"TRUNCATE TABLE {identifier(name)}")
    for (trigger,) in target.rows(
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=DATABASE()"
    ):
        target.execute(f"DROP TRIGGER IF EXISTS {identifier(trigger)}")


def create(target: Database, tables: Iterable[Table], late: Collection[str]) -> None:
    target.execute("SET SESSION foreign_key_checks=0")
    for table in tables:
        create = _FOLDER.sub("", bare(table) if table.name in late else table.create)
        if table.auto_increment:
            create = _ENGINE.sub(rf"\1 AUTO_INCREMENT={table.auto_increment}", create, count=1)
        try:
            target.execute(create)
        except QueryFailed as problem:
            raise CloneFailed(
                f"The table {table.name} could not be made in staging's database.", table=table.name, why=problem.what
            ) from problem


def require_unchanged(source: Database, before: Mapping[str, Table]) -> None:
    after = schema.read(source, before)
    for name, table in before.items():
        if name not in after or after[name].signature != table.signature:
            raise CloneFailed(
                f"The table {name} of production changed its definition while it was copied.",
                table=name,
                why="Somebody updates or migrates production.",
            )


def create_views(target: Database, waiting: list[Table]) -> None:
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


def create_trigger(target: Database, trigger: Trigger) -> None:
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


def require_same(target: Database, tables: Mapping[str, Table], prefix: str) -> None:
    found = {name for name in schema.table_names(target, views=True) if name.startswith(prefix)}
    if found != set(tables):
        raise CloneFailed(
            "Staging's database does not have production's tables.",
            why=f"Missing: {', '.join(sorted(set(tables) - found)) or 'none'}."
            f" Too many: {', '.join(sorted(found - set(tables))) or 'none'}.",
        )
