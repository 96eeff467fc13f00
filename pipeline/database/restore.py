"""The exact way back, while production is still behind the maintenance page.

The text is written to the host before the migration runs. It knows how the tables were, and nothing about what the
migration did. Killed at any statement and run again, it ends in the same state.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.database.checkpoint import Checkpoint, Copy
from pipeline.database.compare import equalize
from pipeline.database.put_back import or_replace, ordered_views, trigger_statements
from pipeline.database.schema import Table
from pipeline.database.shell import (
    drop_triggers,
    drop_unknown,
    end_writers,
    is_defined,
    preamble,
    raise_counters,
    remember_counter,
    require_definitions,
    run_sql,
)
from pipeline.database.sql import identifier

DEFAULTS = "../../client.cnf"
"""The client's option file as seen from the run's folder."""


def restore_fragment(
    checkpoint: Checkpoint, schema: str, *, defaults: str = DEFAULTS, program: str = "mariadb", prefix: str = ""
) -> str:
    """The text of a POSIX shell script that makes the checkpoint's tables exactly what they were.

    Tables that were not there are dropped, removed ones come back, altered ones are built again, in all others only
    the rows that differ are written. Tables that were there and are not in the checkpoint are never touched.

    :param prefix: only tables whose names begin with this are the shop's, and may be dropped as new.
    """
    return preamble(schema, defaults, program) + end_writers() + restore_body(checkpoint, prefix=prefix)


def restore_body(checkpoint: Checkpoint, *, prefix: str = "") -> str:
    """What :func:`restore_fragment` does, behind the preamble, once nobody writes any more."""
    copies = sorted(checkpoint.copies.values(), key=lambda copy: copy.number)
    parts = [
        "palier_live=$(palier_definitions)\n",
        run_sql([drop_unknown(checkpoint.present, prefix)], each=True),
        run_sql([drop_triggers(copy.table.name for copy in copies)], each=True) if copies else "",
        *(_marked(copy) for copy in copies),
        *(_rebuilt(checkpoint, copy, "drop") for copy in copies),
        *(_rebuilt(checkpoint, copy, "create") for copy in copies),
        *(run_sql(_rows(copy)) for copy in copies),
        run_sql([raise_counters(identifier(checkpoint.map))], each=True) if copies else "",
        restore_views(checkpoint.views.values()),
        restore_triggers(copy.table for copy in copies),
        require_definitions((copy.number, copy.table) for copy in copies),
    ]
    return "".join(parts)


def _marked(copy: Copy) -> str:
    mark = f"palier_rebuild_{copy.number}"
    return f"{mark}=yes\nif {is_defined(copy.table)}then {mark}=no; fi\n"


def _rebuilt(checkpoint: Checkpoint, copy: Copy, part: str) -> str:
    """All tables are dropped before the first is made: a foreign key refuses a parent of another type."""
    name = copy.table.name
    statements = (
        [remember_counter(identifier(checkpoint.map), copy.number, name), f"DROP TABLE IF EXISTS {identifier(name)}"]
        if part == "drop"
        else [copy.table.create]
    )
    return f'if [ "$palier_rebuild_{copy.number}" = yes ]; then\n{run_sql(statements)}fi\n'


def _rows(copy: Copy) -> list[str]:
    return ["START TRANSACTION", *equalize(copy.table.name, copy.name, copy.table), "COMMIT"]


def restore_views(views: Iterable[Table]) -> str:
    """Shell text that makes the views that are missing or different, and leaves the others alone."""
    return "".join(
        f"if {is_defined(view)}then :; else\n{run_sql([or_replace(view)])}fi\n" for view in ordered_views(views)
    )


def restore_triggers(tables: Iterable[Table]) -> str:
    """Shell text that makes the triggers that the tables had."""
    statements = [part for table in tables for trigger in table.triggers for part in trigger_statements(trigger)]
    return run_sql(statements, comments=True) if statements else ""
