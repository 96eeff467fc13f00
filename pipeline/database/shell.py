"""The POSIX shell around SQL in undo scripts: how it is run, retried, and how the schema's definitions are read.

The scripts run in the run's folder on the shop's host, with a shell, coreutils, ``grep``, ``sed`` and the database's
client program, and nothing else. Every function of theirs begins with ``palier_``.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from pipeline.database.schema import Table
from pipeline.database.sql import NOT_OWN, OWN, SCRIPT, text, texts

TRIES = 20
"""How often a statement is tried that meets somebody else's lock; each try waits up to three seconds."""

_MARK = "PALIER_SQL"

_FUNCTIONS = r"""
palier_client() {
    "$palier_program" --defaults-file="$palier_defaults" --default-character-set=utf8mb4 \
        --batch --skip-column-names "$@" "$palier_schema"
}

# Runs the SQL on standard input; again, from its beginning, if somebody else's lock was in the way.
palier_sql() {
    palier_text=$(cat)
    palier_try=1
    while :; do
        { palier_said=$(printf '%s\n%s\n' "$palier_begin" "$palier_text" | palier_client "$@" 2>&1 >&3 3>&-) \
            && return 0; } 3>&1
        case $palier_said in
            *'ERROR 1205 '* | *'ERROR 1213 '*) [ "$palier_try" -lt @TRIES@ ] || break ;;
            *) break ;;
        esac
        palier_try=$((palier_try + 1))
        sleep 1
    done
    printf '%s\n' "$palier_said" >&2
    return 1
}

# Runs the statements that a query answers with, one in each row.
palier_each() {
    palier_rows=$(palier_sql --raw) || return 1
    [ -z "$palier_rows" ] || printf '%s\n' "$palier_rows" | palier_sql
}

# The definition of every table and view that is not Palier's, one in each line, without the running numbers.
palier_definitions() {
    palier_list=$(palier_sql --raw <<'PALIER_SQL'
SELECT CONCAT('SHOW CREATE ', IF(TABLE_TYPE = 'VIEW', 'VIEW', 'TABLE'), ' `', REPLACE(TABLE_NAME, '`', '``'), '`;')
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND @NOT_OWN@ ORDER BY TABLE_NAME;
PALIER_SQL
    ) || return 1
    if [ -n "$palier_list" ]; then
        palier_found=$(printf '%s\n' "$palier_list" | palier_sql) || return 1
    else
        palier_found=
    fi
    printf '%s\n' "$palier_found" | LC_ALL=C cut -f 1,2 \
        | LC_ALL=C sed 's/\(\\n) ENGINE=[A-Za-z0-9_]*\) AUTO_INCREMENT=[0-9]*/\1/'
}

# Whether the definition on standard input is among those last read.
palier_is() {
    palier_line=$(cat)
    LC_ALL=C grep -Fxq -e "$palier_line" <<PALIER_LIVE
$palier_live
PALIER_LIVE
}
"""


def preamble(schema: str, defaults: str, program: str) -> str:
    """The functions that both ways back are made of.

    :param defaults: the client's option file, absolute or as seen from the run's folder.
    :param program: the client program; if the host lacks it, the other one is taken.
    """
    begin = "\n".join(f"{statement};" for statement in SCRIPT)
    functions = _FUNCTIONS.replace("@TRIES@", str(TRIES)).replace("@NOT_OWN@", NOT_OWN)
    return (
        "set -eu\n"
        f"palier_schema={shlex.quote(schema)}\n"
        f"palier_defaults={shlex.quote(defaults)}\n"
        f"palier_program={shlex.quote(program)}\n"
        'command -v "$palier_program" > /dev/null 2>&1 || palier_program=mysql\n'
        f"palier_begin={shlex.quote(begin)}\n"
        f"{functions}"
    )


def run_sql(statements: Iterable[str], *, each: bool = False, indent: str = "") -> str:
    """A shell command that runs these statements and fails as they do.

    :param each: the one statement is a query, and what it answers with is run.
    """
    return f"{indent}palier_{'each' if each else 'sql'} <<'{_MARK}'\n{batch(statements)}{_MARK}\n"


def batch(statements: Iterable[str]) -> str:
    """Statements as the client program reads them. A trigger's body holds semicolons of its own."""
    lines = []
    for statement in statements:
        if ";" in statement and statement.lstrip().upper().startswith("CREATE") and "TRIGGER" in statement.upper():
            lines.append(f"DELIMITER {OWN}end\n{statement}\n{OWN}end\nDELIMITER ;")
        else:
            lines.append(f"{statement};")
    return "".join(f"{line}\n" for line in lines)


def is_defined(table: Table) -> str:
    """A shell command that succeeds if the table, when definitions were last read, was built exactly like this."""
    return f"palier_is <<'{_MARK}'\n{definition_line(table)}\n{_MARK}\n"


def definition_line(table: Table) -> str:
    """What ``palier_definitions`` shows for this table or view."""
    return f"{_batched(table.name)}\t{_batched(table.create)}"


def _batched(value: str) -> str:
    """A value as the client's ``--batch`` shows it."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\0", "\\0")


def drop_unknown(present: Iterable[str], prefix: str) -> str:
    """A query whose answers drop the tables and views that were not there before."""
    ours = f" AND LEFT(TABLE_NAME, {len(prefix)}) = {text(prefix)}" if prefix else ""
    return (
        "SELECT CONCAT('DROP ', IF(TABLE_TYPE = 'VIEW', 'VIEW', 'TABLE'), ' IF EXISTS `',"
        " REPLACE(TABLE_NAME, '`', '``'), '`;') FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = DATABASE() AND {NOT_OWN}{ours} AND BINARY TABLE_NAME NOT IN ({texts(present)})"
    )


def drop_triggers(tables: Iterable[str]) -> str:
    """A query whose answers drop every trigger of these tables, so that putting rows back sets nothing off."""
    return (
        "SELECT CONCAT('DROP TRIGGER IF EXISTS `', REPLACE(TRIGGER_NAME, '`', '``'), '`;')"
        " FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
        f" AND BINARY EVENT_OBJECT_TABLE IN ({texts(tables)})"
    )


def raise_counters(map_table: str) -> str:
    """A query whose answers raise each AUTO_INCREMENT to the highest value known; none is ever lowered."""
    return (
        "SELECT CONCAT('ALTER TABLE `', REPLACE(t.TABLE_NAME, '`', '``'), '` AUTO_INCREMENT = ', m.counter, ';')"
        f" FROM information_schema.TABLES t JOIN {map_table} m ON BINARY m.name = BINARY t.TABLE_NAME"
        " WHERE t.TABLE_SCHEMA = DATABASE() AND t.AUTO_INCREMENT < m.counter"
    )


def remember_counter(map_table: str, number: int, table: str) -> str:
    """A statement that keeps the highest AUTO_INCREMENT seen of a table that is about to be dropped."""
    return (
        f"UPDATE {map_table} SET counter = GREATEST(counter, (SELECT COALESCE(MAX(AUTO_INCREMENT), 0)"
        f" FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND BINARY TABLE_NAME = {text(table)}))"
        f" WHERE number = {number}"
    )
