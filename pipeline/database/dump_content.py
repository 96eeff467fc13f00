"""What a dump holds, found by reading it, on its host, once from end to end: tables, definitions, rows, end marker.

The dump programs of both families are understood: MariaDB's puts each row on a line, MySQL's a whole INSERT. Strings in
a dump hold no line breaks (they are escaped), so a line says by its beginning what it is; bodies of triggers, routines
and events, which may hold anything, stand between DELIMITER lines and are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.database.schema import COUNTER, Table
from pipeline.database.sql import OWN
from pipeline.remote.command import Command, command

READ = r"""
function name(line,   found) {
  match(line, /`([^`]|``)+`/); found = substr(line, RSTART + 1, RLENGTH - 2); gsub(/``/, "`", found); return found
}
function note() { if (table != "" && rows) { print "R\t" rows "\t" table; rows = 0 } }
body { if (/^DELIMITER ;$/) body = 0; next }
/^DELIMITER / { body = 1; next }
ddl { print "D\t" $0; if (/;$/) ddl = 0; next }
inserting && /^\(/ { rows++; if (/\);$/) inserting = 0; next }
{ inserting = 0 }
/^-- Dump completed/ { marker++; last = NR; next }
/^INSERT INTO `/ {
  found = name($0); if (found != table) { note(); table = found }
  if (/ VALUES$/) { inserting = 1; next }
  line = $0; gsub(/'([^'\\]|\\.|'')*'/, "", line); sub(/^.* VALUES /, "", line); rows += gsub(/\(/, "", line); next
}
/^CREATE TABLE `/ { note(); table = ""; print "T\t" name($0); print "D\t" $0; ddl = !/;$/; next }
/^\/\*!50001 VIEW `/ { print "V\t" name($0); next }
/^-- Host: .*Database: / { sub(/^.*Database: /, ""); heads++; print "H\t" $0; next }
END { note(); print "E\t" marker + 0 "\t" (last == NR) "\t" heads + 0 "\t" NR }
"""
"""An awk program (POSIX; run with LC_ALL=C). Each line it prints begins with a letter: see :func:`parse`."""

ONE_TABLE = r"""
function renamed(line,   start) {
  start = index(line, "`"); return substr(line, 1, start - 1) into substr(line, start + length(table))
}
BEGIN {
  print "SET NAMES utf8mb4;"
  print "SET SESSION sql_mode=\047NO_AUTO_VALUE_ON_ZERO\047, foreign_key_checks=0, time_zone=\047+00:00\047;"
}
body { if (/^DELIMITER ;$/) body = 0; next }
/^DELIMITER / { body = 1; next }
ddl && /^  CONSTRAINT `/ { next }
ddl {
  if (/^\) /) sub(/,$/, "", held)
  print held; held = $0
  if (/;$/) { print held; ddl = 0 }
  next
}
inserting && /^\(/ { print; if (/\);$/) inserting = 0; next }
{ inserting = 0 }
index($0, "CREATE TABLE " table " ") == 1 { print "DROP TABLE IF EXISTS " into ";"; held = renamed($0); ddl = 1; next }
index($0, "INSERT INTO " table " ") == 1 { print renamed($0); if (/ VALUES$/) inserting = 1; next }
"""
"""An awk program that prints one table of a dump, under another name, without its CONSTRAINT lines."""

ALL_TABLES = (
    ONE_TABLE.replace("BEGIN {", 'BEGIN {\n  quote = sprintf("%c", 96)', 1)
    .replace('index($0, "CREATE TABLE " table " ") == 1 {', "/^CREATE TABLE `/ { enter();")
    .replace('index($0, "INSERT INTO " table " ") == 1 {', "/^INSERT INTO `/ { enter();")
    .replace(
        "BEGIN {",
        """function enter() {
  match($0, /`([^`]|``)+`/); table = substr($0, RSTART, RLENGTH)
  if (!(table in place)) place[table] = ++number
  into = quote prefix place[table] quote
}
BEGIN {""",
        1,
    )
)
"""The same for every table: the first of the dump is called ``<prefix>1``, and so on. Views are left out."""

DECOMPRESS = {"zstd": ("zstd", "-q", "-dc"), "gzip": ("gzip", "-dc")}


@dataclass(frozen=True)
class Content:
    """What was found in a dump."""

    database: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Table -> rows, for every table that is created."""
    signatures: Mapping[str, str] = field(default_factory=dict)
    views: tuple[str, ...] = ()
    markers: int = 0
    """How often the end marker was seen; a whole dump has one."""
    ended: bool = False
    """Whether the marker was the last line."""
    headers: int = 0
    lines: int = 0


def reading(path: str, compression: str) -> Command:
    """Decompress the file and print what is in it."""
    return command(*DECOMPRESS[compression], "--", path).pipe(command("env", "LC_ALL=C", "awk", READ))


def parse(text: str) -> Content:
    """What :func:`reading` printed, as a value."""
    rows: dict[str, int] = {}
    definitions: dict[str, list[str]] = {}
    views: list[str] = []
    database, end, table = "", ["0", "0", "0", "0"], ""
    for line in text.split("\n"):
        kind, _, rest = line.partition("\t")
        if kind == "T":
            table = rest
            rows.setdefault(table, 0)
            definitions[table] = []
        elif kind == "D":
            definitions[table].append(rest)
        elif kind == "R":
            number, _, of = rest.partition("\t")
            rows[of] = rows.get(of, 0) + int(number)
        elif kind == "V":
            views.append(rest)
        elif kind == "H":
            database = rest.strip()
        elif kind == "E":
            end = rest.split("\t")
    signatures = {name: signature(name, "\n".join(lines)) for name, lines in definitions.items()}
    marker, last, heads, count = (int(part) for part in end)
    return Content(database, rows, signatures, tuple(views), marker, bool(last), heads, count)


def signature(name: str, create: str) -> str:
    """The signature of a table from the statement that a dump makes it with."""
    return Table(name, COUNTER.sub(r"\1", re.sub(r";\s*$", "", create))).signature


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The names whose values are not the same in both, or that only one has."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def wrong(
    content: Content, database: str, rows: Mapping[str, int], signatures: Mapping[str, str], views: frozenset[str]
) -> str:
    """What is wrong with a dump, in a sentence; empty if nothing is."""
    names = ", ".join
    missing = sorted(rows.keys() - content.rows.keys())
    extra = sorted(name for name in content.rows.keys() - rows.keys() if not name.startswith(OWN))
    counted = {name: content.rows.get(name, 0) for name in rows}
    off = [f"{name} ({counted[name]} instead of {count})" for name, count in rows.items() if counted[name] != count]
    changed = [name for name in differences(signatures, content.signatures) if name in rows]
    checks = (
        (not content.lines, "it is empty."),
        (content.headers != 1, "it does not begin as a dump does, or holds more than one."),
        (content.database != database, f"it is of another database, {content.database or 'without a name'}."),
        (not content.markers, "its end marker is missing: it was cut off."),
        (not content.ended or content.markers != 1, "something follows its end marker."),
        (missing, f"tables are missing: {names(missing)}."),
        (extra, f"it has tables too many: {names(extra)}."),
        (changed, f"definitions differ: {names(changed)}."),
        (off, f"row counts differ: {names(off)}."),
        (views != set(content.views), f"views differ: {names(sorted(views ^ set(content.views)))}."),
    )
    return next((sentence for found, sentence in checks if found), "")
