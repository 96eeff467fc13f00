"""What an account may do in its schema, and so which rungs of the way back it can have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.database.connection import Database
from pipeline.database.footprint import Footprint
from pipeline.database.sql import NOT_OWN
from pipeline.errors import Refused

NEEDED = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX")
"""Without these there is no checkpoint and no undo of rows. Nothing else is needed: no second schema, no LOCK TABLES,
TRIGGER, PROCESS, RELOAD or SUPER."""

_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<schema>\*|`(?:[^`]|``)+`)\.(?P<table>\*|`[^`]+`) TO ")
_UNFOLLOWED = re.compile(r"REVOKE |GRANT \S+ TO ")
_COLUMNS = re.compile(r"\([^)]*\)")
_EVERYTHING = ("ALL", "ALL PRIVILEGES")


@dataclass(frozen=True)
class Privileges:
    """The rights of one account on one schema."""

    rights: frozenset[str]
    """In capitals, as SHOW GRANTS names them; ALL PRIVILEGES stands for every one."""
    schemas: bool
    """Whether it may make further schemas."""
    certain: bool = True
    """False if a role or a revoked part is in play, which this reading does not follow."""

    def may(self, right: str) -> bool:
        return right in self.rights or not self.rights.isdisjoint(_EVERYTHING)

    def missing(self, rights: Iterable[str] = NEEDED) -> tuple[str, ...]:
        """Those of ``rights`` that the account surely lacks."""
        return tuple(right for right in rights if not self.may(right)) if self.certain else ()


def read(db: Database) -> Privileges:
    """The rights of the connected account on the connected schema, as the server lists them."""
    return parse((str(row[0]) for row in db.rows("SHOW GRANTS")), db.name)


def parse(grants: Iterable[str], schema: str) -> Privileges:
    """The same from the lines of SHOW GRANTS. In the name of a schema ``_`` and ``%`` stand for anything."""
    rights, schemas, certain = set[str](), False, True
    for line in grants:
        grant = _GRANT.match(line)
        if grant is None:
            certain = certain and not _UNFOLLOWED.match(line)
            continue
        pattern, listed = grant["schema"], {each.strip().upper() for each in _split(grant["rights"])}
        general = grant["table"] == "*"
        if pattern == "*" and general:
            rights |= listed
            schemas = schemas or not listed.isdisjoint({"CREATE", *_EVERYTHING})
        elif general and _pattern(pattern[1:-1].replace("``", "`")).fullmatch(schema):
            rights |= listed
    return Privileges(frozenset(rights - {"USAGE"}), schemas, certain)


def _split(rights: str) -> list[str]:
    return _COLUMNS.sub("", rights).split(",")


def _pattern(name: str) -> re.Pattern[str]:
    """A schema's name in a grant as a regular expression; a backslash takes a wildcard its meaning."""
    parts = re.split(r"(\\[_%]|[_%])", name)
    meaning = {"_": ".", "%": ".*", r"\_": "_", r"\%": "%"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)


def demand(db: Database, expected: Footprint) -> str:
    """What the way back of this footprint needs is allowed; a few words on what cannot be guarded.

    :raises Refused: naming the rights that are missing, and the views that could not be put back.
    """
    held = read(db)
    wrong = [f"{db.credentials.user} lacks {', '.join(held.missing())} on {db.name}."] if held.missing() else []
    wrong += _unguarded_views(db, held, expected)
    if wrong:
        raise Refused(
            "The updates could not be taken back by this account.",
            why=" ".join(wrong),
            next_step="Have the rights granted, or leave the module out of the playbook.",
        )
    return "triggers cannot be seen by this account" if held.missing(["TRIGGER"]) else ""


def _unguarded_views(db: Database, held: Privileges, expected: Footprint) -> list[str]:
    """Every view's definition is read; those that the update changes must be made again, in their owner's name."""
    owners = dict(db.rows(_VIEWS))
    if owners and held.missing(["SHOW VIEW"]):
        return [
            f"The view {name} could not be put back: this account may not read its definition (SHOW VIEW)."
            for name in sorted(owners)
        ]
    account = str(db.value("SELECT CURRENT_USER()"))
    found = []
    for name in expected.views:
        if name in owners and held.missing(["CREATE VIEW"]):
            found.append(f"The view {name} could not be put back: this account may not make views (CREATE VIEW).")
        elif name in owners and owners[name] not in (account, "", None) and not _may_act_for_others(held):
            found.append(f"The view {name} belongs to {owners[name]}, and {account} could not make it again.")
    return found


def _may_act_for_others(held: Privileges) -> bool:
    return any(held.may(right) for right in ("SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER")) and held.schemas


_VIEWS = f"SELECT TABLE_NAME, DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA=DATABASE() AND {NOT_OWN}"
