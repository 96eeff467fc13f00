"""The way back after reopening, as a POSIX shell script that lies on the host before the shop is opened.

Everything in it may be repeated: what is done once only leaves its mark in the same transaction.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable

from pipeline.database.alter import Late, Reversal, reverse
from pipeline.database.aside import carry_over, put_aside
from pipeline.database.checkpoint import Checkpoint
from pipeline.database.compare import equalize
from pipeline.database.conflicts import CAME_BACK_TABLE, NOT_UNIQUE, conflict
from pipeline.database.merge_plan import MergePlan, MergeTable
from pipeline.database.merge_sql import apply, fill, images, keep_wide, settle
from pipeline.database.merge_unkeyed import hold_still
from pipeline.database.restore import DEFAULTS, restore_body, restore_triggers, restore_views
from pipeline.database.schema import Table
from pipeline.database.shell import (
    drop_triggers,
    empty_tables,
    end_changes_of,
    end_writers,
    is_defined,
    preamble,
    raise_counters,
    require_definitions,
    run_sql,
    told,
)
from pipeline.database.sql import identifier, text

MERGE_FILE = "merge.sh"
"""The merge script's name in the run's folder."""

REPORT_FILE = "conflicts.txt"
"""Where the conflicts are listed, in the run's folder: table, key, column, what; tabs between."""

OTHERWISE = "built-otherwise"
"""A file in the run's folder: a person has looked at tables that are not built as they were, and lets them be."""

_FUNCTIONS = """
palier_done() {
    palier_count=$(echo "SELECT COUNT(*) FROM @STATE@ WHERE part = '$1';" | palier_sql) || exit 1
    [ "$palier_count" = 1 ]
}
"""


def data_fragment(
    checkpoint: Checkpoint,
    schema: str,
    *,
    defaults: str = DEFAULTS,
    program: str = "mariadb",
    prefix: str = "",
    emptied: Collection[str] = (),
    first: str = "",
) -> str:
    """The undo fragment of the migration; it lies on the host before the migration runs.

    Until the shop is opened (no file ``opened`` in the run's folder) tables are restored exactly; afterwards the merge
    script is run, which :func:`merge_script` writes and the flow puts beside it before opening.

    :param emptied: tables that pages fill as a cache; what newer code has put there goes. They need not exist.
    :param first: shell text for before anything is restored, when nobody writes any more.
    """
    return (
        f"{preamble(schema, defaults, program)}"
        "if [ -e opened ]; then\n"
        f"    [ -e {MERGE_FILE} ] || {{ echo 'The shop was opened, and {MERGE_FILE} is missing.' >&2; exit 1; }}\n"
        f"    . ./{MERGE_FILE}\n"
        "else\n"
        f"{end_writers()}{first}{restore_body(checkpoint, prefix=prefix)}"
        "fi\n"
        f"{run_sql([empty_tables(emptied)], each=True) if emptied else ''}"
    )


def merge_script(plan: MergePlan, schema: str, *, defaults: str = DEFAULTS, program: str = "mariadb") -> str:
    """The text of the merge script: takes back what the update did and keeps what others wrote since."""
    both = [table for table in plan.tables if table.before and table.after]
    altered = [table for table in both if table.altered]
    made = [table for table in plan.tables if not table.before]
    removed = [table for table in plan.tables if not table.after]
    return "".join(
        [
            preamble(schema, defaults, program),
            _FUNCTIONS.replace("@STATE@", plan.state),
            end_changes_of(plan.of),
            "palier_live=$(palier_definitions)\n",
            run_sql([drop_triggers(table.name for table in plan.tables)], each=True) if plan.tables else "",
            *_rows(both, plan),
            *(_altered(table, reverse(table.then, table.now), plan) for table in altered),
            *(_drop_view(name) for name in plan.views_added),
            *(_aside(table) for table in made),
            *(_again(table, plan) for table in removed),
            run_sql([raise_counters(identifier(plan.map))], each=True) if plan.tables else "",
            "palier_live=$(palier_definitions)\n",
            restore_views(plan.views_before.values()),
            restore_triggers(table.then for table in plan.tables if table.before),
            _report(made, plan),
            require_definitions(((table.number, table.then) for table in (*altered, *removed)), unless=OTHERWISE),
        ]
    )


def _rows(tables: Iterable[MergeTable], plan: MergePlan) -> list[str]:
    """All transactional tables in one transaction; the others one by one, their images first."""
    touched = [table for table in tables if table.touched]
    together = [table for table in touched if table.now.transactional]
    parts = []
    if together:
        statements = [
            *(hold_still(table) for table in together if not table.key),
            *(s for table in together for s in images(table)),
            *settle(together, plan.tables),
            *(s for table in together for s in apply(table)),
        ]
        parts.append(_once(plan, "rows", statements, still=not all(table.key for table in together)))
    for table in touched:
        if not table.now.transactional:
            parts.append(_once(plan, f"images-{table.number}", [*images(table), *settle([table], plan.tables)]))
            parts.append(_once(plan, f"rows-{table.number}", apply(table)))
    return parts


def _once(plan: MergePlan, part: str, statements: Iterable[str], *, still: bool = False) -> str:
    """Shell text that runs statements in one transaction with the mark that they were run.

    :param still: at REPEATABLE READ, which locks gaps too.
    """
    level = ["SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"] if still else []
    body = [*level, "START TRANSACTION", f"INSERT INTO {plan.state} VALUES ({text(part)})", *statements, "COMMIT"]
    return f"if palier_done {part}; then :; else\n{run_sql(body)}fi\n"


def _altered(table: MergeTable, back: Reversal, plan: MergePlan) -> str:
    """The reverse ALTER while the table is built as the update left it; then the values, then what they must obey."""
    keeping = [*(keep_wide(table, back.retyped) if back.retyped else []), *(put_aside(table) if table.gained else [])]
    before_alter = [*keeping, back.alter]
    parts = [f"if {is_defined(table.now)}then\n{run_sql(before_alter)}fi\n"] if back.alter else []
    if back.retyped or back.refill:
        filled = [*fill(table, back.refill, back.retyped), *carry_over(table)]
        parts.append(_once(plan, f"fill-{table.number}", filled))
    return "".join([*parts, *(_late(table, item) for item in back.late)])


def _late(table: MergeTable, item: Late) -> str:
    refused = _reported(table, item.name, NOT_UNIQUE, f"late-{item.name}")
    return (
        f"palier_count=$({run_sql([item.exists])})\n"
        'if [ "$palier_count" = 0 ]; then\n'
        f"if {run_sql([item.add])}then :; else\n"
        'case "$palier_said" in\n'
        "*'ERROR 1062 '*)\n"
        f"{run_sql(refused)}{told(table.number)};;\n"
        "*) exit 1 ;;\n"
        "esac\nfi\nfi\n"
    )


def _reported(table: MergeTable, column: str, what: str, stage: str) -> list[str]:
    """Statements that report something about a whole table, once however often they are run."""
    return [
        f"DELETE FROM {table.conflicts} WHERE tab = {text(table.name)} AND stage = {text(stage)}",
        conflict(table, "''", column, what, stage),
    ]


def _drop_view(name: str) -> str:
    return run_sql([f"DROP VIEW IF EXISTS {identifier(name)}"])


def _exists(name: str) -> str:
    """A shell condition: the schema has this table."""
    query = (
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        f" AND BINARY TABLE_NAME = {text(name)}"
    )
    return f'palier_count=$({run_sql([query])}) || exit 1\nif [ "$palier_count" = 1 ]; then\n'


def _aside(table: MergeTable) -> str:
    """A table that the update made is renamed, with the rows that customers wrote into it, and lets its parents go."""
    clauses = [f"DROP FOREIGN KEY {identifier(key.name)}" for key in table.now.foreign_keys]
    rename = f"ALTER TABLE {identifier(table.name)} {', '.join([*clauses, f'RENAME TO {identifier(table.aside)}'])}"
    return f"{_exists(table.aside)}:\nelse\n{_exists(table.name)}{run_sql([rename])}fi\nfi\n"


def _again(table: MergeTable, plan: MergePlan) -> str:
    """A table that the update removed is made again, unless somebody else has made one of its name."""
    number, was = table.number, table.then
    mark = run_sql([f"REPLACE INTO {plan.state} VALUES ({text(f'create-{number}')})", _if_missing(was)])
    report = run_sql(_reported(table, "", CAME_BACK_TABLE, f"create-{number}"))
    rows = _once(plan, f"fill-{number}", equalize(table.name, table.copy.name, was))
    return (
        f"{_exists(table.name)}palier_made=no\nelse\npalier_made=yes\n{mark}fi\n"
        f'if [ "$palier_made" = no ] && ! palier_done create-{number}; then\n{report}{told(number)}'
        f"else\n{rows}fi\n"
    )


def _if_missing(table: Table) -> str:
    return table.create.replace("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)


def _report(made: Iterable[MergeTable], plan: MergePlan) -> str:
    """Writes the list of conflicts, and says how many there are and which tables were set aside."""
    query = f"SELECT tab, row_key, col, what FROM {plan.conflicts} ORDER BY id"
    lines = "".join(
        f"printf '%s\\n' {shlex.quote(f'{table.name} is kept as {table.aside}, with the rows written into it.')}\n"
        for table in made
    )
    return (
        f"palier_sql > {REPORT_FILE}.partial <<'PALIER_SQL'\n{query};\nPALIER_SQL\n"
        f"mv {REPORT_FILE}.partial {REPORT_FILE}\n"
        f"palier_count=$(wc -l < {REPORT_FILE})\n"
        f'echo "Rows that others wrote since and that stay as they are: $((palier_count)), listed in {REPORT_FILE}"\n'
        f"{lines}"
    )
