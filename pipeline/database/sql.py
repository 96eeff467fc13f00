"""SQL as text: the one place where names and values are quoted, and what every script of Palier begins with."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.database.connection import SESSION

OWN = "_palier_"
"""What the names of Palier's own tables begin with. Whatever measures or clones a shop leaves them out."""

NOT_OWN = r"TABLE_NAME NOT LIKE '\\_palier\\_%'"
"""The condition on ``information_schema`` that leaves them out."""

SCRIPT = (
    *SESSION,
    "SET SESSION foreign_key_checks=0",
    "SET @palier=0 /*M!100200 , SESSION check_constraint_checks=0, SESSION max_statement_time=0 */",
)
"""What a script that puts data back sets first. With the checks of foreign keys off nothing cascades, and rows can go
back table by table; what is put back was consistent when it was copied."""

_ESCAPES = str.maketrans({"\\": r"\\", "'": r"\'", "\n": r"\n", "\r": r"\r", "\0": r"\0", "\x1a": r"\Z"})


def own(kind: str, of: str = "", number: int | None = None) -> str:
    """The name of a table of Palier's own: what it holds, the run that it belongs to, and which one of them it is."""
    return OWN + "_".join(part for part in (kind, of, "" if number is None else str(number)) if part)


def identifier(name: str) -> str:
    """A table's, column's or index's name as SQL wants it."""
    return "`" + name.replace("`", "``") + "`"


def names(items: Iterable[str], alias: str = "") -> str:
    """Names separated by commas, each behind ``alias.`` if there is one."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + identifier(item) for item in items)


def text(value: str) -> str:
    """A string literal, for sessions whose ``sql_mode`` lets the backslash escape."""
    return "'" + value.translate(_ESCAPES) + "'"


def texts(values: Iterable[str]) -> str:
    """String literals separated by commas, for ``IN (...)``; never empty."""
    return ", ".join(text(value) for value in values) or "''"
