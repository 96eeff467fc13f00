"""Tables without a copy, looked at by the way back itself: it may be taken before anybody has compared them.

What is noted while nobody writes is the time at which the server last wrote each table, and the checksum where one is
known. A table whose time has moved, and whose checksum is another one or not known, is listed for a person. A server
forgets such times when it restarts; then the table is listed too, unless its checksum speaks for it.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from pipeline.database.connection import Database
from pipeline.database.shell import run_sql
from pipeline.database.sql import identifier, text, texts

_STAMP = "CONCAT_WS('|', t.CREATE_TIME, IFNULL(t.UPDATE_TIME, '-'))"


@dataclass(frozen=True)
class Uncopied:
    """One table as it was noted. ``told``: what a person should know of it besides the rows that it holds now."""

    name: str
    stamp: str
    checksum: int | None
    told: str


def stamps(db: Database, tables: Collection[str]) -> dict[str, str]:
    """When the server made and last wrote each of these tables."""
    sql = (
        f"SELECT t.TABLE_NAME, {_STAMP} FROM information_schema.TABLES t"
        f" WHERE t.TABLE_SCHEMA = DATABASE() AND BINARY t.TABLE_NAME IN ({texts(sorted(tables))})"
    )
    return {str(name): str(stamp) for name, stamp in db.rows(sql)}


def list_moved(tables: Sequence[Uncopied], listed: str, *, unless: Sequence[str] = ()) -> str:
    """Shell text, behind the preamble, that writes the file ``listed``: a line for each of ``tables`` that has moved.

    It looks once, and only if a step after this one was begun: until then nothing of the update was at work.

    :param unless: files in the run's folder that say that there is nothing to look for.
    """
    if not tables:
        return ""
    looked = f"{listed}.looked"
    done = "".join(f" && [ ! -e {name} ]" for name in (looked, listed, *unless))
    return (
        "palier_begun=\n"
        "for palier_file in undo.d/[0-9][0-9]-*.sh; do palier_begun=${palier_file#undo.d/}; done\n"
        f'if [ "$palier_begun" != "${{0##*/}}" ]{done}; then\n'
        f"rm -f {listed}.partial\n"
        f"palier_moved=$({run_sql([_moved(tables)])})\n"
        "palier_moved=\" $(printf '%s ' $palier_moved)\"\n"
        f"{''.join(_line(number, table, f'{listed}.partial') for number, table in enumerate(tables, 1))}"
        f"[ ! -e {listed}.partial ] || mv {listed}.partial {listed}\n"
        f": > {looked}\n"
        "fi\n"
    )


def _moved(tables: Sequence[Uncopied]) -> str:
    noted = " UNION ALL ".join(
        f"SELECT {number} AS n, {text(table.name)} AS name, {text(table.stamp)} AS stamp"
        for number, table in enumerate(tables, 1)
    )
    return (
        f"SELECT s.n FROM ({noted}) s LEFT JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = DATABASE()"
        " AND BINARY t.TABLE_NAME = BINARY s.name"
        f" WHERE t.TABLE_NAME IS NULL OR BINARY {_STAMP} <> BINARY s.stamp ORDER BY s.n"
    )


def _line(number: int, table: Uncopied, into: str) -> str:
    return "".join(_lines(number, table, into))


def _lines(number: int, table: Uncopied, into: str) -> Iterator[str]:
    name = identifier(table.name)
    yield f"case \"$palier_moved\" in *' {number} '*)\npalier_same=\n"
    if table.checksum is not None:
        yield f"palier_sum=$({run_sql([f'CHECKSUM TABLE {name}'])})\n"
        yield f'[ "${{palier_sum##*\t}}" != {table.checksum} ] || palier_same=yes\n'
    yield 'if [ -z "$palier_same" ]; then\n'
    yield f"palier_count=$({run_sql([f'SELECT COUNT(*) FROM {name}'])}) || palier_count=no\n"
    yield f"printf '    %s: %s rows now, %s\\n' {shlex.quote(table.name)} \"$palier_count\" {shlex.quote(table.told)}"
    yield f" >> {into}\nfi\n;; esac\n"
