"""The other end of a transcript: sections of one stream, each handed to a client program of its own.

A section begins with a line of the run's token, a space, and ``SQL`` or the number of a table; it ends where the next
one begins. SQL is run; a table's lines are read by LOAD DATA. ``awk`` cuts the stream, so nothing needs to be held; the
stream fails where the first of the clients fails.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.database.connection import Database
from pipeline.remote.command import Command, command, quoted, script

SQL_WORDS = ("--batch", "--binary-mode", "--skip-reconnect", "--max-allowed-packet=1G")
LOAD_WORDS = ("--batch", "--local-infile=1", "--skip-reconnect", "--max-allowed-packet=1G")

_CUT = r"""
function shut() {
    if (opened && close(client) != 0) { failed = 1; exit 1 }
    opened = 0
}
index($0, token " ") == 1 {
    shut()
    section = substr($0, length(token) + 2)
    client = section == "SQL" ? ENVIRON["PALIER_SQL"] : ENVIRON["PALIER_LOAD"] " -e \"$PALIER_LOAD_" section "\""
    next
}
{ print | client; opened = 1 }
END { if (!failed) shut() }
"""


def can_load(target: Database) -> bool:
    """Whether the receiving server takes LOAD DATA LOCAL, and its host can cut a stream."""
    if str(target.value("SELECT @@local_infile")) not in {"1", "ON"}:
        return False
    return target.host.run(script("command -v awk"), check=False).ok


def plain(target: Database) -> Command:
    """The command that runs a transcript of SQL alone."""
    return target.client(*SQL_WORDS)


def cutting(target: Database, token: str, loads: Mapping[int, str]) -> Command:
    """The command that runs a transcript of sections.

    :param loads: number -> the statement that reads this table's lines.
    """
    set_ = [f"PALIER_SQL={quoted(target.client(*SQL_WORDS).shell())}"]
    set_.append(f"PALIER_LOAD={quoted(target.client(*LOAD_WORDS).shell())}")
    set_ += [f"PALIER_LOAD_{number}={quoted(statement)}" for number, statement in loads.items()]
    names = " ".join(part.partition("=")[0] for part in set_)
    lines = "\n".join([*set_, f"export {names}", 'LC_ALL=C exec awk -v token="$1" "$2"'])
    return command("sh", "-euc", lines, "palier", token, _CUT)
