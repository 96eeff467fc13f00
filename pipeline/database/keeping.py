"""What Palier keeps in a shop's schema for the way back of each promotion, and giving it up.

Every promotion has tables of its own, told apart by the run's label, so that the way back of the one before stands
until the later one is open.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from pipeline.database.connection import Database
from pipeline.database.restore import DEFAULTS
from pipeline.database.shell import end_copying, preamble, run_sql
from pipeline.database.sql import OWN, identifier, text

PRE = "pre"
"""The kind of copies that hold production as it was before a promotion."""
_LABEL = re.compile(r"[0-9a-z]{1,32}")
_WAY_BACK = "pre|post|gone|work|wide|cells|state|conflicts"
_ALL = f"{_WAY_BACK}|books"


def label(run: str) -> str:
    """What the tables of a run are told by: ``20261121t190102z3f2a`` of ``20261121T190102Z-promote-3f2a``."""
    moment, _, rest = run.partition("-")
    return re.sub(r"[^0-9a-z]", "", moment.lower()) + rest.rpartition("-")[2]


def kind(of: str) -> str:
    """The kind of a run's checkpoint."""
    return f"{PRE}_{of}"


def _tables(of: str, kinds: str) -> str:
    if not _LABEL.fullmatch(of):
        raise ValueError(f"not a run's label: {of!r}")
    pattern = text(f"^{OWN}({kinds})_{of}(_[0-9]+|_map)?$")
    return f"FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME REGEXP {pattern}"


def give_up_fragment(of: str, schema: str, *, defaults: str = DEFAULTS, program: str = "mariadb") -> str:
    """Shell text that drops all that a run keeps but its books, from which its statement is made afterwards."""
    query = f"SELECT CONCAT('DROP TABLE IF EXISTS `', TABLE_NAME, '`;') {_tables(of, _WAY_BACK)}"
    return preamble(schema, defaults, program) + end_copying(of) + run_sql([query], each=True)


def give_up(db: Database, of: str) -> int:
    """Drop all that a run keeps; afterwards it cannot be taken back. :returns: how many tables that were."""
    sql = f"SELECT TABLE_NAME {_tables(of, _ALL)} ORDER BY TABLE_NAME DESC"
    return _drop(db, [str(name) for (name,) in db.rows(sql)])


def give_up_others(db: Database, of: str, needed: Collection[str]) -> int:
    """Drop the copies that the way back of an opened promotion does not need.

    :param needed: the names of the copies that it does.
    """
    pattern = text(f"^{OWN}{PRE}_{of}_[0-9]+$")
    sql = f"SELECT TABLE_NAME {_tables(of, PRE)} AND TABLE_NAME REGEXP {pattern}"
    return _drop(db, [str(name) for (name,) in db.rows(sql) if name not in needed])


def drop_asides(db: Database) -> int:
    """Drop what rollbacks have set aside: tables that an update made, with the rows that others wrote into them."""
    sql = (
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
        f" AND TABLE_NAME REGEXP '^{OWN}aside(_[0-9a-z]{{1,32}})?_[0-9]+$'"
    )
    return _drop(db, [str(name) for (name,) in db.rows(sql)])


def _drop(db: Database, tables: Collection[str]) -> int:
    for name in tables:
        db.execute(f"DROP TABLE IF EXISTS {identifier(name)}")
    return len(tables)
