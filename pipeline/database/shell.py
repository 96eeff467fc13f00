"""The POSIX shell around SQL in undo scripts: how it is run, retried, and how the schema's definitions are read.

The scripts run in the run's folder on the shop's host, with a shell, coreutils, ``grep``, ``sed`` and the database's
client program, and nothing else. Every function of theirs begins with ``palier_``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from pipeline.database.schema import Table
from pipeline.database.sql import NOT_OWN, OWN, SCRIPT, text, texts

TRIES = 20
"""How often a statement is tried that meets somebody else's lock; each try waits up to three seconds."""

ENDING = 300
"""Seconds for which a statement that was told to end may take to do so: what it wrote is rolled back first."""

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
        | LC_ALL=C sed 's/^\(.*[^\\]\\n) ENGINE=[A-Za-z0-9_]*\) AUTO_INCREMENT=[0-9]*/\1/'
}

# Whether the definition on standard input is among those last read.
palier_is() {
    palier_line=$(cat)
    LC_ALL=C grep -Fxq -e "$palier_line" <<PALIER_LIVE
$palier_live
PALIER_LIVE
}

# A definition line by line, as definitions are compared: keys and constraints in any order, no comma at the end.
palier_shape() {
    palier_lines=$(LC_ALL=C sed 's/\\n/\
/g' | LC_ALL=C sed 's/,$//')
    palier_keys='^  (PRIMARY KEY|((UNIQUE|FULLTEXT|SPATIAL) )?KEY|CONSTRAINT) '
    printf '%s\n' "$palier_lines" | LC_ALL=C grep -Ev "$palier_keys" || :
    printf '%s\n' "$palier_lines" | LC_ALL=C grep -E "$palier_keys" | LC_ALL=C sort
}

# Whether the definition on standard input is, in this sense, the one last read whose line begins like pattern $1.
palier_like() {
    palier_line=$(cat)
    palier_there=$(printf '%s\n' "$palier_live" | LC_ALL=C grep -e "$1") || return 1
    [ "$(printf '%s\n' "$palier_there" | palier_shape)" = "$(printf '%s\n' "$palier_line" | palier_shape)" ]
}

# Ends this account's sessions in this schema that the query on standard input names, and waits until they are gone.
palier_end() {
    palier_who=$(cat)
    palier_waited=0
    while :; do
        palier_busy=$(printf '%s\n' "$palier_who" | palier_sql) || return 1
        [ -n "$palier_busy" ] || return 0
        [ "$palier_waited" -lt @ENDING@ ] || break
        for palier_id in $palier_busy; do
            printf 'KILL %s;\n' "$palier_id" | palier_client > /dev/null 2>&1 || :
        done
        palier_waited=$((palier_waited + 1))
        sleep 1
    done
    echo "Statements of this run are still at work in the database and do not end:" $palier_busy >&2
    echo "See what they do (SHOW FULL PROCESSLIST); when they are gone, type again: sh rollback.sh" >&2
    return 1
}
"""

_OWN_SESSIONS = (
    "SELECT p.ID FROM information_schema.PROCESSLIST p JOIN information_schema.PROCESSLIST me"
    " ON me.ID = CONNECTION_ID() AND p.ID <> me.ID AND p.USER = me.USER AND p.DB = me.DB"
    " WHERE p.COMMAND IN ('Query', 'Execute', 'Killed')"
)


def preamble(schema: str, defaults: str, program: str) -> str:
    """The functions that both ways back are made of.

    :param defaults: the client's option file, absolute or as seen from the run's folder.
    :param program: the client program; if the host lacks it, the other one is taken.
    """
    begin = "\n".join(f"{statement};" for statement in SCRIPT)
    functions = _FUNCTIONS.replace("@TRIES@", str(TRIES)).replace("@NOT_OWN@", NOT_OWN)
    functions = functions.replace("@ENDING@", str(ENDING))
    return (
        "set -eu\n"
        f"palier_schema={shlex.quote(schema)}\n"
        f"palier_defaults={shlex.quote(defaults)}\n"
        f"palier_program={shlex.quote(program)}\n"
        'command -v "$palier_program" > /dev/null 2>&1 || palier_program=mysql\n'
        f"palier_begin={shlex.quote(begin)}\n"
        f"{functions}"
    )


def here(content: str) -> str:
    """A here-document that hands on ``content`` as it is: no line of it, whatever it says, is the mark at the end."""
    lines, mark = set(content.split("\n")), _MARK
    while mark in lines:
        mark += "_"
    return f"<<'{mark}'\n{content}{mark}\n"


def run_sql(statements: Iterable[str], *, each: bool = False, comments: bool = False) -> str:
    """A shell command that runs these statements and fails as they do.

    :param each: the one statement is a query, and what it answers with is run.
    :param comments: those inside the statements reach the server: a trigger is kept with them.
    """
    words = f"palier_{'each' if each else 'sql'}{' --comments' if comments else ''}"
    return f"{words} {here(batch(statements))}"


def batch(statements: Iterable[str]) -> str:
    """Statements as the client program reads them. A trigger's body holds semicolons of its own."""
    lines = []
    for statement in statements:
        if statement.lstrip().upper().startswith("CREATE") and "TRIGGER" in statement.upper():
            end = f"{OWN}end"
            while end in statement:
                end += "_"
            lines.append(f"DELIMITER {end}\n{statement}\n{end}\nDELIMITER ;")
        else:
            lines.append(f"{statement};")
    return "".join(f"{line}\n" for line in lines)


def is_defined(table: Table) -> str:
    """A shell command that succeeds if the table, when definitions were last read, was built exactly like this."""
    return f"palier_is {here(definition_line(table) + chr(10))}"


def is_like(table: Table) -> str:
    """A shell command that succeeds if the table was built like this, but for the order of its keys."""
    start = "^" + re.sub(r"([\\.*^$\[])", r"\\\1", _batched(table.name)) + "\t"
    return f"palier_like {shlex.quote(start)} {here(definition_line(table) + chr(10))}"


def told(number: int) -> str:
    """Shell text: the list of conflicts says why the table of this number is not built as it was."""
    return f"palier_told_{number}=yes\n"


def require_definitions(tables: Iterable[tuple[int, Table]], *, unless: str = "") -> str:
    """Shell text that reads the definitions and fails with a sentence if a table is built otherwise and not told.

    :param tables: each with its number.
    :param unless: a file in the run's folder that somebody made to say that it may stay so.
    """
    checks = "".join(
        f'if [ -n "${{palier_told_{number}-}}" ] || {is_like(table)}then :; else\n'
        f'palier_wrong="$palier_wrong "{shlex.quote(_batched(table.name))}\nfi\n'
        for number, table in tables
    )
    way_out = f'    echo "If they may stay so, type (in $(pwd)): touch {unless} && sh rollback.sh" >&2\n'
    return (
        "palier_live=$(palier_definitions)\n"
        f"palier_wrong=\n{checks}"
        f'if [ -n "$palier_wrong" ]{f" && [ ! -e {unless} ]" if unless else ""}; then\n'
        "    printf 'These tables are not built as they were before the update:%s\\n' \"$palier_wrong\" >&2\n"
        '    echo "This script holds the definitions that they had: make them so, and run rollback.sh again." >&2\n'
        f"{way_out if unless else ''}"
        "    exit 1\n"
        "fi\n"
    )


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


def end_writers() -> str:
    """Shell text that ends whatever this account still writes: a statement outlives the client that was killed.

    For before the shop is opened: nobody but the update is inside, and what it still wrote would come after its undo.
    """
    reads = text("^[[:space:](]*(select|show|desc|explain|set|kill)")
    return _end(f"COALESCE(p.INFO, '') NOT REGEXP {reads}")


def end_changes_of(of: str = "") -> str:
    """Shell text that ends this account's ALTERs and what works on Palier's tables, of the run ``of`` if there is one.

    For the way back of a shop that was opened: it was killed itself and is run again. Customers' statements are none.
    """
    marked, alters = text(rf"%\_palier\_%{of}%"), text("^[[:space:]]*alter[[:space:]]+table")
    return _end(f"(p.INFO REGEXP {alters} OR p.INFO LIKE {marked})")


def end_copying(of: str) -> str:
    """Shell text that ends what still fills the copies of the run ``of``, while the shop is open."""
    marked = rf"%\_palier\_pre\_{of}\_%"
    return _end(f"p.INFO LIKE {text(marked)}")


def _end(condition: str) -> str:
    return f"palier_end {here(f'{_OWN_SESSIONS} AND {condition};{chr(10)}')}"


def empty_tables(tables: Iterable[str]) -> str:
    """A query whose answers empty those of ``tables`` that there are."""
    return (
        "SELECT CONCAT('TRUNCATE TABLE `', REPLACE(TABLE_NAME, '`', '``'), '`;') FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW' AND BINARY TABLE_NAME IN ({texts(tables)})"
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
